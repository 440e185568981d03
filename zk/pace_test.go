package zk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A bulk read over a slow link does not end the locks of its own client, and takes
// as long as the link needs for it.
func TestGuard_OutlivesABulkReadOfItsClient(t *testing.T) {
	const gets, size, rate = 200, 100_000, 1_000_000
	for name, change := range map[string]func(*zk.Config){
		"sync":   func(*zk.Config) {},
		"quorum": func(cfg *zk.Config) { cfg.QuorumLease = true },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv, slowly(srv, rate), change)
				require.NoError(t, srv.Create("/n", make([]byte, size)))
				guard, release, err := c.Session().Guard(t.Context())
				require.NoError(t, err)
				defer release()
				time.Sleep(2 * c.Session().Timeout())
				start := time.Now()
				p := c.Pipeline()
				var reads []*zk.Future[zk.Node]
				for range gets {
					reads = append(reads, p.Get(t.Context(), "/n"))
				}
				for _, read := range reads {
					n, err := read.Wait(t.Context())
					require.NoError(t, err)
					require.Len(t, n.Data, size)
				}
				took := time.Since(start)
				assert.NoError(t, guard.Err(), "after %v", took)
				require.InDelta(t, gets*size/rate, took.Seconds(), 2)
			})
		})
	}
}

// Calls that had to wait while a guard lived are written when it is released, all in
// their order.
func TestGuard_HeldBackCallsGoOnWithoutIt(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		guard, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		srv.Delay(1, c.Session().Timeout()/20)
		p := c.Pipeline()
		var made []*zk.Future[zk.Created]
		start := time.Now()
		for range 1000 {
			made = append(made, p.Create(t.Context(), "/n-", nil, zk.PersistentSequential))
		}
		release()
		require.Error(t, guard.Err())
		last := ""
		for _, m := range made {
			n, err := m.Wait(t.Context())
			require.NoError(t, err)
			require.Greater(t, n.Path, last)
			last = n.Path
		}
		require.LessOrEqual(t, time.Since(start), c.Session().Timeout()/10)
	})
}
