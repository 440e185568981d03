package zk_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// The error of a wrong connect string names what is wrong in it, and how it is written.
func TestConnect_NamesWhatIsWrongInAConnectString(t *testing.T) {
	for servers, want := range map[string]string{
		"":                    `connect string: no server`,
		"127.0.0.1:abc":       `connect string: server "127.0.0.1:abc": bad port "abc"`,
		"a;b":                 `connect string: server "a;b": bad host: separate servers by commas`,
		"a b":                 `connect string: server "a b": bad host: separate servers by commas`,
		"h1:1;h2:1":           `connect string: server "h1:1;h2:1": bad host: separate servers by commas`,
		"h1:1 h2:1":           `connect string: server "h1:1 h2:1": bad host: separate servers by commas`,
		"zk://h1:2181/app":    `connect string: "zk://" is a scheme: write host:port,host:port/chroot without one`,
		"http://h1":           `connect string: "http://" is a scheme: write host:port,host:port/chroot without one`,
		"h1:1,zk://h2:1":      `connect string: "zk://" is a scheme: write host:port,host:port/chroot without one`,
		"::1":                 `connect string: server "::1": put brackets around an IPv6 address`,
		"h1/a//b":             `connect string: chroot "/a//b": empty element, or / at the end`,
		"h1:1,h2:x,h1:1/app/": `connect string: chroot "/app/": empty element, or / at the end; server "h2:x": bad port "x"; server "h1:1" is listed twice`,
	} {
		_, err := zk.Connect(t.Context(), zk.Config{Servers: servers})
		require.ErrorIs(t, err, zk.ErrInvalidConfig)
		at := "zk: connect " + servers
		if servers == "" {
			at = "zk: connect"
		}
		require.EqualError(t, err, at+": invalid config: "+want+" (not sent)")
	}
}

// So does that of an entry of Config.Resolve.
func TestConnect_NamesWhatIsWrongInAResolvedServer(t *testing.T) {
	bubble(t, 1, func(t *testing.T, _ *zktest.Server) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, zk.Config{Resolve: func(context.Context) ([]string, error) { return []string{"zk://h1:2181", "h1;h2"}, nil }})
		require.ErrorContains(t, err, `server "zk://h1:2181": bad host: write host:port without a scheme`)
		require.ErrorContains(t, err, `server "h1;h2": bad host: separate servers by commas`)
	})
}

// A user who puts the chroot behind each server reads where it belongs. So does one
// whose client connects in the background.
func TestConnect_HintsAtAChrootBehindEachServer(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		const hint = "chroot does not exist: /app,zk2:2181/app (a connect string has its chroot once, behind the last server: h1,h2/chroot): node does not exist"
		cfg := srv.ClientConfig()
		cfg.Servers = "zk1:2181/app,zk2:2181/app"
		_, err := zk.Connect(inTime(t), cfg)
		require.ErrorIs(t, err, zk.ErrNoChroot)
		require.ErrorContains(t, err, hint)
		c := connect(t, srv, func(c *zk.Config) { c.Servers, c.Background = cfg.Servers, true })
		_, err = c.Create(inTime(t), "/n", nil, zk.Ephemeral)
		require.ErrorContains(t, err, hint)
	})
}

// A server that accepts the connection and waits may be another one than ZooKeeper.
func TestConnect_HintsAtAServerThatWaits(t *testing.T) {
	bubble(t, 1, func(t *testing.T, _ *zktest.Server) {
		var waiting sync.WaitGroup
		defer waiting.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := zk.Connect(ctx, zk.Config{Servers: "h1", DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			waiting.Go(func() { defer server.Close(); io.Copy(io.Discard, server) })
			return client, nil
		}})
		require.ErrorIs(t, err, zk.ErrSilent)
		require.ErrorContains(t, err, "h1:2181: server is silent in the handshake (the server accepted the connection and did not answer: ")
		require.ErrorContains(t, err, "is this port not ZooKeeper's?")
	})
}

// A request without the right names what the client has presented.
func TestError_NoRightNamesTheCredentials(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		owner := connect(t, srv, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", "secret")} })
		_, err := owner.Create(t.Context(), "/sec", nil, zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
		require.NoError(t, err)
		for want, auth := range map[string][]zk.Authenticator{
			"none":   nil,
			"digest": {zk.DigestAuth("bob", "wrong")},
			"token, digest": {
				zk.AuthFunc("token", func(context.Context) (zk.Auth, error) { return zk.DigestAuth("a", "b"), nil }),
				zk.DigestAuth("bob", "hunter2"),
			},
		} {
			c := connect(t, srv, func(cfg *zk.Config) { cfg.Auth = auth })
			for name, call := range map[string]func() error{
				"get /sec":      func() error { _, err := c.Get(t.Context(), "/sec"); return err },
				"create /sec/n": func() error { _, err := c.Create(t.Context(), "/sec/n", nil, zk.Persistent); return err },
				"multi /sec":    func() error { _, err := c.Multi(t.Context(), zk.SetOp("/sec", nil, 0)); return err },
				"set /sec":      func() error { _, err := c.Pipeline().Set(t.Context(), "/sec", nil, 0).Wait(t.Context()); return err },
			} {
				err := call()
				require.ErrorIs(t, err, zk.ErrNoAuth)
				require.EqualError(t, err, fmt.Sprintf("zk: %s: not authorized (credentials: %s)", name, want))
			}
			all, err := c.MultiRead(t.Context(), zk.GetOp("/sec"))
			require.NoError(t, err)
			require.EqualError(t, all[0].Err, fmt.Sprintf("zk: get /sec: not authorized (credentials: %s)", want))
		}
		late := connect(t, srv)
		require.NoError(t, late.AddAuth(t.Context(), zk.DigestAuth("eve", "x")))
		_, err = late.Get(t.Context(), "/sec")
		require.EqualError(t, err, "zk: get /sec: not authorized (credentials: digest)")
	})
}

