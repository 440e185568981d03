package zk_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The watches of a client on its next connection.

// restored returns the watches that the frames restore, by list. It checks that the
// frames are the first after the handshake, are small, and all have the zxid of the
// handshake.
func restored(t *testing.T, frames []tapped) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	for i, f := range frames[1:] {
		if f.Op != proto.OpSetWatches && f.Op != proto.OpSetWatches2 {
			for _, later := range frames[1+i:] {
				require.NotContains(t, []proto.OpCode{proto.OpSetWatches, proto.OpSetWatches2}, later.Op, "other requests first")
			}
			return got
		}
		require.LessOrEqual(t, f.size, 128<<10)
		require.Equal(t, proto.XidSetWatches, f.Xid)
		var q proto.SetWatches
		r := proto.NewReader(f.body)
		q = serverproto.DecodeSetWatches(r, f.Op)
		require.NoError(t, r.Finish())
		require.Equal(t, frames[0].handshake.LastZxidSeen, q.RelativeZxid)
		for name, list := range map[string][]string{
			"data": q.Data, "exist": q.Exist, "child": q.Child, "persistent": q.Persistent, "recursive": q.Recursive,
		} {
			got[name] = append(got[name], list...)
		}
	}
	return got
}

// failures: 24, 27: ten thousand watches of every kind come back, before anything
// else, in frames that no server refuses.
func TestRestore_TenThousandWatchesInSmallFrames(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		c := watching(t, srv, tp.on(srv))
		ctx := t.Context()
		const n = 10_000
		want := map[string][]string{}
		p := c.Pipeline()
		var stop []func()
		for i := range n {
			path := fmt.Sprintf("/%s-%05d", strings.Repeat("x", i%90), i)
			if i%5 != 0 {
				require.NoError(t, srv.Create(path, nil))
			}
			var w *zk.Watch
			switch i % 5 {
			case 0:
				e, err := p.ExistsW(ctx, path).Wait(ctx)
				require.NoError(t, err)
				w, want["exist"] = e.Watch, append(want["exist"], path)
			case 1:
				e, err := p.GetW(ctx, path).Wait(ctx)
				require.NoError(t, err)
				w, want["data"] = e.Watch, append(want["data"], path)
			case 2:
				e, err := p.ChildrenW(ctx, path).Wait(ctx)
				require.NoError(t, err)
				w, want["child"] = e.Watch, append(want["child"], path)
			case 3:
				sub := subscribe(t, c, path)
				stop = append(stop, func() { sub.Close() })
				want["persistent"] = append(want["persistent"], path)
			case 4:
				sub := subscribe(t, c, path, zk.Recursive())
				stop = append(stop, func() { sub.Close() })
				want["recursive"] = append(want["recursive"], path)
			}
			if w != nil {
				stop = append(stop, w.Stop)
			}
		}
		before := srv.Watches()
		srv.Down(1, true)
		synctest.Wait()
		read := p.Get(ctx, "/zookeeper") // queued before the restore, written behind it
		srv.Down(1, false)
		_, err := read.Wait(ctx)
		require.NoError(t, err)
		require.Equal(t, before, srv.Watches())
		got := restored(t, tp.frames(tp.dials()-1))
		for name := range want {
			require.ElementsMatch(t, want[name], got[name])
		}
		for _, f := range stop {
			f()
		}
	})
}

// The limit holds for the whole frame, where the paths would just fill it.
func TestRestore_FrameIsNeverOver128KiB(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		c := watching(t, srv, tp.on(srv))
		ctx := t.Context()
		p := c.Pipeline()
		var held []*zk.Future[zk.Watched[zk.Existence]]
		const n = 2 * (128 << 10) / 64
		for i := range n {
			held = append(held, p.ExistsW(ctx, fmt.Sprintf("/%059d", i))) // 4 + 60 bytes
		}
		require.NoError(t, c.Sync(ctx, "/"))
		srv.CutConnections(1)
		synctest.Wait()
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.Len(t, restored(t, tp.frames(1))["exist"], n)
		for _, f := range held {
			e, err := f.Wait(ctx)
			require.NoError(t, err)
			e.Watch.Stop()
		}
	})
}

// failures: 24: a restore that is cut comes again with the next connection, and
// no change is missed.
func TestRestore_IsRepeatedUntilItIsAnswered(t *testing.T) {
	for _, harm := range []zktest.Verdict{zktest.CutBefore, zktest.DropReplyAndCut, zktest.CutReplyAfter(0), zktest.CutReplyAfter(7)} {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := watching(t, srv)
			var held []*zk.Watch
			for i := range 100 {
				path := fmt.Sprintf("/%d", i)
				require.NoError(t, srv.Create(path, nil))
				_, w, err := c.GetW(t.Context(), path)
				require.NoError(t, err)
				held = append(held, w)
			}
			sub := subscribe(t, c, "/0")
			tries := 0
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op != "setWatches" {
					return zktest.Pass
				}
				if tries++; tries <= 3 {
					return harm
				}
				return zktest.Pass
			})
			srv.Down(1, true)
			require.NoError(t, srv.Set("/1", nil))
			srv.Down(1, false)
			require.Equal(t, zk.EventDataChanged, fires(t, held[1]))
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Equal(t, 4, tries)
			for i, w := range held {
				require.NoError(t, srv.Set(fmt.Sprintf("/%d", i), nil))
				require.Equal(t, zk.EventDataChanged, fires(t, w))
			}
			require.Equal(t, []string{"resync /0", "data changed /0"}, next(t, sub, 2))
			require.NoError(t, sub.Close())
		})
	}
}

