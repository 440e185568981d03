package zk_test

import (
	"context"
	"iter"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// readOnly lets a client use a server without quorum.
func readOnly(cfg *zk.Config) { cfg.ReadOnly = true }

// await waits until the client is in a state.
func await(t *testing.T, c *zk.Client, want zk.State) {
	t.Helper()
	ctx := inTime(t)
	for s := range c.States(ctx) {
		if s == want {
			return
		}
	}
	t.Fatalf("the state is %v, not %v", c.State(), want)
}

// opened records what the hooks see of connections and sessions.
type opened struct {
	mu       sync.Mutex
	conns    []zk.ConnOpened
	sessions []zk.SessionOpened
}

func (o *opened) OnConnOpened(e zk.ConnOpened) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conns = append(o.conns, e)
}

func (o *opened) OnSessionOpened(e zk.SessionOpened) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sessions = append(o.sessions, e)
}

func TestReadOnly_ReadsWithoutAQuorumAndThenMoves(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		ctx := inTime(t)
		require.NoError(t, srv.Create("/n", []byte("x")))
		srv.ReadOnly(0, true)
		var seen opened
		c := connect(t, srv, readOnly, func(cfg *zk.Config) { cfg.Hooks = []zk.Hook{&seen} })
		require.Equal(t, zk.StateReadOnly, c.State())
		require.Equal(t, "read-only", c.State().String())

		n, err := c.Get(ctx, "/n")
		require.NoError(t, err)
		require.Equal(t, "x", string(n.Data))
		for name, write := range map[string]func() error{
			"set":    func() error { _, err := c.Set(ctx, "/n", nil, zk.AnyVersion); return err },
			"create": func() error { _, err := c.Create(ctx, "/e", nil, zk.Ephemeral); return err },
			"delete": func() error { return c.Delete(ctx, "/n", zk.AnyVersion) },
			"multi":  func() error { _, err := c.Multi(ctx, zk.DeleteOp("/n", zk.AnyVersion)); return err },
			"sync":   func() error { return c.Sync(ctx, "/") },
		} {
			err := write()
			require.ErrorIs(t, err, zk.ErrNotReadOnly, name)
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err), name)
			require.False(t, zk.SafeToRetry(err), name)
		}

		old, st := c.Session(), c.Stats()
		require.True(t, old.ReadOnly())
		require.Equal(t, zk.StateReadOnly, st.State)
		require.ErrorIs(t, st.Why, zk.ErrReadOnly)
		require.True(t, st.Session.ReadOnly)
		require.Zero(t, st.Session.LeaseLeft)

		time.Sleep(time.Minute) // the search goes on, and pings keep the connection
		require.Equal(t, zk.StateReadOnly, c.State())
		require.Same(t, old, c.Session())

		srv.ReadOnly(0, false)
		ctx = inTime(t)
		s, err := c.AwaitSession(ctx)
		require.NoError(t, err)
		require.False(t, s.ReadOnly())
		require.NotEqual(t, old.ID(), s.ID())
		require.ErrorIs(t, context.Cause(old.Context()), zk.ErrSessionExpired)
		require.True(t, old.Gone())
		require.False(t, old.GivenUp())
		_, err = c.Set(ctx, "/n", []byte("y"), zk.AnyVersion)
		require.NoError(t, err)
		_, release, err := s.Guard(ctx)
		require.NoError(t, err)
		release()

		st = c.Stats()
		require.Equal(t, zk.StateConnected, st.State)
		require.Zero(t, st.Expiries, "nothing was lost")
		require.Zero(t, st.Unconfirmed)
		require.Equal(t, []int64{s.ID()}, srv.Sessions())
		seen.mu.Lock()
		defer seen.mu.Unlock()
		require.True(t, seen.conns[0].ReadOnly)
		require.True(t, seen.sessions[0].ReadOnly)
		require.False(t, seen.conns[len(seen.conns)-1].ReadOnly)
		require.Equal(t, zk.SessionOpened{ID: s.ID(), Addr: st.Server, Timeout: 6 * time.Second}, seen.sessions[len(seen.sessions)-1])
	})
}

// Nobody keeps the session of a read-only server, so a guard of it would promise what is
// not so.
func TestReadOnly_GivesNoGuard(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.ReadOnly(0, true)
		c := connect(t, srv, readOnly)
		s := c.Session()
		require.False(t, s.Leased())
		_, _, err := s.Guard(inTime(t))
		require.ErrorIs(t, err, zk.ErrNotReadOnly)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))

		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.AwaitSession(short)
		require.ErrorIs(t, err, context.DeadlineExceeded, "the session does not count")
		require.ErrorIs(t, c.Ready(short), context.DeadlineExceeded)
	})
}

