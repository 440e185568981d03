package zk_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 36, 123: a hook of calls takes twice the session timeout, and calls the
// client itself. It slows down only its own caller.
func TestHooks_SlowCallHookDisturbsNobody(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var c *zk.Client
		var mu sync.Mutex
		var seen []string
		c = watching(t, srv, func(cfg *zk.Config) {
			cfg.Hooks = []zk.Hook{onCall(func(e zk.CallEnded) {
				mu.Lock()
				seen = append(seen, e.Op+" "+e.Path)
				mu.Unlock()
				if e.Path == "/slow" {
					require.ErrorIs(t, e.Err, zk.ErrNoNode)
					_, _, err := c.Exists(t.Context(), "/from/within")
					require.NoError(t, err)
					time.Sleep(2 * c.Session().Timeout())
				}
			})}
		})
		id := c.Session().ID()
		_, _, w, err := c.ExistsW(t.Context(), "/n")
		require.NoError(t, err)
		slow := make(chan struct{})
		go func() {
			_, err := c.Get(t.Context(), "/slow")
			require.ErrorIs(t, err, zk.ErrNoNode)
			close(slow)
		}()
		synctest.Wait()
		start := time.Now()
		srv.CutConnections(1)
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.NoError(t, srv.Create("/n", nil))
		require.Equal(t, zk.EventCreated, fires(t, w))
		require.Less(t, time.Since(start), time.Second)
		<-slow
		require.Equal(t, id, c.Session().ID())
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{"exists /n", "get /slow", "exists /from/within", "sync /"}, seen)
	})
}
