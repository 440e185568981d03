package zk_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// users are the users of a server with SASL. Their passwords can be changed.
type users struct{ password atomic.Pointer[string] }

func (u *users) set(password string) { u.password.Store(&password) }

func (u *users) of(user string) (string, bool) { return *u.password.Load(), user == "bob" }

// saslBubble runs a test on a server with SASL that has the user bob, password "secret".
func saslBubble(t *testing.T, f func(t *testing.T, srv *zktest.Server, u *users)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		u := &users{}
		u.set("secret")
		f(t, zktest.Start(t, zktest.Config{SASLUsers: u.of}), u)
	})
}

func configOf(srv *zktest.Server, tp *tap, auth ...zk.Authenticator) zk.Config {
	cfg := zk.Config{Servers: srv.ConnectString(), SessionTimeout: 6 * time.Second, Auth: auth}
	tp.on(srv)(&cfg)
	return cfg
}

// Connect fails at once, with the reason, if the server requires an authentication that
// the client has not. The client that has it is served.
func TestConnect_ServerThatRequiresAuthentication(t *testing.T) {
	for scheme, right := range map[string]zk.Authenticator{"sasl": zk.DigestMD5("bob", "secret"), "digest": zk.DigestAuth("bob", "secret")} {
		t.Run(scheme, func(t *testing.T) {
			saslBubble(t, func(t *testing.T, srv *zktest.Server, _ *users) {
				srv.RequireAuth(scheme)
				var tp tap
				start := time.Now()
				_, err := zk.Connect(inTime(t), configOf(srv, &tp))
				require.ErrorIs(t, err, zk.ErrAuthFailed)
				require.ErrorIs(t, err, zk.ErrSaslRequired)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "zk1:2181: authentication failed: the server requires SASL")
				require.ErrorContains(t, err, "authentication is required", "as the server says it")
				require.Less(t, time.Since(start), 2*time.Second, "one pause at most, while it closes")

				c := connect(t, srv, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{right} })
				_, err = c.Create(t.Context(), "/mine", nil, zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
				require.NoError(t, err)
				acl, _, err := c.GetACL(t.Context(), "/mine")
				require.NoError(t, err)
				require.Equal(t, scheme, acl[0].Scheme)
			})
		})
	}
}

// The ping that finds out is sent with the handshake, and only on the first connection.
func TestConnect_ProbeCostsNoRoundTrip(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(1, 50*time.Millisecond)
		var tp tap
		start := time.Now()
		c := connect(t, srv, tp.on(srv))
		require.Equal(t, 50*time.Millisecond, time.Since(start))
		require.Equal(t, proto.OpPing, tp.frames(0)[1].Op)
		time.Sleep(2 * time.Second)
		srv.CutConnections(1)
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.Equal(t, proto.OpSync, tp.frames(1)[1].Op)
	})
}

// A refusal of SASL names the mechanism, the server, the user and what the server said,
// and is tried again slowly. The client recovers when the server has the password.
func TestDigestMD5_WrongPasswordOnAServerThatRequiresIt(t *testing.T) {
	for name, required := range map[string]bool{"required": true, "not required": false} {
		t.Run(name, func(t *testing.T) {
			saslBubble(t, func(t *testing.T, srv *zktest.Server, u *users) {
				if required {
					srv.RequireAuth("sasl")
				}
				var tp tap
				wrong := configOf(srv, &tp, zk.DigestMD5("bob", "hunter2"))
				_, err := zk.Connect(inTime(t), wrong)
				require.ErrorIs(t, err, zk.ErrAuthFailed)
				require.ErrorContains(t, err, `authentication by SASL DIGEST-MD5 at zk1:2181: user "bob": SASL: authentication failed`)
				if required {
					require.ErrorIs(t, err, zk.ErrSaslRequired)
				}
				require.NotContains(t, err.Error(), "hunter2")

				wrong.Background = true
				c, err := zk.Connect(t.Context(), wrong)
				require.NoError(t, err)
				defer func() { require.NoError(t, c.Close(inTime(t))) }()
				require.ErrorIs(t, c.Ready(inTime(t)), zk.ErrAuthFailed)
				before := tp.dials()
				time.Sleep(time.Minute)
				require.Equal(t, zk.StateAuthFailed, c.State())
				require.Less(t, tp.dials()-before, 60)
				u.set("hunter2")
				until(t, c, zk.StateConnected)
				require.NoError(t, c.Sync(inTime(t), "/"))
			})
		})
	}
}

// A password that has expired is seen at the next connect. The function has the new one
// then, and the session goes on.
func TestDigestMD5Func_PasswordIsReplaced(t *testing.T) {
	saslBubble(t, func(t *testing.T, srv *zktest.Server, u *users) {
		srv.RequireAuth("sasl")
		var known atomic.Pointer[string]
		know := func(password string) { known.Store(&password) }
		know("secret")
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{zk.DigestMD5Func(func(context.Context) (string, string, error) { return "bob", *known.Load(), nil })}
		})
		session := c.Session()
		time.Sleep(2 * time.Second)
		u.set("new")
		require.NoError(t, c.Sync(t.Context(), "/"), "a connection keeps its identity")
		srv.CutConnections(1)
		until(t, c, zk.StateAuthFailed)
		know("new")
		until(t, c, zk.StateConnected)
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.Equal(t, session, c.Session())
	})
}

// A server begins to require authentication while the client is connected, and at rest.
// The client finds out by its next ping, and recovers when the server is content again.
func TestAuth_ServerBeginsToRequireIt(t *testing.T) {
	saslBubble(t, func(t *testing.T, srv *zktest.Server, _ *users) {
		var tp tap
		c := connect(t, srv, tp.on(srv))
		time.Sleep(2 * time.Second)
		srv.RequireAuth("sasl")
		start := time.Now()
		until(t, c, zk.StateAuthFailed)
		require.LessOrEqual(t, time.Since(start), time.Second)
		require.ErrorIs(t, c.Sync(inTime(t), "/"), zk.ErrSaslRequired)
		err := c.AddAuth(inTime(t), zk.DigestAuth("bob", "x"))
		require.ErrorIs(t, err, zk.ErrSaslRequired)
		before := tp.dials()
		time.Sleep(time.Minute)
		require.Less(t, tp.dials()-before, 60)
		require.Equal(t, zk.StateAuthFailed, c.State())
		srv.RequireAuth()
		until(t, c, zk.StateConnected)
		require.NoError(t, c.Sync(inTime(t), "/"))
	})
}

// A server without SASL answers a token with none.
func TestDigestMD5_ServerWithoutSASL(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		_, err := zk.Connect(inTime(t), configOf(srv, &tp, zk.DigestMD5("bob", "secret")))
		require.ErrorIs(t, err, zk.ErrAuthFailed)
		require.ErrorContains(t, err, "the server has no SASL")
	})
}
