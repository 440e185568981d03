package zkhealth_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/zkhealth"
	"github.com/zookit/zookit/zktest"
)

// A client is ready when it is connected, and during an outage shorter than its session
// timeout. It is alive until it is closed.
func TestReadyAndLive_OverTheLifeOfAClient(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.Down(1, true)
		c := clienttest.Connect(t, srv, clienttest.Background)
		ready, live := zkhealth.Ready(c), zkhealth.Live(c)
		time.Sleep(1500 * time.Millisecond)
		require.EqualError(t, ready(), "the client of ZooKeeper is not connected: connecting for 1.5s")
		require.NoError(t, live())

		srv.Down(1, false)
		require.NoError(t, c.Ready(clienttest.InTime(t)))
		require.NoError(t, ready())
		time.Sleep(time.Second)

		srv.Down(1, true)
		time.Sleep(5 * time.Second)
		require.Equal(t, zk.StateDisconnected, c.State())
		require.NoError(t, ready())
		time.Sleep(1100 * time.Millisecond)
		require.ErrorContains(t, ready(), "not connected: disconnected for 6.1s: "+srv.ConnectString())
		time.Sleep(time.Minute)
		require.ErrorIs(t, ready(), zk.ErrSessionExpired)
		require.NoError(t, live(), "a restart would not help")

		srv.Down(1, false)
		require.NoError(t, c.Ready(clienttest.InTime(t)))
		require.NoError(t, ready())
		require.NoError(t, c.Close(clienttest.InTime(t)))
		require.ErrorContains(t, ready(), "closed")
		require.ErrorIs(t, live(), zk.ErrClosed)
	})
}

// A client that can only read is ready for a program that only reads.
func TestReady_ReadOnly(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.ReadOnly(1, true)
		c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.ReadOnly = true })
		ready, toRead, live := zkhealth.Ready(c), zkhealth.ReadyToRead(c), zkhealth.Live(c)
		time.Sleep(2 * time.Second)
		require.EqualError(t, ready(), "the client of ZooKeeper can only read: it is connected to a server without quorum for 2s: server is read-only")
		require.NoError(t, toRead())
		require.NoError(t, live())
		srv.ReadOnly(1, false)
		require.NoError(t, c.Ready(clienttest.InTime(t)))
		require.NoError(t, ready())
		require.NoError(t, toRead())
		srv.Down(1, true)
		time.Sleep(time.Minute)
		require.Error(t, toRead())
		srv.Down(1, false)
	})
}

// blocks is a hook that does not return while its channel is open.
type blocks chan struct{}

func (b blocks) OnConnLost(zk.ConnLost) { <-b }

// A client whose own goroutine is blocked is not alive. It is again when the goroutine
// goes on.
func TestLive_NoticesABlockedClient(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		hook := make(blocks)
		c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.Hooks = append(cfg.Hooks, hook) })
		live := zkhealth.Live(c)
		time.Sleep(time.Second)
		srv.CutConnections(1)
		time.Sleep(13 * time.Second) // 8 s until the session is due to end, and a timeout of 6 s
		require.NoError(t, live())
		time.Sleep(2 * time.Second)
		require.ErrorContains(t, live(), "stuck: a hook")
		close(hook)
		synctest.Wait()
		require.NoError(t, live())
		require.NoError(t, c.Ready(clienttest.InTime(t)))
	})
}

// status is the state of a handle.
type status struct{ err error }

func (s status) Ready() error { return s.err }

// The handler answers 200 only if all is well, with a line for each check.
func TestHandler(t *testing.T) {
	now := status{}
	checks := map[string]zkhealth.Check{
		"zookeeper": func() error { return nil },
		"election":  zkhealth.Of(func() status { return now }),
	}
	h := zkhealth.Handler(checks)
	clear(checks)
	ask := func() (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		return w.Code, w.Body.String()
	}
	code, body := ask()
	require.Equal(t, 200, code)
	require.Equal(t, "election: ok\nzookeeper: ok\n", body)
	now.err = errors.Join(errors.New("neither leader"), errors.New("nor candidate"))
	code, body = ask()
	require.Equal(t, 503, code)
	require.Equal(t, "election: neither leader; nor candidate\nzookeeper: ok\n", body)
}
