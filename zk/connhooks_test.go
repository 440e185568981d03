package zk_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// life returns the events of connections and sessions as lines, without the attempts
// that failed: their number is a matter of chance.
func (r *recorder) life() []string {
	return r.lines(func(e any) bool {
		switch e := e.(type) {
		case zk.ConnTried:
			return e.Err == nil
		case zk.ConnOpened, zk.ConnLost, zk.SessionOpened, zk.SessionResumed, zk.SessionEnded:
			return true
		}
		return false
	})
}

// Each way in which a connection and a session can end, and what the hooks see of
// it.
func TestHooks_OfConnectionsAndSessions(t *testing.T) {
	begin := []string{"tried: ok", "conn opened", "session opened"}
	for name, k := range map[string]struct {
		act     func(t *testing.T, srv *zktest.Server, c *zk.Client)
		want    []string
		fails   bool // there are attempts that fail
		givenUp bool
	}{
		"closed": {
			act:  func(t *testing.T, _ *zktest.Server, c *zk.Client) { require.NoError(t, c.Close(inTime(t))) },
			want: []string{"conn lost", "session ended: client is closed"},
		},
		"closed without a server": {
			act: func(t *testing.T, srv *zktest.Server, c *zk.Client) {
				srv.Down(1, true)
				synctest.Wait()
				require.ErrorIs(t, c.Close(briefly(t)), zk.ErrUnconfirmed)
			},
			want:  []string{"conn lost", "session ended: client is closed"},
			fails: true,
		},
		"resumed": {
			act: func(t *testing.T, srv *zktest.Server, c *zk.Client) {
				srv.CutConnections(1)
				require.NoError(t, c.Sync(inTime(t), "/"))
			},
			want: []string{"conn lost", "tried: ok", "conn opened", "session resumed"},
		},
		"expired by the server": {
			act: func(t *testing.T, srv *zktest.Server, c *zk.Client) {
				time.Sleep(time.Second) // a younger session would count as a storm
				require.NoError(t, srv.ExpireSession(c.Session().ID()))
				time.Sleep(time.Second)
			},
			want:  []string{"conn lost", "session ended: session expired", "tried: ok", "conn opened", "session opened"},
			fails: true,
		},
		"given up by the client": {
			act: func(t *testing.T, srv *zktest.Server, c *zk.Client) {
				srv.Down(1, true)
				<-c.Session().Context().Done()
				time.Sleep(time.Second)
				srv.Down(1, false)
				require.NoError(t, c.Sync(inTime(t), "/"))
			},
			want:    []string{"conn lost", "session ended: session expired", "tried: ok", "conn opened", "session opened"},
			fails:   true,
			givenUp: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				var r recorder
				c := clienttest.Open(t, srv, r.on)
				defer func() { _ = c.Close(inTime(t)) }()
				require.Equal(t, begin, r.life(), "when Connect returns")
				id := c.Session().ID()
				r.forget()
				k.act(t, srv, c)
				synctest.Wait()
				require.Equal(t, k.want, r.life())
				failed := slices.ContainsFunc(eventsOf[zk.ConnTried](&r), func(e zk.ConnTried) bool { return e.Err != nil })
				require.Equal(t, k.fails, failed)
				for _, e := range eventsOf[zk.SessionEnded](&r) {
					require.Equal(t, id, e.ID)
					require.Equal(t, k.givenUp, e.GivenUp)
				}
			})
		})
	}
}

// The fields of the events of connections and sessions.
func TestHooks_OfConnectionsHaveTheirFields(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var r recorder
		c := connect(t, srv, r.on, func(cfg *zk.Config) {
			cfg.Servers = "a.example:2181"
			cfg.LookupHost = func(context.Context, string) ([]string, error) { return []string{"10.0.0.7"}, nil }
			cfg.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				time.Sleep(20 * time.Millisecond)
				return srv.DialContext(ctx, network, srv.ConnectString())
			}
		})
		const addr = "10.0.0.7:2181"
		id := c.Session().ID()
		require.Equal(t, []zk.ConnTried{{Server: "a.example:2181", Addr: addr, Took: 20 * time.Millisecond}}, eventsOf[zk.ConnTried](&r))
		require.Equal(t, []zk.ConnOpened{{Addr: addr, SessionID: id}}, eventsOf[zk.ConnOpened](&r))
		require.Equal(t, []zk.SessionOpened{{ID: id, Addr: addr, Timeout: 6 * time.Second}}, eventsOf[zk.SessionOpened](&r))

		time.Sleep(time.Second)
		once(srv, "get", zktest.Hang)
		p := c.Pipeline()
		for range 3 {
			p.Get(t.Context(), "/")
		}
		synctest.Wait()
		srv.Down(1, true)
		time.Sleep(100 * time.Millisecond)
		srv.Down(1, false)
		require.NoError(t, c.Sync(inTime(t), "/"))
		lost := eventsOf[zk.ConnLost](&r)
		require.Len(t, lost, 1)
		require.Error(t, lost[0].Err)
		require.Equal(t, zk.ConnLost{Addr: addr, SessionID: id, Err: lost[0].Err, Age: time.Second, Unanswered: 3}, lost[0])
		require.Equal(t, []zk.ConnOpened{{Addr: addr, SessionID: id}, {Addr: addr, SessionID: id, Resumed: true}}, eventsOf[zk.ConnOpened](&r))
		resumed := eventsOf[zk.SessionResumed](&r)
		require.Len(t, resumed, 1)
		require.GreaterOrEqual(t, resumed[0].Silent, 100*time.Millisecond)
		require.Equal(t, zk.SessionResumed{ID: id, Addr: addr, Timeout: 6 * time.Second, Silent: resumed[0].Silent}, resumed[0])
	})
}

