package barrier_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
)

// The behaviour that the transactions depend on, and rounds with cut connections, on
// Apache ZooKeeper.
func TestDouble_RoundsOnARealServer(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dial := func() *zk.Client { return clienttest.ConnectTo(t, e.Servers()) }
	var clients []*zk.Client
	for range 3 {
		clients = append(clients, dial())
	}
	names := func() []string {
		names, _, err := clients[0].Children(ctx, "/b")
		require.NoError(t, err)
		return names
	}

	// A round that crashed: its members are gone, and ready is there.
	lost := dial()
	stale, err := barrier.NewDouble(lost, "/b", 1, barrier.DoubleConfig{}).Enter(ctx)
	require.NoError(t, err)
	require.NoError(t, lost.Close(ctx))
	<-stale.Context().Done()
	require.Equal(t, []string{"ready"}, names())

	// Rounds of three. Connections are cut at random, and some parties give up.
	h := newHistory(t)
	stop := make(chan struct{})
	var faults, work sync.WaitGroup
	faults.Go(func() {
		rnd := rand.New(rand.NewPCG(7, 7))
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(200+rnd.IntN(400)) * time.Millisecond):
				e.Clients(0).Cut()
			}
		}
	})
	for i, c := range clients {
		d := barrier.NewDouble(c, "/b", 3, barrier.DoubleConfig{})
		work.Go(func() {
			rnd := rand.New(rand.NewPCG(8, uint64(i)))
			for h.rounds() < 20 && ctx.Err() == nil {
				ctx, cancel := context.WithTimeout(ctx, time.Duration(20+rnd.IntN(500))*time.Millisecond)
				e, err := d.Enter(ctx)
				cancel()
				if err != nil {
					if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, barrier.ErrTooMany) {
						t.Error(err)
					}
					continue
				}
				h.entered(e, 3)
				h.leaving(e)
				ctx, cancel = context.WithTimeout(context.Background(), 5*time.Second)
				if err := e.Leave(ctx); err != nil {
					t.Error(err)
				} else {
					h.left(e)
				}
				cancel()
			}
		})
	}
	work.Wait()
	close(stop)
	faults.Wait()
	t.Logf("%d entries in %d rounds", h.let, len(h.round))

	// The nodes of parties that gave up while they were cut off are deleted in the
	// background, and count until then.
	for {
		there, _, w, err := clients[0].ChildrenW(ctx, "/b")
		require.NoError(t, err)
		if len(there) == 0 || len(there) == 1 && there[0] == "ready" {
			w.Stop()
			break
		}
		_, err = w.Wait(ctx)
		require.NoError(t, err, "left behind: %q", there)
	}

	var all []*entering
	for _, c := range clients {
		all = append(all, enter(ctx, barrier.NewDouble(c, "/b", 3, barrier.DoubleConfig{})))
	}
	leaveAll(t, all[0].in(t), all[1].in(t), all[2].in(t))
	require.Empty(t, names())

	// The gate of a process that dies.
	owner := dial()
	require.NoError(t, barrier.New(owner, "/g/gate", barrier.Config{Ephemeral: true}).Raise(ctx))
	done := make(chan error, 1)
	go func() { done <- barrier.New(clients[0], "/g/gate", barrier.Config{}).Wait(ctx) }()
	soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, barrier.New(clients[1], "/g/gate", barrier.Config{}).Wait(soon), context.DeadlineExceeded)
	require.Empty(t, done)
	require.NoError(t, owner.Close(ctx))
	require.NoError(t, <-done)
}
