package mirror

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zktest"
)

// While a reader is busy, thousands of nodes come and go, each under a new name.
// What waits for the reader must not grow with them; afterwards the copy is right,
// and it was not stale for that.
func TestMirror_SlowReaderIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		require.NoError(t, srv.Create("/s/first", nil))
		c := srv.Client(t)
		var (
			busy   = make(chan struct{})
			copied = map[string]bool{}
			loaded bool
		)
		m := &mirror{
			c: c, cfg: Config{Root: "/s", Depth: 1, Parallel: 4, Retry: time.Minute}, known: map[string]*node{}, failed: map[string]error{},
			inbox: newInbox(), status: Status{Stale: true, Why: ErrLoading},
			apply: func(b Batch) {
				if loaded && b.Status.Stale {
					t.Error("it was stale")
				}
				loaded = loaded || !b.Status.Stale
				for _, p := range b.Gone {
					delete(copied, p)
				}
				for _, e := range b.Set {
					copied[e.Path] = true
				}
				<-busy
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.run(ctx) }()
		synctest.Wait()
		for i := range 10_000 {
			path := fmt.Sprintf("/s/%d", i)
			require.NoError(t, srv.Create(path, nil))
			require.NoError(t, srv.Delete(path))
			if i%50 == 0 {
				synctest.Wait()
			}
		}
		require.NoError(t, srv.Create("/s/last", nil))
		require.NoError(t, srv.Delete("/s/first"))
		synctest.Wait()
		m.inbox.mu.Lock()
		waiting := len(m.inbox.paths)
		m.inbox.mu.Unlock()
		close(busy)
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.Equal(t, map[string]bool{"/s/last": true}, copied)
		require.Less(t, waiting, 2000, "paths that wait for a reader of one node")
	})
}
