package zk_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// onBothVersions is bubble for each version of the server: 3.8 keeps one mode of
// watches for each path of a session, 3.9 all of them.
func onBothVersions(t *testing.T, servers int, f func(t *testing.T, srv *zktest.Server)) {
	t.Helper()
	for _, v := range []zktest.Version{zktest.V3_8, zktest.V3_9} {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, zktest.Start(t, zktest.Config{Servers: servers, Version: v})) })
		})
	}
}

// watching is connect for tests of watches: when the test has ended, and before
// the client is closed, nothing may be watched any more, neither in the client's
// table nor on the server. The test must have stopped what has not fired.
func watching(t testing.TB, srv *zktest.Server, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	c := connect(t, srv, change...)
	t.Cleanup(func() { nothingWatched(t, srv, c) })
	return c
}

// nothingWatched checks that c, the only client with watches, has none any more.
func nothingWatched(t testing.TB, srv *zktest.Server, c *zk.Client) {
	t.Helper()
	if t.Failed() {
		return // one reason is enough
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, c.Sync(ctx, "/"), "removals are queued before it")
	require.Empty(t, srv.WatchPaths(), "left on the server")
	require.Zero(t, zk.WatchedPaths(c), "left in the client's table")
}

// inTime returns a context for waits that ought to end. In a bubble a client's
// heartbeats go on for ever, so that a wait without an end would hang.
func inTime(t testing.TB) context.Context { return clienttest.InTime(t) }

// next returns the next n events of a subscription, as "type path".
func next(t testing.TB, sub *zk.Subscription, n int) []string {
	t.Helper()
	var got []string
	for ev, err := range sub.Events(inTime(t)) {
		require.NoError(t, err, "after %v", got)
		if got = append(got, ev.Type.String()+" "+ev.Path); len(got) == n {
			break
		}
	}
	return got
}

// waiting returns the events that wait to be read, as "type path".
func waiting(t testing.TB, sub *zk.Subscription) []string {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var got []string
	for ev, err := range sub.Events(ended) {
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			break
		}
		got = append(got, ev.Type.String()+" "+ev.Path)
	}
	return got
}

// fires waits for a watch and returns the type of its event.
func fires(t testing.TB, w *zk.Watch) zk.EventType {
	t.Helper()
	ev, err := w.Wait(inTime(t))
	require.NoError(t, err)
	return ev.Type
}

// subscribe subscribes, or fails the test.
func subscribe(t testing.TB, c *zk.Client, path string, opts ...zk.SubscribeOption) *zk.Subscription {
	t.Helper()
	sub, err := c.Subscribe(inTime(t), path, opts...)
	require.NoError(t, err)
	return sub
}

// onceOn sets a hook that gives verdict to the first request of an op.
func onceOn(srv *zktest.Server, op string, verdict zktest.Verdict) {
	onNth(srv, op, 1, verdict)
}

// onNth sets a hook that gives verdict to the nth request of an op.
func onNth(srv *zktest.Server, op string, n int, verdict zktest.Verdict) {
	clienttest.OnNth(srv, op, n, verdict)
}

// hold sets a hook that makes the requests of an op wait until goOn is called,
// at the end of the test at the latest, and then gives them verdict.
func hold(t testing.TB, srv *zktest.Server, op string, verdict zktest.Verdict) (goOn func()) {
	gate := make(chan struct{})
	goOn = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(goOn)
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op != op {
			return zktest.Pass
		}
		<-gate
		return verdict
	})
	return goOn
}
