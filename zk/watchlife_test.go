package zk_test

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A one-shot watch from the read that sets it to its end.

func TestWatch_FiresOnceForEachKindOfChange(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		ctx := t.Context()
		exists := func(path string) *zk.Watch {
			_, _, w, err := c.ExistsW(ctx, path)
			require.NoError(t, err)
			return w
		}
		created := exists("/n")
		require.NoError(t, srv.Create("/n", nil))
		ev, err := created.Wait(inTime(t))
		require.NoError(t, err)
		require.Equal(t, zk.Event{Type: zk.EventCreated, Path: "/n", Zxid: srv.Zxid()}, ev)

		changed := exists("/n")
		_, data, err := c.GetW(ctx, "/n")
		require.NoError(t, err)
		_, _, kids, err := c.ChildrenW(ctx, "/n")
		require.NoError(t, err)
		require.NoError(t, srv.Set("/n", nil))
		require.Equal(t, zk.EventDataChanged, fires(t, changed))
		require.Equal(t, zk.EventDataChanged, fires(t, data))
		require.False(t, kids.Fired())
		require.NoError(t, srv.Create("/n/c", nil))
		require.Equal(t, zk.EventChildrenChanged, fires(t, kids))

		require.NoError(t, srv.Delete("/n/c"))
		_, data, err = c.GetW(ctx, "/n")
		require.NoError(t, err)
		_, _, kids, err = c.ChildrenW(ctx, "/n")
		require.NoError(t, err)
		deleted := exists("/n")
		require.NoError(t, srv.Delete("/n"))
		for _, w := range []*zk.Watch{data, kids, deleted} {
			require.Equal(t, zk.EventDeleted, fires(t, w))
		}
		require.Equal(t, zk.EventDataChanged, fires(t, changed), "what has fired stays so")

		_, w, err := c.GetW(ctx, "/n")
		require.ErrorIs(t, err, zk.ErrNoNode)
		require.Nil(t, w, "the server sets none")
		_, _, w, err = c.ChildrenW(ctx, "/n")
		require.ErrorIs(t, err, zk.ErrNoNode)
		require.Nil(t, w)
		w.Stop() // of no watch: nothing
	})
}

func TestWatch_InAChrootNamesPathsBelowIt(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/root/n", nil))
		c := watching(t, srv, func(cfg *zk.Config) { cfg.Servers += "/root" })
		ctx := t.Context()
		sub, flat := subscribe(t, c, "/", zk.Recursive()), subscribe(t, c, "/")
		require.Equal(t, "/", sub.Path())
		_, w, err := c.GetW(ctx, "/n")
		require.NoError(t, err)
		_, _, kids, err := c.ChildrenW(ctx, "/")
		require.NoError(t, err)
		require.NoError(t, srv.Delete("/root/n"))
		require.NoError(t, srv.Create("/rootless", nil))
		require.NoError(t, srv.Set("/root", nil))
		ev, err := w.Wait(inTime(t))
		require.NoError(t, err)
		require.Equal(t, "/n", ev.Path)
		ev, err = kids.Wait(inTime(t))
		require.NoError(t, err)
		require.Equal(t, "/", ev.Path)
		require.Equal(t, []string{"deleted /n", "data changed /"}, next(t, sub, 2))
		require.Equal(t, []string{"children changed /", "data changed /"}, next(t, flat, 2))
		require.NoError(t, sub.Close())
		require.NoError(t, flat.Close())
	})
}

// failures: 36, 126: many goroutines wait on one watch in every way. Some stop it,
// and some give up. None hangs, and all agree.
func TestWatch_IsSharedByManyGoroutines(t *testing.T) {
	for _, event := range []bool{true, false} {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := watching(t, srv)
			_, _, w, err := c.ExistsW(t.Context(), "/n")
			require.NoError(t, err)
			var all sync.WaitGroup
			var mu sync.Mutex
			byChannel := 0
			for i := range 30 {
				all.Go(func() {
					switch i % 3 {
					case 0:
						ev, err := w.Wait(inTime(t))
						if event {
							require.NoError(t, err)
							require.Equal(t, zk.Event{Type: zk.EventCreated, Path: "/n", Zxid: srv.Zxid()}, ev)
						} else {
							require.ErrorIs(t, err, zk.ErrWatchStopped)
						}
					case 1:
						if _, ok := <-w.C(); ok {
							mu.Lock()
							byChannel++
							mu.Unlock()
						}
					case 2:
						ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
						defer cancel()
						_, err := w.Wait(ctx)
						require.ErrorIs(t, err, context.DeadlineExceeded)
					}
				})
			}
			time.Sleep(time.Second)
			if event {
				require.NoError(t, srv.Create("/n", nil))
			} else {
				w.Stop()
			}
			all.Wait()
			require.LessOrEqual(t, byChannel, 1, "the channel has the event once")
			w.Stop()
			w.Stop()
			require.Equal(t, event, w.Fired(), "stopping what has fired does nothing")
			_, open := <-w.C()
			require.False(t, open && byChannel > 0)
		})
	}
}

// C may be called after the watch has fired or ended: the channel has the event, or
// is closed.
func TestWatch_ChannelAfterTheEnd(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		_, _, w, err := c.ExistsW(t.Context(), "/n")
		require.NoError(t, err)
		require.NoError(t, srv.Create("/n", nil))
		synctest.Wait()
		ev, open := <-w.C()
		require.True(t, open)
		require.Equal(t, zk.EventCreated, ev.Type)
		_, open = <-w.C()
		require.False(t, open)
		require.NoError(t, w.Err())
	})
}

