package zk_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// watchLines returns the log lines about watches, without their times.
func watchLines(all *everything) (lines []string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for line := range strings.Lines(all.buf.String()) {
		if _, line, _ = strings.Cut(line, "level="); strings.Contains(line, "watches") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// The log says for each reconnect how many watches the client sets again. It names
// the first of those that the server refuses. Without watches it says nothing.
func TestLog_SaysWhatBecomesOfWatchesAfterAReconnect(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app", nil))
		var all everything
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers += "/app"
			cfg.Logger = slog.New(slog.NewTextHandler(&all, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		reconnect := func() {
			srv.CutConnections(1)
			require.NoError(t, c.Sync(inTime(t), "/"))
			synctest.Wait()
		}
		reconnect()
		require.Empty(t, watchLines(&all))

		for i := range 4 {
			_, _, _, err := c.ExistsW(t.Context(), fmt.Sprintf("/n%d", i))
			require.NoError(t, err)
		}
		reconnect()
		require.Equal(t, []string{`DEBUG msg="zk: restoring watches" watches=4 requests=1`}, watchLines(&all))

		onNth(srv, "setWatches", 1, zktest.Fail(int32(zk.ErrNoAuth)))
		reconnect()
		lines := watchLines(&all)
		require.Len(t, lines, 3)
		require.Equal(t, `DEBUG msg="zk: restoring watches" watches=4 requests=1`, lines[1])
		require.Regexp(t, `^ERROR msg="zk: watches not restored" watches=4 first="\[/n\d /n\d /n\d\]" why=`, lines[2])
	})
}

// The hooks of requests say which request sets a watch, and how many watches a
// request sets again. The hook of events says how many watches got the event.
func TestHooks_ShowTheWayOfAWatch(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", nil))
		var r recorder
		c := connect(t, srv, r.on)
		_, err := c.Get(t.Context(), "/n")
		require.NoError(t, err)
		_, w, err := c.GetW(t.Context(), "/n")
		require.NoError(t, err)
		sub := subscribe(t, c, "/s")
		srv.CutConnections(1)
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.NoError(t, srv.Set("/n", nil))
		require.Equal(t, zk.EventDataChanged, fires(t, w))
		synctest.Wait()

		var got []string
		for _, e := range eventsOf[zk.RequestAnswered](&r) {
			if e.Op != "sync" { // its number depends on when the client sees the cut
				got = append(got, fmt.Sprint(e.Op, " ", e.Path, " ", e.Watch, " ", e.Restores))
			}
		}
		require.Equal(t, []string{"get /n false 0", "get /n true 0", "addWatch /s true 0", "setWatches  false 2"}, got)
		require.Equal(t, []zk.WatchFired{{Type: zk.EventDataChanged, Path: "/n", Zxid: srv.Zxid(), Watches: 1}}, eventsOf[zk.WatchFired](&r))
		require.NoError(t, sub.Close())
	})
}

// An event whose watch was stopped while it was on its way is reported as one that
// no watch got.
func TestHooks_SayIfNoWatchGotAnEvent(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", nil))
		var r recorder
		c := connect(t, srv, r.on)
		_, w, err := c.GetW(t.Context(), "/n")
		require.NoError(t, err)
		onNth(srv, "removeWatches", 1, zktest.Fail(int32(zk.ErrSystemError)))
		w.Stop()
		require.NoError(t, srv.Set("/n", nil))
		synctest.Wait()
		require.Equal(t, []zk.WatchFired{{Type: zk.EventDataChanged, Path: "/n", Zxid: srv.Zxid()}}, eventsOf[zk.WatchFired](&r))
	})
}