// A session that a quorum has opened is kept while the client has hope for it, and with
// it its ephemeral nodes. Only then the client reads from a read-only server.
func TestReadOnly_KeepsASessionUntilItIsGivenUp(t *testing.T) {
	for name, k := range map[string]struct {
		outage time.Duration
		kept   bool
	}{
		"a short outage": {7 * time.Second, true},
		"a long outage":  {20 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
				ctx := inTime(t)
				c := connect(t, srv, readOnly)
				s := c.Session()
				_, err := c.Create(ctx, "/e", nil, zk.Ephemeral)
				require.NoError(t, err)
				guard, release, err := s.Guard(ctx)
				require.NoError(t, err)
				defer release()
				time.Sleep(2 * time.Second)

				start := time.Now()
				srv.ReadOnly(0, true)
				go func() {
					time.Sleep(k.outage)
					srv.ReadOnly(0, false)
				}()
				_, err = c.Get(ctx, "/e")
				require.NoError(t, err)
				require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
				if !k.kept {
					require.Less(t, time.Since(start), k.outage, "the read was answered without a quorum")
					require.Greater(t, time.Since(start), 6*time.Second)
					require.Equal(t, zk.StateReadOnly, c.State())
					require.True(t, s.GivenUp())
					require.False(t, s.Gone(), "the ensemble has it")
				}
				next, err := c.AwaitSession(ctx)
				require.NoError(t, err)
				require.NoError(t, c.Sync(ctx, "/"))
				require.Equal(t, k.kept, next == s)
				require.Error(t, guard.Err(), "it has not come back")
				time.Sleep(time.Minute)
				require.Equal(t, k.kept, srv.Exists("/e"), "the client has closed the session that it gave up")
				require.Equal(t, k.kept, !s.Gone())
			})
		})
	}
}

// A server without quorum is taken only if all others have none. A client that has
// reached only that one leaves it as soon as it reaches another one.
func TestReadOnly_PrefersAQuorum(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		ctx := inTime(t)
		srv.ReadOnly(2, true)
		for range 20 {
			c := connect(t, srv, readOnly)
			require.Equal(t, zk.StateConnected, c.State())
			require.NoError(t, c.Close(ctx))
		}
		var cut atomic.Bool
		cut.Store(true)
		c := connect(t, srv, readOnly, func(cfg *zk.Config) {
			cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if cut.Load() && addr != "zk2:2181" {
					return nil, syscall.EHOSTUNREACH
				}
				return srv.DialContext(ctx, network, addr)
			}
		})
		require.Equal(t, zk.StateReadOnly, c.State())
		time.Sleep(10 * time.Second)
		require.Equal(t, zk.StateReadOnly, c.State())
		cut.Store(false)
		require.NoError(t, c.Ready(ctx))
		require.NotEqual(t, "zk2:2181", c.Stats().Server)
		require.NoError(t, c.Sync(ctx, "/"))
		synctest.Wait()
		require.Zero(t, srv.Connections(2))
	})
}

// The search asks Config.Resolve too: all servers may be new ones.
func TestReadOnly_SearchFindsNewServers(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		srv.ReadOnly(1, true)
		var list listing
		list.set(nil, "zk1:2181")
		c := connect(t, srv, readOnly, func(cfg *zk.Config) { cfg.Servers, cfg.Resolve = "", list.resolve })
		require.Equal(t, zk.StateReadOnly, c.State())
		time.Sleep(time.Minute)
		list.set(nil, "zk2:2181")
		require.NoError(t, c.Ready(inTime(t)))
		require.Equal(t, "zk2:2181", c.Stats().Server)
		srv.CutConnections(2)
		time.Sleep(time.Second)
		require.NoError(t, c.Sync(inTime(t), "/"))
	})
}

