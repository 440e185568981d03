// Package clienttest has what the tests of packages that stand on zk's public API
// share: a server in virtual time, a client of it, and a client of real servers.
package clienttest

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Bubble runs a test on an embedded server in virtual time.
func Bubble(t *testing.T, servers int, f func(t *testing.T, srv *zktest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, zktest.Start(t, zktest.Config{Servers: servers})) })
}

// Config returns the configuration of a client of srv.
func Config(srv *zktest.Server) zk.Config { return srv.ClientConfig() }

// Connect returns a client of srv that is closed with the test.
func Connect(t testing.TB, srv *zktest.Server, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	return srv.Client(t, append([]func(*zk.Config){silent}, change...)...)
}

// silent keeps the log of a client out of the output of the tests.
func silent(cfg *zk.Config) { cfg.Logger = slog.New(slog.DiscardHandler) }

// Open is Connect for tests that close the client themselves, because of what Close
// returns or does. Connect fails a test whose Close is not confirmed.
func Open(t testing.TB, srv *zktest.Server, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	cfg := Config(srv)
	for _, f := range append([]func(*zk.Config){silent}, change...) {
		f(&cfg)
	}
	c, err := zk.Connect(InTime(t), cfg)
	require.NoError(t, err)
	return c
}

// Timeout changes the session timeout that a client asks for.
func Timeout(d time.Duration) func(*zk.Config) {
	return func(cfg *zk.Config) { cfg.SessionTimeout = d }
}

// Background makes Connect return before there is a connection.
func Background(cfg *zk.Config) { cfg.Background = true }

// Watching is Connect for tests of watches: when the test has ended, and before the
// client is closed, the server must have no watch any more.
func Watching(t testing.TB, srv *zktest.Server, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	c := Connect(t, srv, change...)
	t.Cleanup(func() {
		if t.Failed() {
			return // one reason is enough
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, c.Sync(ctx, "/"), "removals are queued before it")
		require.Empty(t, srv.WatchPaths(), "left on the server")
	})
	return c
}

// InTime returns a context for waits that ought to end. In a bubble a client's
// heartbeats go on for ever, so that a wait without an end would hang.
func InTime(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// OnNth sets a hook that gives verdict to the nth request of an op.
func OnNth(srv *zktest.Server, op string, n int, verdict zktest.Verdict) {
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op == op {
			if n--; n == 0 {
				return verdict
			}
		}
		return zktest.Pass
	})
}
