package zk_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 30: a subscription announces a gap once. A program that reads again then
// has the state on the server.
func TestSubscription_GapIsAnnouncedAndReadAgainOnce(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		ctx := inTime(t)
		require.NoError(t, srv.Create("/t/old", nil))
		sub := subscribe(t, c, "/t", zk.Recursive())
		view := map[string]bool{}
		var diffs []string
		list := func() {
			names, _, err := c.Children(ctx, "/t")
			require.NoError(t, err)
			now := map[string]bool{}
			for _, name := range names {
				if now[name] = true; !view[name] {
					diffs = append(diffs, "+"+name)
				}
			}
			for name := range view {
				if !now[name] {
					diffs = append(diffs, "-"+name)
				}
			}
			view = now
		}
		list()
		require.Equal(t, []string{"+old"}, diffs)
		srv.Down(1, true)
		for i := range 100 {
			path := fmt.Sprintf("/t/%d", i)
			require.NoError(t, srv.Create(path, nil))
			if i != 50 {
				require.NoError(t, srv.Delete(path))
			}
		}
		require.NoError(t, srv.Delete("/t/old"))
		srv.Down(1, false)
		require.Equal(t, []string{"resync /t"}, next(t, sub, 1))
		diffs = nil
		list()
		require.ElementsMatch(t, []string{"+50", "-old"}, diffs)
		require.Empty(t, waiting(t, sub), "the gap is reported once")
		require.NoError(t, srv.Create("/t/after", nil))
		require.Equal(t, []string{"created /t/after"}, next(t, sub, 1))
		require.NoError(t, sub.Close())
	})
}

// failures: 30: it goes on in the session after an expired one, with a resync.
func TestSubscription_ContinuesInTheNextSession(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		flat, deep := subscribe(t, c, "/t"), subscribe(t, c, "/u", zk.Recursive())
		old := c.Session()
		require.NoError(t, srv.ExpireSession(old.ID()))
		<-old.Context().Done()
		require.Equal(t, []string{"resync /t"}, next(t, flat, 1))
		require.Equal(t, []string{"resync /u"}, next(t, deep, 1))
		require.NotEqual(t, old.ID(), c.Session().ID())
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.NoError(t, srv.Create("/t", nil))
		require.NoError(t, srv.Create("/u/v", nil))
		require.Equal(t, []string{"created /t"}, next(t, flat, 1))
		require.Equal(t, []string{"created /u", "created /u/v"}, next(t, deep, 2))
		require.NoError(t, flat.Close())
		require.NoError(t, deep.Close())
	})
}

// failures: 30, 36: a reader that does not read holds up no other. It finds a resync
// in the place of the events for which there was no room.
func TestSubscription_SlowReaderGetsAResync(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		require.NoError(t, srv.Create("/n", nil))
		slow, fast := subscribe(t, c, "/n", zk.Buffer(10)), subscribe(t, c, "/n")
		change := func(n int) {
			for range n {
				require.NoError(t, srv.Set("/n", nil))
			}
			synctest.Wait()
		}
		change(10)
		require.Len(t, waiting(t, slow), 10, "as many as there is room for")
		change(11)
		require.Equal(t, []string{"resync /n"}, waiting(t, slow))
		change(25)
		require.Equal(t, append([]string{"resync /n"}, repeat("data changed /n", 4)...), waiting(t, slow),
			"11th: resync; 21st: the next")
		require.Len(t, waiting(t, fast), 46)
		require.NoError(t, slow.Close())
		require.NoError(t, fast.Close())
	})
}

func repeat(s string, n int) []string {
	return strings.Split(strings.TrimSuffix(strings.Repeat(s+"|", n), "|"), "|")
}

