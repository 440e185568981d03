package notice_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Each end of a watch has its notice, or is an error. Await returns nil where the caller
// has to look again.
func TestNotice_OfEachEnd(t *testing.T) {
	for name, c := range map[string]struct {
		happen func(t *testing.T, srv *zktest.Server, c *zk.Client, w *zk.Watch)
		want   notice.Notice
		err    error
	}{
		"deleted": {func(t *testing.T, srv *zktest.Server, _ *zk.Client, _ *zk.Watch) {
			require.NoError(t, srv.Delete("/n"))
		}, notice.Deleted, nil},
		"changed": {func(t *testing.T, srv *zktest.Server, _ *zk.Client, _ *zk.Watch) {
			require.NoError(t, srv.Set("/n", nil))
		}, notice.Changed, nil},
		"not restored": {func(_ *testing.T, srv *zktest.Server, _ *zk.Client, _ *zk.Watch) {
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op == "setWatches" {
					return zktest.Fail(int32(zk.ErrNoAuth))
				}
				return zktest.Pass
			})
			srv.CutConnections(1)
		}, notice.Lost, nil},
		"session expired": {func(t *testing.T, srv *zktest.Server, c *zk.Client, _ *zk.Watch) {
			require.NoError(t, srv.ExpireSession(c.Session().ID()))
		}, notice.Expired, nil},
		"closed": {func(t *testing.T, _ *zktest.Server, c *zk.Client, _ *zk.Watch) {
			require.NoError(t, c.Close(t.Context()))
		}, 0, zk.ErrClosed},
		"stopped": {func(_ *testing.T, _ *zktest.Server, _ *zk.Client, w *zk.Watch) { w.Stop() }, 0, zk.ErrWatchStopped},
	} {
		t.Run(name, func(t *testing.T) {
			clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/n", nil))
				client := clienttest.Connect(t, srv)
				_, _, w, err := client.ExistsW(t.Context(), "/n")
				require.NoError(t, err)
				require.False(t, notice.Gone(w))
				time.Sleep(time.Second)
				awaited := make(chan error, 1)
				go func() { awaited <- notice.Await(t.Context(), w) }()
				synctest.Wait()
				require.Empty(t, awaited)
				c.happen(t, srv, client, w)
				<-w.C()
				got, err := notice.Of(w)
				require.ErrorIs(t, err, c.err)
				require.Equal(t, c.want, got)
				require.Equal(t, c.want == notice.Deleted, notice.Gone(w))
				require.ErrorIs(t, <-awaited, c.err)
				srv.OnRequest(nil)
			})
		})
	}
}

// When its context ends, Await stops the watch.
func TestAwait_ContextEnds(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", nil))
		_, _, w, err := clienttest.Connect(t, srv).ExistsW(t.Context(), "/n")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, notice.Await(ctx, w), context.DeadlineExceeded)
		require.ErrorIs(t, w.Err(), zk.ErrWatchStopped)
		synctest.Wait()
		require.Zero(t, srv.Watches())
	})
}