// A name that does not resolve is an attempt without an address.
func TestHooks_OfANameThatDoesNotResolve(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var r recorder
		gone := errors.New("no such host")
		_, err := zk.Connect(briefly(t), zk.Config{
			Servers: "a.example:2181", Hooks: []zk.Hook{&r},
			LookupHost: func(context.Context, string) ([]string, error) { return nil, gone },
		})
		require.ErrorIs(t, err, gone)
		tried := eventsOf[zk.ConnTried](&r)
		require.NotEmpty(t, tried)
		require.Equal(t, "a.example:2181", tried[0].Server)
		require.Empty(t, tried[0].Addr)
		require.ErrorIs(t, tried[0].Err, gone)
	})
}

// Nothing is written on a connection before the hooks of its opening have returned,
// although calls wait. And Connect does not return before that.
func TestHooks_OpenedComesBeforeWritten(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		r := recorder{before: func(e any) {
			switch e.(type) {
			case zk.ConnOpened, zk.SessionOpened, zk.SessionResumed:
				time.Sleep(time.Second)
			}
		}}
		start := time.Now()
		c := connect(t, srv, r.on)
		require.Equal(t, 2*time.Second, time.Since(start))
		for range 2 {
			r.forget()
			srv.CutConnections(1)
			synctest.Wait()
			start = time.Now()
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.GreaterOrEqual(t, time.Since(start), 2*time.Second)
			lines := r.lines(func(e any) bool { return line(e) != "tried: failed" })
			require.Equal(t, []string{
				"conn lost", "tried: ok", "conn opened", "session resumed",
				"written sync /", "answered sync /: ok", "call sync /: ok",
			}, lines)
		}
	})
}

// The margin of a lease: what was left of it at each heartbeat, and that it lapsed.
// The guards have ended before the hook runs.
func TestHooks_OfALease(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var r recorder
		var guard context.Context
		ended := false // the guard, when the hook runs
		r.before = func(e any) {
			if _, ok := e.(leaseLapsed); ok {
				select {
				case <-guard.Done(): // its Err would need the client's lock
					ended = true
				default:
				}
			}
		}
		c := connect(t, srv, r.on)
		time.Sleep(3 * time.Second)
		require.NoError(t, c.Sync(t.Context(), "/"))
		require.Empty(t, eventsOf[leaseRenewed](&r), "no guard relies on the lease")
		var release context.CancelFunc
		var err error
		guard, release, err = c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		r.forget()
		time.Sleep(6 * time.Second)
		renewed := eventsOf[leaseRenewed](&r)
		require.InDelta(t, 12, len(renewed), 2, "twelve heartbeats a timeout")
		for _, e := range renewed {
			require.Equal(t, 6*time.Second, e.Timeout)
			require.Equal(t, c.Session().ID(), e.SessionID)
			require.Equal(t, 1, e.Guards)
			require.Greater(t, e.Left, 1500*time.Millisecond)
			require.Less(t, e.Left, 6*time.Second)
		}
		require.Empty(t, eventsOf[leaseLapsed](&r))

		srv.Silence(1, true)
		<-guard.Done()
		synctest.Wait()
		lapsed := eventsOf[leaseLapsed](&r)
		require.Len(t, lapsed, 1)
		require.True(t, ended)
		require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
		require.Equal(t, 1, lapsed[0].Guards)
		require.Zero(t, lapsed[0].Left, "the timer is punctual in virtual time")
		srv.Silence(1, false)
	})
}

// The events of watches, one for each event of the server, below the chroot; and the
// watches that were lost.
func TestHooks_OfWatches(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app", nil))
		var r recorder
		c := connect(t, srv, r.on, func(cfg *zk.Config) { cfg.Servers += "/app" })
		var ws []*zk.Watch
		for range 2 {
			_, _, w, err := c.ExistsW(t.Context(), "/n")
			require.NoError(t, err)
			ws = append(ws, w)
		}
		require.NoError(t, srv.Create("/app/n", nil))
		zxid := srv.Zxid()
		for _, w := range ws {
			require.Equal(t, zk.EventCreated, fires(t, w))
		}
		synctest.Wait()
		require.Equal(t, []zk.WatchFired{{Type: zk.EventCreated, Path: "/n", Zxid: zxid, Watches: 2}}, eventsOf[zk.WatchFired](&r))

		_, w, err := c.GetW(t.Context(), "/n")
		require.NoError(t, err)
		sub := subscribe(t, c, "/s")
		require.Empty(t, eventsOf[zk.WatchLost](&r))
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "setWatches" {
				return zktest.Fail(int32(zk.ErrNoAuth))
			}
			return zktest.Pass
		})
		srv.CutConnections(1)
		_, err = w.Wait(inTime(t))
		require.ErrorIs(t, err, zk.ErrWatchLost)
		for _, err := range sub.Events(inTime(t)) {
			if err != nil {
				require.ErrorIs(t, err, zk.ErrWatchLost)
			}
		}
		synctest.Wait()
		require.ElementsMatch(t, []zk.WatchLost{{Path: "/n"}, {Path: "/s", Lasting: true}}, eventsOf[zk.WatchLost](&r))
		srv.OnRequest(nil)
	})
}

// A value that observes nothing is a mistake in the configuration.
func TestConnect_RefusesAHookThatObservesNothing(t *testing.T) {
	for _, hook := range []zk.Hook{nil, "text", struct{}{}, recorder{}} {
		_, err := zk.Connect(t.Context(), zk.Config{Servers: "a:1", Hooks: []zk.Hook{&recorder{}, hook}})
		require.ErrorIs(t, err, zk.ErrInvalidConfig)
		require.ErrorContains(t, err, "hook 1 of Hooks")
	}
}
