package zk_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Watches of several kinds on one path. The server keeps one mode for a path, so the
// client feeds all of them from that.

// failures: 31: the recursive watch replaces the persistent one on the server, and
// sends no ChildrenChanged. The persistent subscription yields it all the same, also
// when the recursive one is closed.
func TestSubscription_PersistentBesideRecursiveReportsChildren(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		require.NoError(t, srv.Create("/t", nil))
		flat, deep := subscribe(t, c, "/t"), subscribe(t, c, "/t", zk.Recursive())
		require.NoError(t, srv.Create("/t/1", nil))
		require.NoError(t, srv.Set("/t", nil))
		require.NoError(t, srv.Set("/t/1", nil))
		synctest.Wait()
		require.Equal(t, []string{"children changed /t", "data changed /t"}, waiting(t, flat))
		require.Equal(t, []string{"created /t/1", "data changed /t", "data changed /t/1"}, waiting(t, deep))

		require.NoError(t, deep.Close())
		require.NoError(t, srv.Create("/t/2", nil))
		require.NoError(t, srv.Delete("/t/1"))
		synctest.Wait()
		require.Equal(t, []string{"children changed /t", "children changed /t"}, waiting(t, flat))
		require.NoError(t, flat.Close())
	})
}

// failures: 31: the other way round.
func TestSubscription_RecursiveStaysWhenPersistentLeaves(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		require.NoError(t, srv.Create("/t", nil))
		deep, flat := subscribe(t, c, "/t", zk.Recursive()), subscribe(t, c, "/t")
		require.NoError(t, flat.Close())
		require.NoError(t, srv.Create("/t/1", nil))
		require.Equal(t, []string{"created /t/1"}, next(t, deep, 1))
		require.NoError(t, deep.Close())
	})
}

// While the recursive watch is on its way, the server still sends the
// ChildrenChanged of the persistent one.
func TestSubscription_ReportsChildrenWhileTheModeChanges(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		require.NoError(t, srv.Create("/t", nil))
		flat := subscribe(t, c, "/t")
		goOn := hold(t, srv, "addWatch", zktest.Pass)
		made := make(chan *zk.Subscription)
		go func() { made <- subscribe(t, c, "/t", zk.Recursive()) }()
		synctest.Wait()
		require.NoError(t, srv.Create("/t/1", nil))
		synctest.Wait()
		require.Equal(t, []string{"children changed /t"}, waiting(t, flat))
		goOn()
		deep := <-made
		require.NoError(t, srv.Create("/t/2", nil))
		require.Equal(t, []string{"children changed /t"}, next(t, flat, 1))
		require.Equal(t, []string{"created /t/2"}, next(t, deep, 1))
		require.NoError(t, flat.Close())
		require.NoError(t, deep.Close())
	})
}

// failures: 27: the server replays a missed change for a one-shot child watch. That
// fires the watch also where the path has a recursive subscription, which yields
// nothing for it.
func TestWatch_BesideARecursiveSubscriptionFiresAfterAGap(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		require.NoError(t, srv.Create("/t", nil))
		deep := subscribe(t, c, "/t", zk.Recursive())
		_, _, kids, err := c.ChildrenW(t.Context(), "/t")
		require.NoError(t, err)
		srv.Down(1, true)
		require.NoError(t, srv.Create("/t/1", nil))
		srv.Down(1, false)
		require.Equal(t, zk.EventChildrenChanged, fires(t, kids))
		require.Equal(t, []string{"resync /t"}, next(t, deep, 1))
		require.NoError(t, deep.Close())
	})
}

// A one-shot is queued behind an addWatch, which is withdrawn. So the one-shot must
// not rely on the watch of the addWatch.
func TestWatch_DoesNotRestOnASubscriptionThatWasWithdrawn(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		require.NoError(t, srv.Create("/t", nil))
		srv.Down(1, true)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		refused := make(chan error)
		go func() {
			_, err := c.Subscribe(ctx, "/t")
			refused <- err
		}()
		synctest.Wait()
		get := c.Pipeline().GetW(t.Context(), "/t")
		cancel()
		require.ErrorIs(t, <-refused, context.Canceled)
		srv.Down(1, false)
		n, err := get.Wait(inTime(t))
		require.NoError(t, err)
		require.NoError(t, srv.Set("/t", nil))
		require.Equal(t, zk.EventDataChanged, fires(t, n.Watch))
	})
}

