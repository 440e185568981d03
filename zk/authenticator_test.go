package zk_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// presented returns the data of the credentials that a client presented on the nth
// connection.
func (tp *tap) presented(n int) (data []string) {
	for _, f := range tp.frames(n)[1:] {
		if f.Op == proto.OpAuth {
			r := proto.NewReader(f.body)
			r.Int32()
			scheme := r.String()
			data = append(data, scheme+" "+string(r.Buffer()))
		}
	}
	return data
}

// A function is asked for its credential at every connect, also when the session has
// expired. Its place among the others is kept.
func TestAuthFunc_IsCalledAtEveryConnect(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		var asked atomic.Int32
		rotating := zk.AuthFunc("rotating", func(context.Context) (zk.Auth, error) {
			return zk.DigestAuth("bob", fmt.Sprint(asked.Add(1))), nil
		})
		c := connect(t, srv, tp.on(srv), func(cfg *zk.Config) {
			eve := zk.DigestAuth("eve", "x")
			cfg.Auth = []zk.Authenticator{eve, rotating, &eve, zk.Auth{Scheme: "ip"}, zk.DigestAuth("ann", "y")}
		})
		for i := range 5 {
			acl := zk.DigestACL(zk.PermAll, "bob", fmt.Sprint(1+i))
			path := fmt.Sprintf("/n%d", i)
			_, err := c.Create(inTime(t), path, nil, zk.Persistent, zk.WithACL(acl...))
			require.NoError(t, err)
			_, err = c.Get(inTime(t), path)
			require.NoError(t, err, "the newest credential is in force")
			require.Equal(t, []string{"digest eve:x", fmt.Sprintf("digest bob:%d", 1+i), "ip ", "digest ann:y"}, tp.presented(tp.dials()-1))
			time.Sleep(2 * time.Second)
			require.EqualValues(t, 1+i, asked.Load(), "not while it is connected")
			if i%2 == 1 {
				require.NoError(t, srv.ExpireSession(c.Session().ID()))
			}
			srv.CutConnections(0)
			synctest.Wait()
		}
	})
}

// A function that fails, and one that is slow, costs an attempt. The state is not
// StateAuthFailed, and calls wait. When it works again, the session goes on.
func TestAuthFunc_ThatFailsIsCalledAgain(t *testing.T) {
	vault := errors.New("the vault is sealed")
	for name, trouble := range map[string]func(ctx context.Context) (zk.Auth, error){
		"fails": func(context.Context) (zk.Auth, error) { return zk.Auth{}, vault },
		"ends with its context": func(ctx context.Context) (zk.Auth, error) {
			<-ctx.Done()
			return zk.Auth{}, fmt.Errorf("%w: %w", vault, ctx.Err())
		},
		"returns no scheme": func(context.Context) (zk.Auth, error) { return zk.Auth{Data: []byte("secret")}, nil },
		"returns too much": func(context.Context) (zk.Auth, error) {
			return zk.Auth{Scheme: "digest", Data: make([]byte, 1<<20)}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				var sealed atomic.Bool
				var asked atomic.Int32
				with := func(cfg *zk.Config) {
					cfg.SessionTimeout = 30 * time.Second
					cfg.Auth = []zk.Authenticator{zk.AuthFunc("vault", func(ctx context.Context) (zk.Auth, error) {
						asked.Add(1)
						if sealed.Load() {
							return trouble(ctx)
						}
						return zk.DigestAuth("bob", "x"), nil
					})}
				}
				c := connect(t, srv, with)
				id := c.Session().ID()
				sealed.Store(true)
				time.Sleep(2 * time.Second)
				srv.CutConnections(0)
				time.Sleep(10 * time.Second)
				require.Equal(t, zk.StateDisconnected, c.State())
				require.Less(t, asked.Load(), int32(100))
				cfg := zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext}
				with(&cfg)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				_, err := zk.Connect(ctx, cfg)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.NotErrorIs(t, err, zk.ErrAuthFailed)
				var failed *zk.AuthError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, "vault", failed.Name)
				require.Equal(t, "zk1:2181", failed.Server)
				require.NotContains(t, err.Error(), "secret")
				sealed.Store(false)
				require.NoError(t, c.Sync(inTime(t), "/"))
				require.Equal(t, id, c.Session().ID())
			})
		})
	}
}

