package zk_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Watches under small limits. The restore of none may end every new connection.

func limited(request, reply int) func(*zk.Config) {
	return func(cfg *zk.Config) { cfg.MaxRequestSize, cfg.MaxReplySize = request, reply }
}

func TestRestore_FramesAreWithinMaxRequestSize(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		const limit = 5000
		var tp tap
		c := watching(t, srv, tp.on(srv), limited(limit, 0))
		var held []*zk.Watch
		for i := range 300 {
			_, _, w, err := c.ExistsW(t.Context(), fmt.Sprintf("/%059d", i))
			require.NoError(t, err)
			held = append(held, w)
		}
		srv.CutConnections(1)
		synctest.Wait()
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.Len(t, restored(t, tp.frames(1))["exist"], len(held))
		for _, f := range tp.frames(1)[1:] {
			require.LessOrEqual(t, f.size-proto.FrameHeader, limit)
		}
		for _, w := range held {
			w.Stop()
		}
	})
}

// A path that fits into the read that sets a watch, but not into the frame that
// restores it, is refused when the watch is set.
func TestWatch_PathThatCannotBeRestoredIsRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		const limit = 5000
		var tp tap
		c := watching(t, srv, tp.on(srv), limited(limit, 0))
		const most = limit - 40 // header, zxid, five counts, the path's length
		fits, long := "/"+strings.Repeat("x", most-1), "/"+strings.Repeat("x", most)
		for name, set := range map[string]func(path string) (stop func(), err error){
			"exists": func(path string) (func(), error) {
				_, _, w, err := c.ExistsW(inTime(t), path)
				return w.Stop, err
			},
			"subscribe": func(path string) (func(), error) {
				sub, err := c.Subscribe(inTime(t), path)
				return func() { sub.Close() }, err
			},
		} {
			_, err := set(long)
			require.ErrorIs(t, err, zk.ErrTooLarge, name)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
			_, _, err = c.Exists(inTime(t), long)
			require.NoError(t, err, "without a watch it is fine")

			stop, err := set(fits)
			require.NoError(t, err, name)
			srv.CutConnections(1)
			synctest.Wait()
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Len(t, srv.WatchPaths(), 1, "restored")
			stop()
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Zero(t, srv.Watches())
		}
		for n := range tp.dials() {
			for _, f := range tp.frames(n)[1:] {
				require.LessOrEqual(t, f.size-proto.FrameHeader, limit)
			}
		}
	})
}

// An event may be larger than MaxReplySize, since a path may.
func TestWatch_EventLargerThanMaxReplySizeFires(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		c := watching(t, srv, tp.on(srv), limited(0, 4<<10))
		path := "/" + strings.Repeat("x", 8<<10)
		_, _, w, err := c.ExistsW(t.Context(), path)
		require.NoError(t, err)
		require.NoError(t, srv.Create(path, nil))
		require.Equal(t, zk.EventCreated, fires(t, w))
		require.Equal(t, 1, tp.dials())
	})
}

// An event that is larger than every request is skipped. The recursive subscriptions
// that may have missed it get a resync. A watch that only a recursive one feeds ends.
func TestSubscription_EventBeyondEveryLimitIsAResync(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		c := watching(t, srv, tp.on(srv), limited(4<<10, 4<<10))
		require.NoError(t, srv.Create("/n", nil))
		all := subscribe(t, c, "/n", zk.Recursive())
		other := subscribe(t, c, "/other")
		_, _, children, err := c.ChildrenW(t.Context(), "/n")
		require.NoError(t, err)
		require.NoError(t, srv.Create("/n/"+strings.Repeat("x", 8<<10), nil))
		require.NoError(t, srv.Create("/n/y", nil))
		require.Equal(t, []string{"resync /n", "created /n/y"}, next(t, all, 2))
		_, err = children.Wait(inTime(t))
		require.ErrorIs(t, err, zk.ErrWatchLost)
		require.Empty(t, waiting(t, other))
		require.Equal(t, 1, tp.dials(), "the connection stays")
		require.NoError(t, all.Close())
		require.NoError(t, other.Close())
	})
}