// A credential is accepted on the connection to the read-only server while the search has
// the handshake with another one behind it. The next connection presents it all the same.
func TestReadOnly_CredentialThatIsAddedDuringTheSearch(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		srv.ReadOnly(1, true)
		var list listing
		list.set(nil, "zk1:2181")
		var c *zk.Client
		asked := 0
		config := zk.AuthFunc("vault", func(ctx context.Context) (zk.Auth, error) {
			if asked++; asked == 2 { // the handshake of the search
				require.NoError(t, c.AddAuth(ctx, zk.DigestAuth("bob", "b")))
			}
			return zk.DigestAuth("alice", "a"), nil
		})
		c = connect(t, srv, readOnly, func(cfg *zk.Config) {
			cfg.Servers, cfg.Resolve = "", list.resolve
			cfg.Auth = []zk.Authenticator{config}
		})
		require.Equal(t, zk.StateReadOnly, c.State())
		list.set(nil, "zk2:2181")
		require.NoError(t, c.Ready(inTime(t)))
		await(t, c, zk.StateConnected)
		_, err := c.Create(inTime(t), "/n", nil, zk.Persistent, zk.WithACL(zk.ACL{Perms: zk.PermAll, Scheme: "auth"}))
		require.NoError(t, err)
		acl, _, err := c.GetACL(inTime(t), "/n")
		require.NoError(t, err)
		require.Len(t, acl, 2, "of alice and bob")
	})
}

// The session of a read-only server ends with the connection, and with it its one-shot
// watches. A subscription goes on, with a gap.
func TestReadOnly_WatchesEndAndSubscriptionsGoOn(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := inTime(t)
		require.NoError(t, srv.Create("/n", nil))
		srv.ReadOnly(1, true)
		c := connect(t, srv, readOnly)
		_, w, err := c.GetW(ctx, "/n")
		require.NoError(t, err)
		defer w.Stop()
		sub, err := c.Subscribe(ctx, "/n")
		require.NoError(t, err)
		defer sub.Close()
		next, stop := iter.Pull2(sub.Events(ctx))
		defer stop()

		srv.ReadOnly(1, false)
		_, err = w.Wait(ctx)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		e, err, _ := next()
		require.NoError(t, err)
		require.Equal(t, zk.EventResync, e.Type)
		require.NoError(t, c.Ready(ctx))
		_, err = c.Set(ctx, "/n", []byte("x"), zk.AnyVersion)
		require.NoError(t, err)
		e, err, _ = next()
		require.NoError(t, err)
		require.Equal(t, zk.EventDataChanged, e.Type)
	})
}

// A call that waits for a connection is sent to the read-only server: a read is
// answered, a write is refused.
func TestReadOnly_CallsThatWait(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := inTime(t)
		srv.ReadOnly(1, true)
		srv.Down(1, true)
		c := connect(t, srv, readOnly, clienttest.Background)
		wrote, read := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := c.Create(ctx, "/n", nil, zk.Persistent)
			wrote <- err
		}()
		go func() {
			_, _, err := c.Exists(ctx, "/")
			read <- err
		}()
		synctest.Wait()
		srv.Down(1, false)
		err := <-wrote
		require.ErrorIs(t, err, zk.ErrNotReadOnly)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		require.NoError(t, <-read)
		require.Equal(t, zk.StateReadOnly, c.State())
	})
}

// The connection to a read-only server ends like any other: the next one has a session
// of its own.
func TestReadOnly_LosesItsConnection(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.ReadOnly(1, true)
		c := connect(t, srv, readOnly)
		var states []zk.State
		ctx, cancel := context.WithCancel(t.Context())
		var watcher sync.WaitGroup
		watcher.Go(func() {
			for s := range c.States(ctx) {
				states = append(states, s)
			}
		})
		for range 3 {
			old := c.Session()
			time.Sleep(2 * time.Second)
			srv.CutConnections(1)
			<-old.Context().Done()
			await(t, c, zk.StateReadOnly)
			require.NotEqual(t, old.ID(), c.Session().ID())
			_, _, err := c.Exists(inTime(t), "/")
			require.NoError(t, err)
		}
		srv.Silence(1, true)
		old := c.Session()
		<-old.Context().Done()
		srv.Silence(1, false)
		await(t, c, zk.StateReadOnly)
		cancel()
		watcher.Wait()
		require.Contains(t, states, zk.StateExpired)
		require.False(t, slices.Contains(states, zk.StateDisconnected), "%v: no session outlives the connection", states)
		require.Zero(t, c.Stats().Expiries)
	})
}

