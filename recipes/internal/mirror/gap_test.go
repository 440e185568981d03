package mirror

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 103: a gap that comes while the last answer of a round is on its way
// leaves the copy stale, although all reads of the round went well.
func TestMirror_GapDuringTheLastReadLeavesItStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		require.NoError(t, srv.Create("/s/1", []byte("x")))
		c := srv.Client(t)
		m := &mirror{
			c: c, cfg: Config{Root: "/s", Depth: 1, Parallel: 1, Retry: time.Minute}, known: map[string]*node{}, failed: map[string]error{},
			inbox: newInbox(), status: Status{Stale: true, Why: ErrLoading}, apply: func(Batch) {},
		}
		m.inbox.state(zk.StateConnected)
		var once sync.Once
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "get" {
				once.Do(func() {
					m.inbox.mu.Lock()
					defer m.inbox.mu.Unlock()
					m.inbox.all = true // what gap does, but for ending the round: that comes too late
				})
			}
			return zktest.Pass
		})
		require.NoError(t, m.turn(t.Context()))
		require.True(t, m.status.Stale)
		require.True(t, m.known["/s/1"].reported, "what was read is reported")
		require.NoError(t, m.turn(t.Context()))
		require.False(t, m.status.Stale)
		m.unsubscribe()
		m.wg.Wait()
	})
}