// failures: 24: a watch that a server refuses to restore ends with an error, for
// every reason of the refusal, and the connection goes on.
func TestRestore_RefusedEndsTheWatchesWithAnError(t *testing.T) {
	for _, code := range []zk.Code{zk.ErrUnimplemented, zk.ErrSystemError, zk.ErrThrottled, zk.ErrNoAuth, -999} {
		t.Run(code.Error(), func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := watching(t, srv)
				ctx := t.Context()
				require.NoError(t, srv.Create("/n", nil))
				_, w, err := c.GetW(ctx, "/n")
				require.NoError(t, err)
				_, _, absent, err := c.ExistsW(ctx, "/absent")
				require.NoError(t, err)
				sub := subscribe(t, c, "/s")
				_, _, fed, err := c.ExistsW(ctx, "/s")
				require.NoError(t, err)

				onNth(srv, "setWatches", 1, zktest.Fail(int32(code)))
				id := c.Session().ID()
				srv.CutConnections(1)
				for _, w := range []*zk.Watch{w, absent, fed} {
					_, err := w.Wait(inTime(t))
					require.ErrorIs(t, err, zk.ErrWatchLost)
					require.ErrorIs(t, w.Err(), zk.ErrWatchLost)
					require.False(t, w.Fired())
				}
				var last error
				for _, err := range sub.Events(inTime(t)) {
					last = err
				}
				require.ErrorIs(t, last, zk.ErrWatchLost)
				require.NoError(t, sub.Close())
				require.Equal(t, id, c.Session().ID())

				_, w, err = c.GetW(ctx, "/n")
				require.NoError(t, err, "it can be watched again")
				require.NoError(t, srv.Set("/n", nil))
				require.Equal(t, zk.EventDataChanged, fires(t, w))
			})
		})
	}
}

// failures: 25: after every loss, the next connection restores the watches once, and
// no goroutine is left.
func TestRestore_OncePerConnectionWhileItFlaps(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		c := watching(t, srv, tp.on(srv))
		const n = 2000 // in one frame
		var held []*zk.Watch
		for i := range n {
			_, _, w, err := c.ExistsW(t.Context(), fmt.Sprintf("/n%d", i))
			require.NoError(t, err)
			held = append(held, w)
		}
		srv.Delay(1, 2*time.Millisecond) // so that some are cut before the answer
		for i := range 40 {
			srv.CutConnections(1)
			synctest.Wait()
			require.NoError(t, c.Ready(inTime(t)))
			time.Sleep(time.Duration(i%4) * time.Millisecond)
		}
		srv.Delay(1, 0)
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.Greater(t, tp.dials(), 20)
		for i := 1; i < tp.dials(); i++ {
			count := 0
			for _, f := range tp.frames(i) {
				if f.Op == proto.OpSetWatches {
					count++
				}
			}
			require.LessOrEqual(t, count, 1)
			if len(tp.frames(i)) > 1 {
				require.Len(t, restored(t, tp.frames(i))["exist"], n)
			}
		}
		require.Equal(t, n, srv.Watches())
		for _, w := range held {
			w.Stop()
		}
	})
}

// A watch that is stopped while there is no connection is not restored. A watch that
// was set again is.
func TestRestore_OnlyWhatIsStillHeld(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		c := watching(t, srv, tp.on(srv))
		ctx := t.Context()
		_, _, gone, err := c.ExistsW(ctx, "/gone")
		require.NoError(t, err)
		_, _, kept, err := c.ExistsW(ctx, "/kept")
		require.NoError(t, err)
		sub, other := subscribe(t, c, "/s"), subscribe(t, c, "/t", zk.Recursive())
		srv.Down(1, true)
		synctest.Wait()
		gone.Stop()
		require.NoError(t, sub.Close())
		again := c.Pipeline().ExistsW(ctx, "/gone")
		srv.Down(1, false)
		e, err := again.Wait(inTime(t))
		require.NoError(t, err)
		require.Equal(t, map[string][]string{
			"data": nil, "exist": {"/kept"}, "child": nil, "persistent": nil, "recursive": {"/t"},
		}, restored(t, tp.frames(tp.dials()-1)))
		require.Equal(t, map[string]int{"/gone": 1, "/kept": 1, "/t": 1}, srv.WatchPaths())
		e.Watch.Stop()
		kept.Stop()
		require.NoError(t, other.Close())
	})
}

// failures: 28: a program that holds a watch can see that it may be stale.
func TestWatch_DisconnectShowsInTheState(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		_, _, w, err := c.ExistsW(t.Context(), "/n")
		require.NoError(t, err)
		start := time.Now()
		srv.Silence(1, true)
		for s := range c.States(inTime(t)) {
			if s == zk.StateDisconnected {
				break
			}
		}
		require.LessOrEqual(t, time.Since(start), c.Session().Timeout()/3)
		require.NoError(t, w.Err(), "it is not lost")
		require.NoError(t, srv.Create("/n", nil))
		srv.Silence(1, false)
		require.Equal(t, zk.EventCreated, fires(t, w))
	})
}
