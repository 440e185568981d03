package zk_test

import (
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The cost of watches that are gone, and of a reply that announces too much.

func TestWatch_StoppingManyOfOnePathIsCheap(t *testing.T) {
	srv := zktest.Start(t, zktest.Config{})
	c := watching(t, srv)
	stop := func(newestFirst bool) time.Duration {
		held := watchMany(t, c, 20_000, func(int) string { return "/n" })
		if newestFirst {
			slices.Reverse(held)
		}
		start := time.Now()
		for _, w := range held {
			w.Stop()
		}
		return time.Since(start)
	}
	newest, oldest := stop(true), stop(false)
	require.Less(t, oldest, 10*newest+100*time.Millisecond, "the order makes no difference")
}

func TestWatch_MemoryGoesWithTheWatches(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		held := watchMany(t, c, 50_000, func(i int) string { return "/n" + strconv.Itoa(i) })
		for _, w := range held {
			w.Stop()
		}
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.Less(t, zk.WatchTableSize(c), 2000, "room for paths")
	})
}

// watchMany sets n watches on absent nodes.
func watchMany(t *testing.T, c *zk.Client, n int, path func(int) string) []*zk.Watch {
	t.Helper()
	p := c.Pipeline()
	var held []*zk.Watch
	var asked []*zk.Future[zk.Watched[zk.Existence]]
	for i := range n {
		asked = append(asked, p.ExistsW(t.Context(), path(i)))
	}
	for _, f := range asked {
		e, err := f.Wait(t.Context())
		require.NoError(t, err)
		held = append(held, e.Watch)
	}
	return held
}

func TestMulti_ReplyOfTooManyResultsCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		results := make([]proto.MultiResult, 1_000_000)
		for i := range results {
			results[i].Op = proto.OpCheck
		}
		reply := serverproto.AppendMultiResponse(nil, results)
		results = nil
		s := &script{play: []func(*scripted){func(c *scripted) {
			c.serve(func(q asked) []byte { return replyTo(q.Xid, 10, proto.OK, reply) })
		}}}
		c := s.client(t)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := c.Multi(inTime(t), zk.CheckOp("/n", 0))
		require.ErrorIs(t, err, zk.ErrProtocol)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100<<20)) // the frame, and the buffer that it was read into
	})
}
