package barrier_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zktest"
)

// Parties give up at thousands of moments, at each step of Enter and of Leave. They
// leave no member and no watch behind, and the next round works.
func TestDouble_CancelledAtEveryInstantLeavesNothing(t *testing.T) {
	const tries = 3000
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		_, d := parties(t, srv, 3, 3)
		rnd := rand.New(rand.NewPCG(1, 2))
		var mu sync.Mutex
		in, gaveUpLeaving := 0, 0
		srv.Delay(0, 200*time.Microsecond) // a round trip
		for i := range tries {
			if i%100 == 0 {
				srv.CutConnections(0)
			}
			var all sync.WaitGroup
			for _, d := range d {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(8000))*time.Microsecond)
				leaveCtx := time.Duration(rnd.IntN(4000)) * time.Microsecond
				all.Go(func() {
					defer cancel()
					deadline, _ := ctx.Deadline()
					e, err := d.Enter(ctx)
					if err != nil {
						if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, barrier.ErrTooMany) {
							t.Error(err)
						}
						if late := time.Since(deadline); late > time.Millisecond {
							t.Errorf("Enter returned %v after its context", late)
						}
						return
					}
					ctx, cancel := context.WithTimeout(t.Context(), leaveCtx)
					defer cancel()
					deadline, _ = ctx.Deadline()
					err = e.Leave(ctx)
					if err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
					if late := time.Since(deadline); late > time.Millisecond {
						t.Errorf("Leave returned %v after its context", late)
					}
					mu.Lock()
					defer mu.Unlock()
					if in++; err != nil {
						gaveUpLeaving++
					}
				})
			}
			all.Wait()
		}
		t.Logf("%d of %d let in, %d gave up leaving", in, 3*tries, gaveUpLeaving)
		require.Greater(t, in, tries/10)
		require.Greater(t, gaveUpLeaving, tries/100)
		time.Sleep(time.Minute)
		require.Subset(t, []string{"ready"}, srv.Children("/b"), "members left behind")
		a, b, c := enter(t.Context(), d[0]), enter(t.Context(), d[1]), enter(t.Context(), d[2])
		leaveAll(t, a.in(t), b.in(t), c.in(t))
	})
}
