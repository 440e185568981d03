package zk_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A server that answers slowly is a warning with its name: at once, and then less and
// less often. One line says that it is over. A single slow answer is none.
func TestLog_WarnsOfASlowServer(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var all everything
		c := connect(t, srv, logTo(&all, slog.LevelInfo))
		timeout := c.Session().Timeout()
		slow := timeout/8 + timeout/50
		lines := func() int { synctest.Wait(); return len(linesOf(&all, "zk: server answers slowly")) }

		srv.Delay(1, slow)
		time.Sleep(timeout/12 + slow/2) // the delay of the first ping
		srv.Delay(1, 0)
		time.Sleep(2 * timeout)
		require.Zero(t, lines(), "one slow answer")

		srv.Delay(1, slow)
		time.Sleep(9 * time.Second)
		require.Equal(t, 1, lines())
		time.Sleep(10 * time.Second)
		require.Equal(t, 2, lines())
		time.Sleep(2 * time.Minute)
		require.Equal(t, 3, lines())
		first := linesOf(&all, "zk: server answers slowly")[0]
		require.Contains(t, first, "level=WARN")
		require.Contains(t, first, "server="+srv.ConnectString())
		require.Contains(t, first, "took="+slow.Round(time.Millisecond).String())

		srv.Delay(1, 0)
		time.Sleep(timeout / 2)
		synctest.Wait()
		require.Empty(t, linesOf(&all, "in time again"))
		time.Sleep(2 * timeout)
		synctest.Wait()
		over := linesOf(&all, "zk: server answers in time again")
		require.Len(t, over, 1)
		require.Contains(t, over[0], "level=INFO")
		require.Contains(t, over[0], "server="+srv.ConnectString())
		require.Contains(t, over[0], "for=2m")
		require.Len(t, linesOf(&all, "zk: "), 5, "with the line of the connection")
	})
}

// The line about a lapsed lease says since when and why nothing has confirmed the
// session.
func TestLog_SaysWhyALeaseHasLapsed(t *testing.T) {
	var slept atomic.Int64
	defer zk.SetSuspended(func() time.Duration { return time.Duration(slept.Load()) })()
	for name, tt := range map[string]struct {
		fault func(srv *zktest.Server, timeout time.Duration)
		why   string
	}{
		"the server answers too slowly": {
			func(srv *zktest.Server, timeout time.Duration) { srv.Delay(1, timeout*11/48) }, ": its last answer took ",
		},
		"the server is down": {
			func(srv *zktest.Server, _ time.Duration) { srv.Down(1, true) }, "not connected: ",
		},
		"the system was suspended": {
			func(_ *zktest.Server, timeout time.Duration) { slept.Add(int64(2 * timeout)) }, "this process or its system stood still",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				var all everything
				c := connect(t, srv, logTo(&all, slog.LevelInfo))
				guard, release, err := c.Session().Guard(t.Context())
				require.NoError(t, err)
				defer release()
				time.Sleep(2*c.Session().Timeout() + 10*time.Millisecond)
				tt.fault(srv, c.Session().Timeout())
				<-guard.Done()
				require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
				synctest.Wait()
				lines := linesOf(&all, "zk: lease lapsed")
				require.Len(t, lines, 1)
				require.Contains(t, lines[0], "ended-guards=1 for=")
				require.Contains(t, lines[0], tt.why)
				srv.Down(1, false)
				srv.Delay(1, 0)
			})
		})
	}
}

// The line about a lost connection has the server as a field of its own.
func TestLog_NamesTheServerThatWasLost(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var all everything
		connect(t, srv, logTo(&all, slog.LevelInfo))
		srv.Down(1, true)
		synctest.Wait()
		lines := linesOf(&all, "zk: disconnected")
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], "server="+srv.ConnectString())
		srv.Down(1, false)
	})
}