func TestReadOnly_Close(t *testing.T) {
	for name, harm := range map[string]func(srv *zktest.Server){
		"answered": func(*zktest.Server) {},
		"refused": func(srv *zktest.Server) {
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op == "closeSession" {
					return zktest.Fail(int32(proto.NotReadOnly))
				}
				return zktest.Pass
			})
		},
		"cut": func(srv *zktest.Server) {
			srv.OnRequest(func(zktest.Request) zktest.Verdict { return zktest.CutBefore })
		},
		"silent": func(srv *zktest.Server) { srv.Silence(0, true) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
				ctx := inTime(t)
				srv.ReadOnly(0, true)
				c := connect(t, srv, readOnly)
				s := c.Session()
				time.Sleep(2 * time.Second)
				harm(srv)
				start := time.Now()
				require.NoError(t, c.Close(ctx), "the session has nothing that could be left over")
				require.Less(t, time.Since(start), 10*time.Second)
				require.ErrorIs(t, context.Cause(s.Context()), zk.ErrClosed)
				require.True(t, s.Gone())
				require.Equal(t, zk.StateClosed, c.State())
			})
		})
	}
}

// connectResponse is a server's answer to a handshake.
func connectResponse(p proto.ConnectResponse) zktest.Verdict {
	p.Password = make([]byte, proto.PasswordLen)
	return zktest.RawReply(serverproto.AppendConnectResponse(nil, p))
}

// A server was cut from the others before the session was opened. It does not know the
// session, and would say that it has expired. So the client does not ask it. (If the
// client had got a reply to a request before, the server would refuse it because of the
// zxid.)
func TestReadOnly_MinorityIsNotAskedForASession(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		ctx := inTime(t)
		srv.ReadOnly(1, true)
		c := connect(t, srv, readOnly)
		s := c.Session()
		srv.Down(2, true)
		time.Sleep(4 * time.Second)
		require.Equal(t, zk.StateDisconnected, c.State())
		srv.Down(2, false)
		require.NoError(t, c.Sync(ctx, "/"))
		require.Same(t, s, c.Session())
		require.NoError(t, s.Context().Err())
	})
}

// A quorum has reported that the session has expired. So there is one, and the next
// session is opened there, and not on a read-only server.
func TestReadOnly_AfterAnExpiry(t *testing.T) {
	for range 20 {
		bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
			srv.ReadOnly(1, true)
			c := connect(t, srv, readOnly)
			s := c.Session()
			time.Sleep(2 * time.Second)
			srv.Down(2, true)
			time.Sleep(3 * time.Second)
			require.NoError(t, srv.ExpireSession(s.ID()))
			srv.Down(2, false)
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Equal(t, zk.StateConnected, c.State())
			require.NotSame(t, s, c.Session())
		})
	}
}

// A read-only server says that a session has expired, although the client did not offer
// to read only. It has no word in that: a quorum may keep the session.
func TestReadOnly_ServerCannotExpireASession(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		ctx := inTime(t)
		c := connect(t, srv, readOnly)
		s := c.Session()
		_, err := c.Create(ctx, "/e", nil, zk.Ephemeral)
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		var asked atomic.Int32
		srv.OnConnect(func(q zktest.Connect) zktest.Verdict {
			if q.Session == s.ID() && !q.ReadOnly && asked.Add(1) <= 4 {
				return connectResponse(proto.ConnectResponse{ReadOnly: true})
			}
			return zktest.Pass
		})
		srv.CutConnections(0)
		require.NoError(t, c.Sync(ctx, "/"))
		require.Same(t, s, c.Session())
		require.NoError(t, s.Context().Err())
		require.EqualValues(t, 5, asked.Load())
		require.True(t, srv.Exists("/e"))
	})
}

// A read-only server without local sessions answers the handshake with the header of a
// reply. The error says what is to be set.
func TestReadOnly_ServerThatOpensNoSession(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.OnConnect(func(q zktest.Connect) zktest.Verdict {
			if !q.ReadOnly {
				return zktest.CutBefore
			}
			return zktest.RawReply(serverproto.AppendReplyHeader(nil, proto.ReplyHeader{Err: proto.NotReadOnly}))
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext, ReadOnly: true})
		require.ErrorIs(t, err, zk.ErrReadOnly)
		require.ErrorContains(t, err, "zk1:2181: server is read-only and opens no session: set localSessionsEnabled=true on the servers")
	})
}

// Without Config.ReadOnly no server without quorum is accepted, whatever it answers.
func TestReadOnly_NotAskedFor(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var accepts atomic.Bool
		srv.OnConnect(func(q zktest.Connect) zktest.Verdict {
			if q.ReadOnly {
				accepts.Store(true)
			}
			return connectResponse(proto.ConnectResponse{TimeoutMillis: 6000, SessionID: 5, ReadOnly: true})
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
		require.ErrorIs(t, err, zk.ErrReadOnly)
		require.False(t, accepts.Load())
	})
}
