package zk_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 27, 24: a change during a disconnect fires the watch.
func TestWatch_FiresForWhatChangedDuringADisconnect(t *testing.T) {
	onBothVersions(t, 2, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c := connect(t, srv)
		require.NoError(t, srv.Create("/a", nil))
		_, w, err := c.GetW(ctx, "/a")
		require.NoError(t, err)
		_, _, absent, err := c.ExistsW(ctx, "/b")
		require.NoError(t, err)
		_, _, kids, err := c.ChildrenW(ctx, "/")
		require.NoError(t, err)
		srv.Down(0, true)
		synctest.Wait()
		require.NoError(t, srv.Set("/a", []byte("x")))
		require.NoError(t, srv.Create("/b", nil))
		srv.Down(0, false)
		for _, one := range []struct {
			w    *zk.Watch
			want zk.EventType
		}{{w, zk.EventDataChanged}, {absent, zk.EventCreated}, {kids, zk.EventChildrenChanged}} {
			ev, err := one.w.Wait(ctx)
			require.NoError(t, err)
			require.Equal(t, one.want, ev.Type)
		}
		synctest.Wait()
		require.Zero(t, srv.Watches())
	})
}

// failures: 30, 31: a subscription yields a resync where it has a gap. A one-shot
// watch on the same path does not end it.
func TestSubscription_ResyncsAfterAGapAndLivesBesideOneShots(t *testing.T) {
	onBothVersions(t, 2, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c := connect(t, srv)
		require.NoError(t, srv.Create("/t", nil))
		sub, err := c.Subscribe(ctx, "/t", zk.Recursive())
		require.NoError(t, err)
		_, _, kids, err := c.ChildrenW(ctx, "/t")
		require.NoError(t, err)
		require.NoError(t, srv.Create("/t/1", nil))
		ev, err := kids.Wait(ctx)
		require.NoError(t, err)
		require.Equal(t, zk.EventChildrenChanged, ev.Type)
		require.NoError(t, srv.Create("/t/2", nil))
		srv.CutConnections(0)
		time.Sleep(time.Second)
		require.NoError(t, srv.Create("/t/3", nil))
		synctest.Wait()
		var got []zk.EventType
		for ev, err := range sub.Events(ctx) {
			require.NoError(t, err)
			if got = append(got, ev.Type); ev.Path == "/t/3" {
				break
			}
		}
		require.Equal(t, []zk.EventType{zk.EventResync, zk.EventCreated}, got[len(got)-2:])
		require.NoError(t, sub.Close())
		synctest.Wait()
		require.Zero(t, srv.Watches(), "%v", srv.WatchPaths())
	})
}

// failures: 32: the client removes a watch on the server that it no longer uses.
func TestWatch_IsRemovedOnTheServerWithItsLastHolder(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c := connect(t, srv)
		for range 100 {
			_, _, w, err := c.ExistsW(ctx, "/never")
			require.NoError(t, err)
			_, _, v, err := c.ExistsW(ctx, "/never")
			require.NoError(t, err)
			w.Stop()
			require.Equal(t, 1, srv.Watches())
			v.Stop()
			_, err = v.Wait(ctx)
			require.ErrorIs(t, err, zk.ErrWatchStopped)
		}
		synctest.Wait()
		require.Zero(t, srv.Watches())
	})
}

// failures: 29: the watch has fired before a later read shows the change.
func TestWatch_FiresBeforeALaterReadShowsTheChange(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c := connect(t, srv)
		require.NoError(t, srv.Create("/n", nil))
		for range 500 {
			before, w, err := c.GetW(ctx, "/n")
			require.NoError(t, err)
			go srv.Set("/n", nil)
			for {
				now, err := c.Get(ctx, "/n")
				require.NoError(t, err)
				if now.Stat.Version != before.Stat.Version {
					require.True(t, w.Fired())
					break
				}
			}
		}
	})
}

// failures: 16, 61: the end of a session ends its watches, and they give the reason.
func TestWatch_EndsWithItsSession(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		_, _, w, err := c.ExistsW(t.Context(), "/n")
		require.NoError(t, err)
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		_, err = w.Wait(t.Context())
		require.ErrorIs(t, err, zk.ErrSessionExpired)
	})
}

// failures: 40, 44
func TestCall_TooLargeIsRefusedAndUnknownCodesKeepTheirNumber(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c := connect(t, srv)
		_, err := c.Set(ctx, "/zookeeper", make([]byte, 1<<20), zk.AnyVersion)
		require.ErrorIs(t, err, zk.ErrTooLarge)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		srv.OnRequest(func(zktest.Request) zktest.Verdict { return zktest.Fail(-999) })
		_, err = c.Get(ctx, "/zookeeper")
		require.ErrorIs(t, err, zk.Code(-999))
		require.ErrorContains(t, err, "-999")
		srv.OnRequest(nil)
		require.NoError(t, c.Sync(ctx, "/"))
	})
}