// A server ends the connection at a request over its jute.maxbuffer. The error of a large
// request says so. That of a small one does not.
func TestError_LargeRequestHintsAtTheServersLimit(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxRequestSize = 4 << 20 })
		require.NoError(t, srv.Create("/n", nil))
		large := c.Pipeline().Set(t.Context(), "/n", make([]byte, 2<<20), zk.AnyVersion)
		_, err := large.Wait(inTime(t))
		require.ErrorIs(t, err, zk.ErrConnectionLoss)
		require.ErrorContains(t, err, "(the request has 2097174 bytes: the server may take less, as its jute.maxbuffer says) (outcome unknown)")

		onNth(srv, "set", 1, zktest.CutBefore)
		_, err = c.Set(inTime(t), "/n", nil, zk.AnyVersion)
		require.ErrorIs(t, err, zk.ErrConnectionLoss)
		require.NotContains(t, err.Error(), "maxbuffer")
	})
}

// A nil context is refused by name, and nothing is sent.
func TestClient_NilContextIsRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var none context.Context
		var r recorder
		c := connect(t, srv, r.on)
		w, sub := watchAndSubscription(t, c)
		hung := hold(t, srv, "sync", zktest.Pass)
		pending := c.Pipeline().Sync(t.Context(), "/")
		before := srv.Requests()
		for name, call := range map[string]func() error{
			"connect":  func() error { _, err := zk.Connect(none, srv.ClientConfig()); return err },
			"get":      func() error { _, err := c.Get(none, "/"); return err },
			"create":   func() error { _, err := c.Create(none, "/n", nil, zk.Persistent); return err },
			"pipeline": func() error { _, err := c.Pipeline().Get(none, "/").Wait(t.Context()); return err },
			"future":   func() error { _, err := pending.Wait(none); return err },
			"protect":  func() error { _, err := protect.Create(none, c, "/n", nil, zk.Ephemeral); return err },
			"watch":    func() error { _, err := w.Wait(none); return err },
			"ready":    func() error { return c.Ready(none) },
			"guard":    func() error { _, _, err := c.Session().Guard(none); return err },
			"detach":   func() error { _, err := c.Detach(none); return err },
			"pauses":   func() error { return c.Pauses(none)() },
			"close":    func() error { return c.Close(none) },
			"events": func() error {
				for _, err := range sub.Events(none) {
					return err
				}
				return nil
			},
		} {
			err := call()
			require.ErrorIs(t, err, zk.ErrBadArguments, name)
			require.ErrorContains(t, err, "nil context", name)
			require.False(t, zk.SafeToRetry(err), name)
		}
		require.LessOrEqual(t, srv.Requests()-before, int64(1), "the sync")
		hung()
		_, err := pending.Wait(inTime(t))
		require.NoError(t, err)
		_, err = c.Get(inTime(t), "/")
		require.NoError(t, err, "the client goes on")
	})
}

// The zero Client says that Connect makes one.
func TestClient_ZeroSaysSo(t *testing.T) {
	var c zk.Client
	ctx := t.Context()
	for name, call := range map[string]func(){
		"get":       func() { c.Get(ctx, "/") },
		"create":    func() { c.Create(ctx, "/n", nil, zk.Persistent) },
		"set":       func() { c.Set(ctx, "/n", nil, 0) },
		"multi":     func() { c.Multi(ctx, zk.CheckOp("/n", 0)) },
		"multiRead": func() { c.MultiRead(ctx, zk.GetOp("/n")) },
		"subscribe": func() { c.Subscribe(ctx, "/n") },
		"pipeline":  func() { c.Pipeline().Get(ctx, "/n") },
		"ready":     func() { c.Ready(ctx) },
		"session":   func() { c.Session() },
		"state":     func() { c.State() },
		"stats":     func() { c.Stats() },
		"at":        func() { c.At("/n") },
		"close":     func() { c.Close(ctx) },
		"detach":    func() { c.Detach(ctx) },
	} {
		require.PanicsWithValue(t, "zk: the zero Client cannot be used: zk.Connect makes one", call, name)
	}
}