// A refusal names the Authenticator, the scheme and the server, from Connect, from
// Ready and from calls.
func TestAuth_RefusalIsAnAuthError(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var refuse atomic.Bool
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "auth" && refuse.Load() {
				return zktest.Fail(int32(zk.ErrAuthFailed))
			}
			return zktest.Pass
		})
		rotating := zk.AuthFunc("rotating", func(context.Context) (zk.Auth, error) { return zk.DigestAuth("bob", "x"), nil })
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{rotating} })
		refuse.Store(true)
		srv.CutConnections(0)
		for s := range c.States(inTime(t)) {
			if s == zk.StateAuthFailed {
				break
			}
		}
		_, get := c.Get(inTime(t), "/")
		_, connect := zk.Connect(inTime(t), zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext, Auth: []zk.Authenticator{rotating}})
		for _, err := range []error{get, connect, c.Ready(inTime(t))} {
			require.ErrorIs(t, err, zk.ErrAuthFailed)
			var failed *zk.AuthError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, "rotating", failed.Name)
			require.ErrorContains(t, err, "authentication by rotating at zk1:2181: scheme digest: authentication failed")
		}
		refuse.Store(false)
		for s := range c.States(inTime(t)) {
			if s == zk.StateConnected {
				break
			}
		}
	})
}

// Config.Auth is checked by Connect.
func TestAuth_BadEntriesAreRefusedByConnect(t *testing.T) {
	_, err := zk.Connect(t.Context(), zk.Config{Servers: "h1", Auth: []zk.Authenticator{
		nil, (*zk.Auth)(nil),
		zk.Auth{Data: []byte("secret")},
		&zk.Auth{}, zk.AuthFunc("a", nil),
		zk.AuthFunc("", func(context.Context) (zk.Auth, error) { return zk.Auth{}, nil }),
		zk.Auth{Scheme: "digest"},
	}})
	require.ErrorIs(t, err, zk.ErrInvalidConfig)
	for i, want := range []string{"is nil", "is nil", "has no scheme", "has no scheme", "has no function", "has no name"} {
		require.ErrorContains(t, err, fmt.Sprintf("Auth %d: %s", i, want))
	}
	require.NotContains(t, err.Error(), "Auth 6")
	require.NotContains(t, err.Error(), "secret")
}

// steps is a mechanism of several steps, as SASL mechanisms are: the server asks, and
// proves at the end who it is.
type steps struct {
	secret string
	final  string // the server's proof
}

func (steps) Name() string { return "STEPS" }

func (s steps) Authenticate(_ context.Context, x *zk.AuthExchange) error {
	challenge, err := x.SASL(nil)
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(x.Server())
	if err != nil {
		return err
	}
	for i := range 3 {
		challenge, err = x.SASL(fmt.Appendf(nil, "%s %s %d %s", s.secret, challenge, i, host))
		if err != nil {
			return err
		}
	}
	if string(challenge) != s.final {
		return fmt.Errorf("%w: the server cannot prove who it is", zk.ErrAuthFailed)
	}
	return nil
}

// saslServer serves steps. nth may return other bytes for the nth answer.
func saslServer(t *testing.T, nth map[int]func(q asked) []byte) func(*scripted) {
	return func(c *scripted) {
		answers := []string{"nonce", "a", "b", "proof"}
		expect := []string{"", "hunter2 nonce 0 script", "hunter2 a 1 script", "hunter2 b 2 script"}
		for i := range answers {
			q, ok := <-c.requests
			if !ok {
				return
			}
			r := proto.NewReader(q.body)
			if token := string(r.Buffer()); q.Op != proto.OpSASL || token != expect[i] || r.Finish() != nil {
				t.Errorf("request %d: %v %q, want %q", i, q.Op, token, expect[i])
			}
			b := replyTo(q.Xid, 0, proto.OK, proto.AppendBuffer(nil, []byte(answers[i])))
			if f := nth[i]; f != nil {
				b = f(q)
			}
			if b == nil || c.say(b) != nil {
				return
			}
		}
		honest(c)
	}
}