// A one-shot whose read was sent behind an addWatch has no watch of its own on the
// server. It ends when the server refuses the addWatch.
func TestWatch_BehindARefusedSubscriptionEnds(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		require.NoError(t, srv.Create("/t", nil))
		_, w, err := c.GetW(t.Context(), "/t")
		require.NoError(t, err)
		goOn := hold(t, srv, "addWatch", zktest.Fail(int32(zk.ErrNoAuth)))
		refused := make(chan error)
		go func() {
			_, err := c.Subscribe(t.Context(), "/t")
			refused <- err
		}()
		synctest.Wait()
		p := c.Pipeline()
		data, kids := p.GetW(t.Context(), "/t"), p.ChildrenW(t.Context(), "/t")
		synctest.Wait() // they are written before the refusal is there
		goOn()
		require.ErrorIs(t, <-refused, zk.ErrNoAuth)
		behind, err := kids.Wait(t.Context())
		require.NoError(t, err)
		_, err = behind.Watch.Wait(inTime(t))
		require.ErrorIs(t, err, zk.ErrWatchLost, "there was no child watch before")
		second, err := data.Wait(t.Context())
		require.NoError(t, err)
		require.NoError(t, srv.Set("/t", nil))
		require.Equal(t, zk.EventDataChanged, fires(t, w), "its own watch is on the server")
		require.Equal(t, zk.EventDataChanged, fires(t, second.Watch), "and the server's is for both")
	})
}

// The watch of a closed subscription feeds a one-shot. It keeps feeding it,
// whether the next subscription is refused or not.
func TestWatch_FiresAlthoughItsSubscriptionHasEnded(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		ctx := t.Context()
		require.NoError(t, srv.Create("/t", nil))
		sub := subscribe(t, c, "/t")
		_, w, err := c.GetW(ctx, "/t")
		require.NoError(t, err)
		require.NoError(t, sub.Close())
		onceOn(srv, "addWatch", zktest.Fail(int32(zk.ErrNoAuth)))
		_, err = c.Subscribe(ctx, "/t")
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.NoError(t, c.Sync(ctx, "/"))
		require.NoError(t, w.Err())
		require.NoError(t, srv.Set("/t", nil))
		require.Equal(t, zk.EventDataChanged, fires(t, w))
	})
}

// failures: 31: each kind is taken away while the others stay, in every pair.
func TestWatch_RemovingOneKindLeavesTheOthers(t *testing.T) {
	type holder struct {
		name string
		set  func(*testing.T, *zk.Client) (stop func(), fired func() bool)
	}
	oneShot := func(w *zk.Watch, err error) (func(), func() bool) {
		if err != nil {
			panic(err)
		}
		return w.Stop, w.Fired
	}
	lasting := func(opts ...zk.SubscribeOption) func(t *testing.T, c *zk.Client) (func(), func() bool) {
		return func(t *testing.T, c *zk.Client) (func(), func() bool) {
			sub := subscribe(t, c, "/t", opts...)
			return func() { sub.Close() }, func() bool { return len(waiting(t, sub)) > 0 }
		}
	}
	holders := []holder{
		{"data", func(t *testing.T, c *zk.Client) (func(), func() bool) {
			_, w, err := c.GetW(t.Context(), "/t")
			return oneShot(w, err)
		}},
		{"exists", func(t *testing.T, c *zk.Client) (func(), func() bool) {
			_, _, w, err := c.ExistsW(t.Context(), "/t")
			return oneShot(w, err)
		}},
		{"child", func(t *testing.T, c *zk.Client) (func(), func() bool) {
			_, _, w, err := c.ChildrenW(t.Context(), "/t")
			return oneShot(w, err)
		}},
		{"persistent", lasting()},
		{"recursive", lasting(zk.Recursive())},
	}
	for _, gone := range holders {
		for _, stays := range holders {
			for _, first := range []bool{true, false} {
				t.Run(gone.name+" leaves "+stays.name, func(t *testing.T) {
					onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
						c := watching(t, srv)
						require.NoError(t, srv.Create("/t", nil))
						var leave, stop func()
						var fired func() bool
						if first {
							leave, _ = gone.set(t, c)
						}
						stop, fired = stays.set(t, c)
						if !first {
							leave, _ = gone.set(t, c)
						}
						leave()
						require.NoError(t, c.Sync(t.Context(), "/"))
						require.NotEmpty(t, srv.WatchPaths())
						require.False(t, fired())
						require.NoError(t, srv.Delete("/t")) // it fires every kind
						synctest.Wait()
						require.True(t, fired())
						stop()
					})
				})
			}
		}
	}
}

// failures: 31, 32: watches of all kinds that were there together are gone
// together, from the client's table too.
func TestWatch_NothingIsLeftOfAMixture(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		ctx := t.Context()
		require.NoError(t, srv.Create("/t", nil))
		for range 3 {
			_, w, err := c.GetW(ctx, "/t")
			require.NoError(t, err)
			_, _, kids, err := c.ChildrenW(ctx, "/t")
			require.NoError(t, err)
			deep := subscribe(t, c, "/t", zk.Recursive())
			flat := subscribe(t, c, "/t")
			w.Stop()
			kids.Stop()
			require.NoError(t, deep.Close())
			require.NoError(t, flat.Close())
			nothingWatched(t, srv, c)
		}
	})
}