// failures: 36, 123: a reader is busy for twice the session timeout, and calls the
// client inside its loop. That disturbs neither heartbeats nor other watches nor a
// reconnect.
func TestSubscription_BusyReaderDelaysNothingElse(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		ctx := t.Context()
		require.NoError(t, srv.Create("/n", nil))
		sub := subscribe(t, c, "/n")
		id := c.Session().ID()
		require.NoError(t, srv.Set("/n", nil))
		for ev, err := range sub.Events(inTime(t)) {
			require.NoError(t, err)
			require.Equal(t, zk.EventDataChanged, ev.Type)
			time.Sleep(2 * c.Session().Timeout())
			_, w, err := c.GetW(ctx, "/n") // a call from within
			require.NoError(t, err)
			srv.CutConnections(1)
			_, err = c.Set(inTime(t), "/n", nil, zk.AnyVersion)
			for err != nil {
				_, err = c.Set(inTime(t), "/n", nil, zk.AnyVersion)
			}
			require.Equal(t, zk.EventDataChanged, fires(t, w))
			break
		}
		require.Equal(t, id, c.Session().ID(), "the session was kept")
		require.NoError(t, sub.Close())
	})
}

// A reader may stop and another one go on where it stopped. Every reader gets the
// end of the subscription. After Close there is nothing but the end.
func TestSubscription_ReadersTakeTurns(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		sub := subscribe(t, c, "/n")
		require.NoError(t, srv.Create("/n", nil))
		require.NoError(t, srv.Set("/n", nil))
		require.NoError(t, srv.Delete("/n"))
		require.Equal(t, []string{"created /n"}, next(t, sub, 1))
		require.Equal(t, []string{"data changed /n", "deleted /n"}, next(t, sub, 2))

		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, fmt.Errorf("enough"))
		defer cancel()
		for _, err := range sub.Events(ctx) {
			require.EqualError(t, err, "enough")
		}
		ended := make(chan int)
		go func() {
			n := 0
			for range sub.Events(inTime(t)) {
				n++
			}
			ended <- n
		}()
		synctest.Wait()
		require.NoError(t, sub.Close())
		require.NoError(t, sub.Close())
		require.Zero(t, <-ended, "no event and no error")
		require.Empty(t, rest(sub))
	})
}

// rest reads a subscription that is over, without a context that ends.
func rest(sub *zk.Subscription) (got []zk.Event) {
	for ev := range sub.Events(context.Background()) {
		got = append(got, ev)
	}
	return got
}

// failures: 46: on a server that is too old for them, subscriptions fail with a
// typed error, and everything else goes on, one-shot watches included.
func TestSubscription_OldServerIsUnimplemented(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{DisableWatchAndContainer: true})
		c := watching(t, srv)
		ctx := inTime(t)
		id := c.Session().ID()
		_, _, w, err := c.ExistsW(ctx, "/n")
		require.NoError(t, err)
		for range 3 {
			_, err = c.Subscribe(ctx, "/n")
			require.ErrorIs(t, err, zk.ErrUnimplemented)
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		}
		// Such a server closes the connection behind its answer. A read is made
		// again on the next one; a write on the old one would be lost.
		require.NoError(t, c.Sync(ctx, "/"))
		_, err = c.Create(ctx, "/c", nil, zk.Container)
		require.ErrorIs(t, err, zk.ErrUnimplemented)
		require.NoError(t, c.Sync(ctx, "/"))
		_, err = c.Create(ctx, "/ttl", nil, zk.PersistentTTL, zk.TTL(time.Minute))
		require.ErrorIs(t, err, zk.ErrUnimplemented)
		require.NoError(t, c.Sync(ctx, "/"))
		require.Equal(t, id, c.Session().ID())
		require.NoError(t, w.Err())
		_, err = c.Create(ctx, "/n", nil, zk.Persistent)
		require.NoError(t, err)
		require.Equal(t, zk.EventCreated, fires(t, w))
	})
}

// failures: 32: subscriptions that end leave nothing on the server, also when many
// have shared its watch.
func TestSubscription_IsRemovedWithItsLastHolder(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := watching(t, srv)
		for i := range 50 {
			path := "/n" + strconv.Itoa(i%2)
			a, b := subscribe(t, c, path), subscribe(t, c, path)
			require.NoError(t, a.Close())
			require.NoError(t, c.Sync(t.Context(), "/"))
			require.Equal(t, 2, srv.Watches(), "one, in both tables of the server")
			require.NoError(t, b.Close())
			require.NoError(t, c.Sync(t.Context(), "/"))
			require.Zero(t, srv.Watches())
		}
		_, err := c.Subscribe(t.Context(), "no/slash")
		require.ErrorIs(t, err, zk.ErrInvalidPath)
	})
}
