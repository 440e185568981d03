package zk_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 40: a request over the limit of servers is refused before it is sent, to
// the byte. A request within it goes through. The session is not touched.
func TestLimit_RequestIsRefusedBeforeItIsSent(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ctx := t.Context()
		require.NoError(t, srv.Create("/n", nil))
		id := c.Session().ID()
		const head = 8 + 4 + len("/n") + 4 + 4 // header, path, length of the data, version
		_, err := c.Set(ctx, "/n", make([]byte, 0xfffff-head), zk.AnyVersion)
		require.NoError(t, err)
		before := srv.Requests()
		for name, f := range map[string]func() error{
			"set":    func() error { _, err := c.Set(ctx, "/n", make([]byte, 0xfffff-head+1), zk.AnyVersion); return err },
			"create": func() error { _, err := c.Create(ctx, "/m", make([]byte, 1<<20), zk.Persistent); return err },
			"multi": func() error {
				_, err := c.Multi(ctx, zk.SetOp("/n", make([]byte, 600_000), -1), zk.SetOp("/n", make([]byte, 600_000), -1))
				return err
			},
			"setACL": func() error { _, err := c.SetACL(ctx, "/n", manyACL(200_000), -1); return err },
		} {
			err := f()
			require.ErrorIs(t, err, zk.ErrTooLarge, name)
			require.ErrorContains(t, err, "1048575")
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), name)
			require.False(t, zk.SafeToRetry(err), "it would be as large again")
		}
		require.Equal(t, before, srv.Requests())
		p := c.Pipeline()
		_, err = p.Set(ctx, "/n", make([]byte, 1<<20), -1).Wait(ctx)
		require.ErrorIs(t, err, zk.ErrTooLarge)
		_, err = p.Set(ctx, "/n", nil, -1).Wait(ctx)
		require.ErrorIs(t, err, zk.ErrPipelineBroken)
		require.ErrorIs(t, err, zk.ErrTooLarge)
		require.True(t, zk.SafeToRetry(err), "this one is not too large")
		require.NoError(t, c.Sync(ctx, "/"))
		require.Equal(t, id, c.Session().ID())
		require.Equal(t, 1, srv.Connections(1))
	})
}

// manyACL returns an ACL of n entries.
func manyACL(n int) []zk.ACL { return slices.Repeat(zk.WorldACL(zk.PermRead), n) }

// failures: 40: a credential that no server would take is a mistake in the
// configuration, not a reconnect loop.
func TestLimit_CredentialIsRefusedByConnect(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := zk.Connect(ctx, zk.Config{Servers: "h1", Auth: []zk.Authenticator{zk.DigestAuth("u", string(make([]byte, 2<<20)))}})
	require.ErrorIs(t, err, zk.ErrTooLarge)
	require.ErrorContains(t, err, "Auth 0")
	require.Less(t, len(err.Error()), 1000, "and the error does not show it")
}

// A reply over the limit is skipped. Its call fails with an error that names the
// operation, the size and the limit. Everything else on the connection goes on.
func TestLimit_ReplyIsSkippedAndTheConnectionLives(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		c := connect(t, srv, tp.on(srv), func(cfg *zk.Config) { cfg.MaxReplySize = 1000 })
		ctx := inTime(t)
		for _, size := range []int{0, 900, 901, 908, 909, 910, 2_000, 16 << 10, 64<<10 + 7, 1_000_000} {
			path := "/n" + strconv.Itoa(size)
			require.NoError(t, srv.Create(path, make([]byte, size)))
			p := c.Pipeline()
			before, it, after := p.Exists(ctx, path), p.Get(ctx, path), c.Pipeline().Exists(ctx, path)
			n, err := it.Wait(ctx)
			if reply := proto.ReplyHeaderLen + 4 + size + 68; reply <= 1000 {
				require.NoError(t, err)
				require.Len(t, n.Data, size)
			} else {
				require.ErrorIs(t, err, zk.ErrReplyTooLarge)
				require.ErrorContains(t, err, "get "+path)
				require.ErrorContains(t, err, strconv.Itoa(reply))
				require.ErrorContains(t, err, "limit 1000: raise Config.MaxReplySize")
				large, ok := errors.AsType[*zk.ReplyTooLargeError](err)
				require.True(t, ok)
				require.Equal(t, zk.ReplyTooLargeError{Size: reply, Limit: 1000}, *large)
				require.False(t, zk.SafeToRetry(err))
				require.ErrorIs(t, p.Err(), zk.ErrReplyTooLarge, "it has no verdict")
			}
			for _, f := range []*zk.Future[zk.Existence]{before, after} {
				e, err := f.Wait(ctx)
				require.NoError(t, err)
				require.EqualValues(t, size, e.Stat.DataLength)
			}
		}
		require.Equal(t, 1, tp.dials())
	})
}

// failures: 32: the memory of an armed watch is bounded, and a stopped one costs
// nothing.
func TestLimit_MemoryOfWatches(t *testing.T) {
	s := &script{play: []func(*scripted){honest}} // keeps nothing of a watch
	c := s.client(t)
	ctx := t.Context()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const n = 10_000
	held := make([]*zk.Watch, n)
	paths := make([]string, n)
	for i := range paths {
		paths[i] = "/watched/by/many/" + strconv.Itoa(i)
	}
	before := heap()
	for i, path := range paths {
		_, w, err := c.GetW(ctx, path)
		require.NoError(t, err)
		held[i] = w
	}
	cost := (heap() - before) / n
	t.Logf("%d bytes a watch", cost)
	require.LessOrEqual(t, cost, int64(200))
	for _, w := range held {
		w.Stop()
	}
	clear(held)
	require.NoError(t, c.Sync(ctx, "/"))
	require.Zero(t, zk.WatchedPaths(c))
	before = heap()
	for range n {
		_, w, err := c.GetW(ctx, paths[0])
		require.NoError(t, err)
		w.Stop()
	}
	require.NoError(t, c.Sync(ctx, "/"))
	require.Less(t, heap()-before, int64(100_000), "flat, however many come and go")
}
