package acceptance

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A holder whose server is cut off from its leader, and a waiter at another server.
// A holder that obeys its context stops in time. If it ignores its context there
// are two holders, and the checkers must report that.
func TestControl_ClaimsThatIgnoreTheContextAreDetected(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := zktest.Start(t, zktest.Config{Servers: 2, SyncLimit: 1000})
			var h history
			start := time.Now()
			add := func(owner int, token int64, acquired bool) {
				h.add(event{at: time.Since(start), name: "/l", owner: owner, token: token, acquired: acquired})
			}
			holder, waiter := controlClient(t, srv, "zk1"), controlClient(t, srv, "zk2")
			first, err := lock.New(holder, "/l", lock.Config{}).Acquire(t.Context())
			require.NoError(t, err)
			add(1, first.Token(), true)
			if !ignore {
				context.AfterFunc(first.Context(), func() { add(1, first.Token(), false) })
			}
			srv.CutFromLeader(1, true)
			second, err := lock.New(waiter, "/l", lock.Config{}).Acquire(t.Context())
			require.NoError(t, err)
			add(2, second.Token(), true)
			time.Sleep(time.Millisecond) // in virtual time, so that no two operations are at one instant
			require.NoError(t, second.Release(t.Context()))
			add(2, second.Token(), false)
			time.Sleep(time.Millisecond)
			if ignore {
				add(1, first.Token(), false)
			}
			srv.CutFromLeader(1, false)
			require.NoError(t, first.Release(t.Context()))
			if ignore {
				all, err := h.byName()
				require.NoError(t, err)
				require.ErrorContains(t, sweep(all["/l"]), "two holders")
				require.Error(t, linearizable(all["/l"]))
			} else {
				require.NoError(t, h.check())
			}
		})
	}
}

func controlClient(t *testing.T, srv *zktest.Server, host string) *zk.Client {
	t.Helper()
	return srv.Client(t, func(cfg *zk.Config) { cfg.Servers, cfg.SessionTimeout = host, 4*time.Second })
}
