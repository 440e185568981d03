package presence_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// throttle lets the server throttle requests of an operation for a time. It returns
// how many. The number is limited, because a loop without a pause would stop the
// test's clock.
func throttle(srv *zktest.Server, op string, during time.Duration) *atomic.Int32 {
	return putOff(srv, op, zk.ErrThrottled, during)
}

// putOff is throttle with any error code.
func putOff(srv *zktest.Server, op string, with zk.Code, during time.Duration) *atomic.Int32 {
	var n atomic.Int32
	until := time.Now().Add(during)
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op == op && time.Now().Before(until) && n.Add(1) < 500 {
			return zktest.Fail(int32(with))
		}
		return zktest.Pass
	})
	return &n
}

// The server has not processed a throttled request. Leave repeats it, with pauses,
// while its context lives.
func TestNode_LeaveOutlastsAThrottle(t *testing.T) {
	for _, op := range []string{"sync", "exists", "delete"} {
		t.Run(op, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				n := start(t, connect(t, srv), presence.Config{})
				await(t, n, registered)
				tries := throttle(srv, op, 20*time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				require.NoError(t, n.Leave(ctx))
				require.False(t, srv.Exists("/p/a"))
				require.Less(t, tries.Load(), int32(30))

				// If its context ends meanwhile, the janitor continues.
				n = start(t, connect(t, srv), presence.Config{})
				await(t, n, registered)
				throttle(srv, op, 20*time.Second)
				short, stop := context.WithTimeout(t.Context(), time.Second)
				defer stop()
				err := n.Leave(short)
				require.ErrorIs(t, err, zk.ErrUnconfirmed)
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		})
	}
}

// The client's own policy gives up on a throttled create. That is no refusal, so
// the Node does not pause as after one.
func TestNode_ThrottledCreateIsNoRefusal(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.BackOff = func() backoff.BackOff { return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Millisecond), 3) }
		})
		require.NoError(t, srv.Create("/p", nil))
		tries := throttle(srv, "create", time.Second)
		begin := time.Now()
		n := start(t, c, presence.Config{})
		await(t, n, registered)
		require.Less(t, time.Since(begin), 5*time.Second)
		require.Less(t, tries.Load(), int32(50))
		require.NoError(t, n.Leave(t.Context()))
	})
}

// The Node pauses between reads that the server throttles, when it finds out
// whether someone has deleted its node.
func TestNode_ThrottledLookForADeletedNodeIsNoHotLoop(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		n := start(t, connect(t, srv), presence.Config{ReportDeleted: true})
		await(t, n, registered)
		tries := throttle(srv, "sync", 20*time.Second)
		require.NoError(t, srv.Delete("/p/a"))
		s := await(t, n, func(s presence.Status) bool { return s.State == presence.Ended })
		require.ErrorIs(t, s.Err, presence.ErrDeleted)
		require.Less(t, tries.Load(), int32(30))
		require.NoError(t, n.Leave(t.Context()))
	})
}

// A server that has lost its quorum is read-only, and refuses writes while that
// lasts. The Node retries with pauses.
func TestNode_OutlastsAReadOnlyServer(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		const off = 20 * time.Second
		c := connect(t, srv)
		require.NoError(t, srv.Create("/p", nil))
		tries := putOff(srv, "create", zk.ErrNotReadOnly, off)
		start := time.Now()
		n, err := presence.NewKeeper(c).Start(t.Context(), "/p/a", []byte("1"), presence.Config{})
		require.NoError(t, err)
		await(t, n, registered)
		require.Less(t, time.Since(start), off+15*time.Second)
		require.Less(t, tries.Load(), int32(30))
		putOff(srv, "set", zk.ErrNotReadOnly, off)
		require.NoError(t, n.Update(t.Context(), []byte("2")))
		require.Equal(t, "2", data(t, c, "/p/a"))
		putOff(srv, "delete", zk.ErrNotReadOnly, off)
		require.NoError(t, n.Leave(t.Context()))
	})
}