func TestWatch_EndsWithTheClient(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		_, _, w, err := c.ExistsW(t.Context(), "/n")
		require.NoError(t, err)
		sub := subscribe(t, c, "/s")
		require.NoError(t, c.Close(t.Context()))
		_, err = w.Wait(t.Context())
		require.ErrorIs(t, err, zk.ErrClosed)
		for _, err := range sub.Events(inTime(t)) {
			require.ErrorIs(t, err, zk.ErrClosed)
		}
		w.Stop()
		require.NoError(t, sub.Close())
		_, err = c.Subscribe(t.Context(), "/s")
		require.ErrorIs(t, err, zk.ErrClosed)
	})
}

// failures: 32: a caller that gives up a read leaves no watch behind: before the
// read was sent, after that, or when its reply has come.
func TestWatch_OfAnAbandonedReadIsRemoved(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		require.NoError(t, srv.Create("/n", nil))
		srv.Delay(1, 5*time.Millisecond)
		outcomes := map[string]int{}
		for i := range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%12)*time.Millisecond)
			var err error
			var w *zk.Watch
			switch i % 3 {
			case 0:
				_, w, err = c.GetW(ctx, "/n")
			case 1:
				_, _, w, err = c.ExistsW(ctx, "/absent"+strconv.Itoa(i))
			case 2:
				var sub *zk.Subscription
				if sub, err = c.Subscribe(ctx, "/s"); err == nil {
					require.NoError(t, sub.Close())
				}
			}
			cancel()
			w.Stop()
			outcomes[zk.OutcomeOf(err).String()]++
		}
		require.Len(t, outcomes, 2, "%v", outcomes)
		srv.Delay(1, 0)
	})
}

// The reply to a read with a watch is too large: there is no watch for the
// caller, and none stays on the server.
func TestWatch_OfATooLargeReplyIsRemoved(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv, func(cfg *zk.Config) { cfg.MaxReplySize = 1000 })
		require.NoError(t, srv.Create("/n", make([]byte, 2000)))
		for i := range 60 {
			require.NoError(t, srv.Create("/n/a-rather-long-name-"+strconv.Itoa(i), nil))
		}
		_, w, err := c.GetW(t.Context(), "/n")
		require.ErrorIs(t, err, zk.ErrReplyTooLarge)
		require.Nil(t, w)
		_, _, w, err = c.ChildrenW(t.Context(), "/n")
		require.ErrorIs(t, err, zk.ErrReplyTooLarge)
		require.Nil(t, w)
	})
}

// failures: 32: a stop that races with the event ends one way or the other, and
// never leaves anything on the server.
func TestWatch_StopRacesWithTheEvent(t *testing.T) {
	srv := zktest.Start(t, zktest.Config{})
	c := watching(t, srv)
	fired, stopped := 0, 0
	for i := range 2000 {
		path := "/n" + strconv.Itoa(i)
		_, _, w, err := c.ExistsW(t.Context(), path)
		require.NoError(t, err)
		var both sync.WaitGroup
		both.Go(func() { _ = srv.Create(path, nil) })
		both.Go(func() {
			for range i % 7 {
				runtime.Gosched()
			}
			w.Stop()
		})
		if _, err := w.Wait(inTime(t)); err == nil {
			fired++
		} else {
			require.ErrorIs(t, err, zk.ErrWatchStopped)
			stopped++
		}
		both.Wait()
	}
	t.Logf("fired %d, stopped %d", fired, stopped)
}

// failures: 32: a registration is still in flight when another watch of its path is
// stopped. The watch on the server stays.
func TestWatch_RegistrationInFlightIsAHolder(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		require.NoError(t, srv.Create("/n", nil))
		_, first, err := c.GetW(t.Context(), "/n")
		require.NoError(t, err)
		goOn := hold(t, srv, "get", zktest.Pass)
		second := c.Pipeline().GetW(t.Context(), "/n")
		synctest.Wait()
		first.Stop()
		goOn()
		n, err := second.Wait(inTime(t))
		require.NoError(t, err)
		require.NoError(t, c.Sync(t.Context(), "/"))
		require.Equal(t, 1, srv.Watches())
		require.NoError(t, srv.Set("/n", nil))
		require.Equal(t, zk.EventDataChanged, fires(t, n.Watch))
	})
}

// The same with many watches at random, set and stopped on one path.
func TestWatch_HoldersComeAndGoOnOnePath(t *testing.T) {
	srv := zktest.Start(t, zktest.Config{})
	c := watching(t, srv)
	require.NoError(t, srv.Create("/n", nil))
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 300 {
				if (g+i)%5 == 0 {
					sub := subscribe(t, c, "/n")
					require.NoError(t, sub.Close())
					continue
				}
				before, w, err := c.GetW(t.Context(), "/n")
				require.NoError(t, err)
				if (g+i)%3 != 0 {
					w.Stop()
					continue
				}
				_, err = c.Set(t.Context(), "/n", nil, zk.AnyVersion)
				require.NoError(t, err)
				_, err = w.Wait(inTime(t))
				require.NoError(t, err, "set since version %d", before.Stat.Version)
			}
		})
	}
	all.Wait()
}