// An exchange of several steps goes through the Authenticator before any request, at
// every connect. The error shows whether the server refused, went away or sent garbage
// in the middle of it.
func TestAuthExchange_SASLOfSeveralSteps(t *testing.T) {
	code := func(code proto.ErrCode) func(asked) []byte {
		return func(q asked) []byte { return replyTo(q.Xid, 0, code, proto.AppendBuffer(nil, nil)) }
	}
	say := func(body []byte) func(asked) []byte {
		return func(q asked) []byte { return replyTo(q.Xid, 0, proto.OK, body) }
	}
	for _, c := range []struct {
		name string
		nth  map[int]func(asked) []byte
		ends error  // what the error wraps, if the first attempt fails
		text string // and says
	}{
		{name: "works"},
		{"refused at once", map[int]func(asked) []byte{0: code(proto.AuthFailed)}, zk.ErrAuthFailed, "SASL: authentication failed"},
		{"refused at the end", map[int]func(asked) []byte{3: code(proto.AuthFailed)}, zk.ErrAuthFailed, "SASL: authentication failed"},
		{"refused by a server that requires it", map[int]func(asked) []byte{2: code(proto.SessionClosedRequireSaslAuth)}, zk.ErrAuthFailed, "authentication is required"},
		{"no proof", map[int]func(asked) []byte{3: say(proto.AppendBuffer(nil, []byte("x")))}, zk.ErrAuthFailed, "cannot prove who it is"},
		{"another code", map[int]func(asked) []byte{1: code(proto.ThrottledOp)}, zk.ErrThrottled, "SASL: "},
		{"gone", map[int]func(asked) []byte{1: func(asked) []byte { return nil }}, nil, "EOF"},
		{"empty body", map[int]func(asked) []byte{1: say(nil)}, zk.ErrProtocol, "SASL token"},
		{"rest behind the token", map[int]func(asked) []byte{1: say(append(proto.AppendBuffer(nil, []byte("a")), 0))}, zk.ErrProtocol, "SASL token"},
		{"a wrong length", map[int]func(asked) []byte{1: say([]byte{0x7f, 255, 255, 255})}, zk.ErrProtocol, "SASL token"},
		{"a token that is too long", map[int]func(asked) []byte{1: say(proto.AppendBuffer(nil, make([]byte, 64<<10)))}, zk.ErrProtocol, "sasl"},
		{"another xid", map[int]func(asked) []byte{1: func(asked) []byte { return replyTo(12, 0, proto.OK, nil) }}, zk.ErrProtocol, "xid 12"},
		{"garbage", map[int]func(asked) []byte{1: func(asked) []byte { return frame([]byte("x")) }}, zk.ErrProtocol, "sasl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				works := saslServer(t, nil)
				s := &script{play: []func(*scripted){saslServer(t, c.nth), works, works}}
				auth := steps{secret: "hunter2", final: "proof"}
				with := func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{auth}; cfg.Background = true }
				client := s.client(t, with)
				if errors.Is(c.ends, zk.ErrAuthFailed) {
					err := client.Ready(inTime(t))
					require.ErrorIs(t, err, c.ends)
					require.ErrorContains(t, err, "authentication by STEPS at script:1: ")
					require.ErrorContains(t, err, c.text)
				}
				for state := range client.States(inTime(t)) {
					require.True(t, state == zk.StateConnecting || state == zk.StateConnected || errors.Is(c.ends, zk.ErrAuthFailed), "%v", state)
					if state == zk.StateConnected {
						break
					}
				}
				_, err := client.Get(inTime(t), "/n")
				require.NoError(t, err)
			})
			if c.text == "" || errors.Is(c.ends, zk.ErrAuthFailed) {
				return
			}
			synctest.Test(t, func(t *testing.T) { // the error says what it was
				s := &script{play: []func(*scripted){saslServer(t, c.nth)}}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				_, err := zk.Connect(ctx, zk.Config{
					Servers: "script:1", Auth: []zk.Authenticator{steps{secret: "hunter2"}},
					DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
						nc, err := s.dial(ctx, network, addr)
						if err != nil {
							cancel()
							<-ctx.Done() // the reason of the attempt before stays
						}
						return nc, err
					},
				})
				s.running.Wait()
				if c.ends != nil {
					require.ErrorIs(t, err, c.ends)
				}
				require.NotErrorIs(t, err, zk.ErrAuthFailed)
				require.ErrorContains(t, err, "authentication by STEPS at script:1: ")
				require.ErrorContains(t, err, c.text)
				require.NotContains(t, err.Error(), "hunter2")
			})
		})
	}
}

// A server that requires SASL, and a client that does it: no refusal, and no request
// before it.
func TestAuthExchange_RequestsWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		works := saslServer(t, nil)
		s := &script{play: []func(*scripted){works, works, works}}
		var slow atomic.Bool
		c := s.client(t, func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{mechanism{"slow", func(ctx context.Context, x *zk.AuthExchange) error {
				if slow.Load() {
					time.Sleep(100 * time.Millisecond) // requests come in meanwhile
				}
				return steps{secret: "hunter2", final: "proof"}.Authenticate(ctx, x)
			}}}
		})
		slow.Store(true)
		_, err := c.Get(inTime(t), "/n")
		require.NoError(t, err)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if _, err := c.Set(inTime(t), "/n", nil, zk.AnyVersion); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
	})
}

// mechanism is an Authenticator of a function.
type mechanism struct {
	name string
	f    func(ctx context.Context, x *zk.AuthExchange) error
}

func (m mechanism) Name() string { return m.name }

func (m mechanism) Authenticate(ctx context.Context, x *zk.AuthExchange) error { return m.f(ctx, x) }

