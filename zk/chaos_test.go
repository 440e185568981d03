package zk_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Many goroutines use one client while connections are cut and replies dropped at
// random. No call hangs, and no write runs twice. A write that was reported as done
// has run, and one that was reported as not sent has not.
func TestClient_OutcomesAreTrueUnderRandomCuts(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { outcomesAreTrue(t, seed) })
		})
	}
}

func outcomesAreTrue(t *testing.T, seed uint64) {
	srv := zktest.Start(t, zktest.Config{Servers: 3})
	c := connect(t, srv)
	ctx := t.Context()
	const workers, each = 8, 60
	_, err := c.Create(ctx, "/d", nil, zk.Persistent)
	require.NoError(t, err)

	stop := make(chan struct{})
	var faults sync.WaitGroup
	faults.Go(func() {
		rnd := rand.New(rand.NewPCG(seed, 1))
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rnd.IntN(30)) * time.Millisecond):
			}
			switch server := 1 + rnd.IntN(3); rnd.IntN(4) {
			case 0:
				srv.CutConnections(0)
			case 1:
				srv.CutConnections(server)
			case 2:
				srv.SilenceReplies(server, true)
				time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
				srv.CutConnections(server)
				srv.SilenceReplies(server, false)
			case 3:
				srv.Delay(server, time.Duration(rnd.IntN(5))*time.Millisecond)
			}
		}
	})

	var mu sync.Mutex
	want := map[string]zk.Outcome{} // of every create: done is 255
	const done = zk.Outcome(255)
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(w)+2))
			for i := range each {
				path := "/d/" + strconv.Itoa(w) + "-" + strconv.Itoa(i)
				ctx, cancel := context.WithTimeout(ctx, time.Duration(rnd.IntN(100))*time.Millisecond)
				var err error
				if rnd.IntN(3) == 0 {
					p := c.Pipeline()
					f, g := p.Create(ctx, path, nil, zk.Persistent), p.Get(ctx, path)
					if _, err = f.Wait(context.Background()); err == nil {
						if _, err := g.Wait(context.Background()); err != nil {
							require.False(t, errors.Is(err, zk.ErrNoNode), "get behind a create that is done: %v", err)
						}
					}
				} else {
					_, err = c.Create(ctx, path, nil, zk.Persistent)
				}
				cancel()
				o := done
				if err != nil {
					o = zk.OutcomeOf(err)
				}
				mu.Lock()
				want[path] = o
				mu.Unlock()
				time.Sleep(time.Duration(rnd.IntN(3)) * time.Millisecond)
			}
		})
	}
	work.Wait()
	close(stop)
	faults.Wait()
	srv.Delay(0, 0)
	require.NoError(t, c.Sync(ctx, "/"))

	count := map[zk.Outcome]int{}
	for path, o := range want {
		_, ok, err := c.Exists(ctx, path)
		require.NoError(t, err)
		count[o]++
		switch o {
		case done:
			require.True(t, ok, "%s was reported created", path)
		case zk.OutcomeNotSent:
			require.False(t, ok, "%s was reported not sent", path)
		case zk.OutcomeRejected:
			t.Errorf("%s: a create under a fresh name was rejected: it ran twice", path)
		}
	}
	require.NotZero(t, count[done])
	t.Logf("done %d, not sent %d, unknown %d", count[done], count[zk.OutcomeNotSent], count[zk.OutcomeUnknown])
}
