package zk_test

import (
	"context"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Servers that fall silent, in one direction or both.

// server returns the member that carries the only client's connection.
func server(t testing.TB, srv *zktest.Server, members int) int {
	t.Helper()
	for i := 1; i <= members; i++ {
		if srv.Connections(i) > 0 {
			return i
		}
	}
	t.Fatal("no client is connected")
	return 0
}

// failures: 1: the connection to a healthy server breaks. The next servers accept
// connections and never answer. They cost their share of the time, but not the
// session and, with a guard, not the lease.
func TestSession_SurvivesSilentServersInBetween(t *testing.T) {
	for _, c := range []struct {
		servers int
		guarded bool
		budget  time.Duration // of all silent servers together, T is 6 s
	}{
		{2, false, 3 * time.Second},
		{3, false, 4 * time.Second},
		{2, true, 750 * time.Millisecond},
		{3, true, 1500 * time.Millisecond},
	} {
		t.Run(strconv.Itoa(c.servers)+" guarded "+strconv.FormatBool(c.guarded), func(t *testing.T) {
			bubble(t, c.servers, func(t *testing.T, srv *zktest.Server) {
				cl := connect(t, srv)
				id := cl.Session().ID()
				made, err := cl.Create(t.Context(), "/e", nil, zk.Ephemeral)
				require.NoError(t, err)
				guard := t.Context()
				if c.guarded {
					g, release, err := cl.Session().Guard(t.Context())
					require.NoError(t, err)
					defer release()
					guard = g
				}
				time.Sleep(10 * time.Second)
				healthy := server(t, srv, c.servers)
				for i := 1; i <= c.servers; i++ {
					srv.Silence(i, i != healthy)
				}
				start := time.Now()
				srv.CutConnections(healthy)
				require.NoError(t, cl.Sync(inTime(t), "/"))
				took := time.Since(start)
				require.LessOrEqual(t, took, c.budget+c.budget/10)
				require.Greater(t, took, c.budget/2, "the silent ones were tried")
				require.Equal(t, id, cl.Session().ID())
				require.Equal(t, id, srv.Owner(made.Path))
				require.NoError(t, guard.Err())
				srv.Silence(0, false)
			})
		})
	}
}

// mute makes what a client writes to one member vanish while on is set; what the
// member sends still arrives.
func mute(srv *zktest.Server, member int, on *atomic.Bool) func(*zk.Config) {
	return func(cfg *zk.Config) {
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := srv.DialContext(ctx, network, addr)
			if err == nil && addr == "zk"+strconv.Itoa(member)+":2181" {
				nc = muteConn{nc, on}
			}
			return nc, err
		}
	}
}

type muteConn struct {
	net.Conn
	on *atomic.Bool
}

func (c muteConn) Write(b []byte) (int, error) {
	if c.on.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// failures: 12: one direction falls silent, also while events go on to arrive. The
// client is at the next server within a third of the timeout, in the same session,
// and a guard has not ended.
func TestConn_SilenceOfEitherDirectionCostsNeitherSessionNorLease(t *testing.T) {
	for _, direction := range []string{"both", "from the server", "to the server"} {
		for phase := range 6 { // of the heartbeat, half a second
			t.Run(direction+" "+strconv.Itoa(phase), func(t *testing.T) {
				bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
					var muted atomic.Bool
					srv.Down(2, true)
					c := connect(t, srv, mute(srv, 1, &muted))
					srv.Down(2, false)
					require.NoError(t, srv.Create("/n", nil))
					sub := subscribe(t, c, "/n")
					guard, release, err := c.Session().Guard(t.Context())
					require.NoError(t, err)
					defer release()
					id := c.Session().ID()
					time.Sleep(10*time.Second + time.Duration(phase)*83*time.Millisecond)

					start := time.Now()
					switch direction {
					case "both":
						srv.Silence(1, true)
					case "from the server":
						srv.SilenceReplies(1, true)
					case "to the server":
						muted.Store(true)
					}
					events := time.NewTicker(50 * time.Millisecond)
					defer events.Stop()
					for srv.Connections(2) == 0 {
						<-events.C
						require.NoError(t, srv.Set("/n", nil))
						require.LessOrEqual(t, time.Since(start), 2*time.Second+100*time.Millisecond)
					}
					require.NoError(t, c.Sync(inTime(t), "/"))
					require.NoError(t, guard.Err())
					require.Equal(t, id, c.Session().ID())
					time.Sleep(10 * time.Second)
					require.NoError(t, guard.Err(), "and it is renewed there")
					require.NotEmpty(t, waiting(t, sub))
					srv.Silence(0, false)
					srv.SilenceReplies(0, false)
				})
			})
		}
	}
}

// failures: 3: the client is cut off from every server, and no connection is reset.
// The guard ends within the lease. After four thirds of the timeout the client gives
// the session up and reports that everywhere. It opens the next one when it can.
func TestSession_EndsByTheClientsClockWhileItIsCutOff(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		old := c.Session()
		const T = 6 * time.Second
		_, err := c.Create(t.Context(), "/e", nil, zk.Ephemeral)
		require.NoError(t, err)
		_, _, w, err := c.ExistsW(t.Context(), "/n")
		require.NoError(t, err)
		guard, release, err := old.Guard(t.Context())
		require.NoError(t, err)
		defer release()
		time.Sleep(10*time.Second + 200*time.Millisecond)

		cut := time.Now()
		srv.Silence(0, true)
		queued := make(chan error, 1)
		go func() {
			time.Sleep(T / 2) // by then it knows that it is cut off
			_, err := c.Set(t.Context(), "/e", nil, zk.AnyVersion)
			queued <- err
		}()
		<-guard.Done()
		require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
		require.Less(t, time.Since(cut), T, "the ensemble may have expired the session then")
		require.True(t, srv.Exists("/e"), "reported before the ensemble has expired the session")
		require.NoError(t, old.Context().Err())

		<-old.Context().Done()
		took := time.Since(cut)
		require.ErrorIs(t, context.Cause(old.Context()), zk.ErrSessionExpired)
		require.LessOrEqual(t, took, T*4/3)
		require.Greater(t, took, T*4/3-T/12-100*time.Millisecond, "not before the last heartbeat's time is up")
		require.False(t, srv.Exists("/e"))
		synctest.Wait()
		require.Equal(t, zk.StateExpired, c.State())
		_, err = w.Wait(t.Context())
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		err = <-queued
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.False(t, old.Gone(), "the client cannot know yet")

		time.Sleep(3*T - time.Since(cut))
		srv.Silence(0, false)
		require.NoError(t, c.Ready(inTime(t)))
		require.NotEqual(t, old.ID(), c.Session().ID())
		time.Sleep(T)
		require.True(t, old.Gone(), "now the server has said so")
	})
}