// An Authenticator that breaks the rules harms no connection but its own.
func TestAuthExchange_Misuse(t *testing.T) {
	t.Run("used later", func(t *testing.T) {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			var tp tap
			var kept *zk.AuthExchange
			c := connect(t, srv, tp.on(srv), func(cfg *zk.Config) {
				cfg.Auth = []zk.Authenticator{mechanism{"keeps", func(_ context.Context, x *zk.AuthExchange) error { kept = x; return nil }}}
			})
			_, err := kept.SASL([]byte("x"))
			require.ErrorIs(t, err, zk.ErrBadArguments)
			require.ErrorIs(t, kept.Present(zk.DigestAuth("a", "b")), zk.ErrBadArguments)
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Equal(t, 1, tp.dials())
			require.Empty(t, tp.presented(0))
		})
	})
	t.Run("left in the hands of another goroutine", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{play: []func(*scripted){(*scripted).drain, honest}}
			var once atomic.Bool
			ended := make(chan error, 1)
			c := s.client(t, func(cfg *zk.Config) {
				cfg.Auth = []zk.Authenticator{mechanism{"splits", func(_ context.Context, x *zk.AuthExchange) error {
					if once.CompareAndSwap(false, true) {
						go func() { ended <- x.Present(zk.DigestAuth("a", "b")) }()
						synctest.Wait()
						_, err := x.SASL(nil)
						if !errors.Is(err, zk.ErrBadArguments) {
							t.Errorf("two at once: %v", err)
						}
					}
					return nil
				}}}
			})
			require.Error(t, <-ended, "its connection was closed")
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Equal(t, 2, s.dials)
		})
	})
	t.Run("ignores its context", func(t *testing.T) {
		bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
			release := make(chan struct{})
			var stuck atomic.Bool
			var running, most atomic.Int32
			c := connect(t, srv, func(cfg *zk.Config) {
				cfg.Auth = []zk.Authenticator{mechanism{"stuck", func(context.Context, *zk.AuthExchange) error {
					most.Store(max(most.Load(), running.Add(1)))
					defer running.Add(-1)
					if stuck.CompareAndSwap(true, false) {
						<-release
					}
					return nil
				}}}
			})
			id := c.Session().ID()
			time.Sleep(2 * time.Second)
			stuck.Store(true)
			srv.CutConnections(0)
			require.NoError(t, c.Sync(inTime(t), "/"), "on the other server")
			require.Equal(t, id, c.Session().ID())
			close(release)
			synctest.Wait()
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.EqualValues(t, 2, most.Load())
		})
	})
}

// Many goroutines use a client whose credential changes, while connections are cut and
// credentials refused.
func TestAuth_ManyGoroutinesWhileCredentialsChange(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		var refused atomic.Bool
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "auth" && refused.Load() {
				return zktest.Fail(int32(zk.ErrAuthFailed))
			}
			return zktest.Pass
		})
		var n atomic.Int32
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{zk.DigestAuth("a", "b"), zk.AuthFunc("rotating", func(context.Context) (zk.Auth, error) {
				if n.Add(1)%5 == 0 {
					return zk.Auth{}, errors.New("try later")
				}
				return zk.DigestAuth("bob", fmt.Sprint(n.Load())), nil
			})}
		})
		stop := make(chan struct{})
		var workers sync.WaitGroup
		for range 16 {
			workers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if err := c.Sync(inTime(t), "/"); err != nil && !errors.Is(err, zk.ErrAuthFailed) {
						t.Error(err)
					}
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
		for i := range 40 {
			refused.Store(i%4 == 3)
			srv.CutConnections(0)
			time.Sleep(500 * time.Millisecond)
		}
		refused.Store(false)
		close(stop)
		workers.Wait()
		require.Eventually(t, func() bool { return c.Sync(inTime(t), "/") == nil }, time.Minute, time.Second)
	})
}

// A Config prints its Authenticators by name, whatever they hold.
func TestConfig_PrintsItsAuthenticatorsByName(t *testing.T) {
	cfg := zk.Config{Servers: "h1", Auth: []zk.Authenticator{
		steps{secret: "hunter2"},
		&steps{secret: "hunter2"}, zk.DigestAuth("bob", "hunter2"), nil, (*zk.Auth)(nil),
		zk.AuthFunc("vault", func(context.Context) (zk.Auth, error) { return zk.Auth{}, nil }),
	}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, x := range []any{cfg, &cfg, []any{cfg}, struct{ C zk.Config }{cfg}} {
			text := fmt.Sprintf(verb, x)
			require.NotContains(t, text, "hunter2", verb)
			require.NotContains(t, text, fmt.Sprintf("%x", "hunter2"), verb)
			require.Equal(t, 2, strings.Count(text, "auth STEPS"), "%s: %s", verb, text)
			require.Contains(t, text, "auth digest:***")
			require.Contains(t, text, "auth vault")
		}
	}
	require.Contains(t, fmt.Sprintf("%+v", cfg), "Servers:h1")
	require.True(t, slices.Equal(cfg.Auth[:1], []zk.Authenticator{steps{secret: "hunter2"}}), "printing changes nothing")
}
