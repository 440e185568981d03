package zk_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The state of a client from its beginning to its end: without a server, connected,
// disconnected, expired, closed.
func TestStats_InEveryState(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.Down(1, true)
		c := connect(t, srv, clienttest.Background)
		time.Sleep(time.Second)
		s := c.Stats()
		require.Equal(t, zk.Stats{
			Servers: srv.ConnectString(), State: zk.StateConnecting, InState: time.Second, MaxInFlight: c.Config().MaxInFlight,
		}, s)

		srv.Down(1, false)
		require.NoError(t, c.Ready(inTime(t)))
		time.Sleep(100 * time.Millisecond)
		s = c.Stats()
		require.Equal(t, zk.StateConnected, s.State)
		require.NoError(t, s.Why)
		require.Equal(t, 100*time.Millisecond, s.InState)
		require.Equal(t, 100*time.Millisecond, s.ConnAge)
		require.Equal(t, srv.ConnectString(), s.Server)
		require.EqualValues(t, 1, s.Sessions)
		require.Equal(t, c.Session().ID(), s.Session.ID)
		require.Equal(t, 100*time.Millisecond, s.Session.Age)
		require.Equal(t, 6*time.Second, s.Session.Timeout)
		require.InDelta(t, 8, s.Session.ExpiresIn.Seconds(), 0.2, "4/3 of the timeout")
		require.InDelta(t, 5.7, s.Session.LeaseLeft.Seconds(), 0.5)

		srv.Down(1, true)
		time.Sleep(2 * time.Second)
		s = c.Stats()
		require.Equal(t, zk.StateDisconnected, s.State)
		require.ErrorContains(t, s.Why, srv.ConnectString())
		require.Empty(t, s.Server)
		require.Zero(t, s.ConnAge)
		require.False(t, s.Session.Over)
		require.InDelta(t, 6, s.Session.ExpiresIn.Seconds(), 0.2)

		time.Sleep(8 * time.Second)
		s = c.Stats()
		require.Equal(t, zk.StateExpired, s.State)
		require.ErrorIs(t, s.Why, zk.ErrSessionExpired)
		require.True(t, s.Session.Over)
		require.Zero(t, s.Session.ExpiresIn)
		require.Zero(t, s.Session.LeaseLeft)
		require.Equal(t, 1, s.Unconfirmed, "no server has confirmed its end")
		require.EqualValues(t, 1, s.Expiries)

		srv.Down(1, false)
		require.NoError(t, c.Ready(inTime(t)))
		time.Sleep(time.Second)
		s = c.Stats()
		require.Zero(t, s.Unconfirmed)
		require.EqualValues(t, 2, s.Sessions)
		require.Zero(t, s.Reconnects)

		require.NoError(t, c.Close(inTime(t)))
		s = c.Stats()
		require.Equal(t, zk.StateClosed, s.State)
		require.True(t, s.Session.Over)
		require.Zero(t, s.Unconfirmed)
		require.Empty(t, s.Server)
	})
}

// Requests are counted where they are: unanswered, in the queue, before it.
func TestStats_CountsRequests(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxInFlight = 3 })
		counts := func() [3]int {
			synctest.Wait()
			s := c.Stats()
			return [3]int{s.InFlight, s.Queued, s.WaitingForRoom}
		}
		require.Zero(t, counts())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 5)
		srv.Silence(1, true)
		for range 5 {
			go func() {
				_, err := c.Get(ctx, "/")
				done <- err
			}()
		}
		require.Equal(t, [3]int{3, 0, 2}, counts())
		srv.Down(1, true)
		srv.Silence(1, false)
		require.Equal(t, [3]int{0, 3, 2}, counts(), "reads are repeated")
		cancel()
		for range 5 {
			require.ErrorIs(t, <-done, context.Canceled)
		}
		require.Zero(t, counts())
		srv.Down(1, false)
	})
}

// Watches are counted by kind, until they fire or are stopped, also over a reconnect
// and the end of their session.
func TestStats_CountsWatches(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ctx := t.Context()
		require.NoError(t, srv.Create("/n", nil))
		_, first, err := c.GetW(ctx, "/n")
		require.NoError(t, err)
		_, _, _, err = c.ExistsW(ctx, "/n")
		require.NoError(t, err)
		_, _, absent, err := c.ExistsW(ctx, "/none")
		require.NoError(t, err)
		_, _, _, err = c.ChildrenW(ctx, "/")
		require.NoError(t, err)
		require.Equal(t, zk.WatchStats{Data: 2, Absent: 1, Children: 1}, c.Stats().Watches)
		first.Stop()
		first.Stop()
		require.Equal(t, zk.WatchStats{Data: 1, Absent: 1, Children: 1}, c.Stats().Watches)
		require.NoError(t, srv.Create("/none", nil))
		_, err = absent.Wait(inTime(t))
		require.NoError(t, err)
		require.Equal(t, zk.WatchStats{Data: 1}, c.Stats().Watches, "the create has fired two")
		srv.CutConnections(1)
		synctest.Wait()
		require.NoError(t, c.Ready(inTime(t)))
		s := c.Stats()
		require.Equal(t, zk.WatchStats{Data: 1}, s.Watches)
		require.EqualValues(t, 1, s.Reconnects)
		time.Sleep(time.Second)
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		<-c.Session().Context().Done()
		require.Zero(t, c.Stats().Watches)
	})
}

// A subscription shows how many events wait, and how many gaps it has had. It is
// shown until it has ended.
func TestStats_ShowsSubscriptions(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app", nil))
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/app" })
		require.Nil(t, c.Stats().Subscriptions)
		deep, err := c.Subscribe(t.Context(), "/b", zk.Recursive(), zk.Buffer(2))
		require.NoError(t, err)
		flat, err := c.Subscribe(t.Context(), "/a")
		require.NoError(t, err)
		require.NoError(t, srv.Create("/app/b", nil))
		require.NoError(t, srv.Create("/app/b/c", nil))
		synctest.Wait()
		require.Equal(t, []zk.SubscriptionStats{
			{Path: "/a", Buffer: 1024}, {Path: "/b", Recursive: true, Waiting: 2, Buffer: 2},
		}, c.Stats().Subscriptions)
		require.NoError(t, srv.Create("/app/b/d", nil))
		synctest.Wait()
		require.Equal(t, []zk.SubscriptionStats{
			{Path: "/a", Buffer: 1024}, {Path: "/b", Recursive: true, Waiting: 1, Buffer: 2, Resyncs: 1},
		}, c.Stats().Subscriptions, "the buffer was full")
		require.NoError(t, flat.Close())
		srv.CutConnections(1)
		synctest.Wait()
		require.NoError(t, c.Ready(inTime(t)))
		require.Equal(t, []zk.SubscriptionStats{
			{Path: "/b", Recursive: true, Waiting: 1, Buffer: 2, Resyncs: 2},
		}, c.Stats().Subscriptions)
		require.NoError(t, deep.Close())
		require.Empty(t, c.Stats().Subscriptions)
	})
}

// A subscription is not shown if the answer to Subscribe comes when its caller has given up.
func TestStats_ShowsNoSubscriptionThatHasFailed(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		srv.Delay(1, time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := c.Subscribe(ctx, "/a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(5 * time.Second)
		require.Empty(t, c.Stats().Subscriptions)
		require.Zero(t, srv.Watches())
	})
}

// The guards that rest on the lease are counted. The lease of a client that is cut off
// runs out.
func TestStats_ShowsTheLease(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		guard, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		_, second, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, c.Stats().Session.Guards)
		second()
		time.Sleep(time.Minute)
		s := c.Stats().Session
		require.Equal(t, 1, s.Guards)
		require.Greater(t, s.LeaseLeft, 1500*time.Millisecond, "enough for another guard")
		srv.Down(1, true)
		<-guard.Done()
		s = c.Stats().Session
		require.Zero(t, s.Guards)
		require.Zero(t, s.LeaseLeft)
		require.Positive(t, s.ExpiresIn)
		srv.Down(1, false)
	})
}

// Every hook may ask for the stats, on whatever goroutine it runs.
func TestStats_FromEveryHook(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var c *zk.Client
		kinds := map[string]bool{}
		r := &recorder{}
		known := make(chan struct{})
		r.before = func(any) {
			select {
			case <-known:
				_ = c.Stats()
			default: // Connect has not returned yet
			}
		}
		c = connect(t, srv, r.on)
		close(known)
		guard, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		_, _ = watchAndSubscription(t, c)
		require.NoError(t, srv.Create("/never", nil))
		time.Sleep(10 * time.Second) // renewals
		srv.CutConnections(1)
		synctest.Wait()
		require.NoError(t, c.Ready(inTime(t)))
		srv.Down(1, true)
		<-guard.Done()
		time.Sleep(10 * time.Second)
		srv.Down(1, false)
		require.NoError(t, c.Ready(inTime(t)))
		for _, e := range r.all() {
			kinds[fmt.Sprintf("%T", e)] = true
		}
		for _, want := range []string{
			"zk.ConnTried", "zk.ConnOpened", "zk.ConnLost", "zk.SessionOpened", "zk.SessionResumed", "zk.SessionEnded",
			"zk.RequestWritten", "zk.RequestAnswered", "zk.CallEnded", "zk.WatchFired", "zk_test.leaseRenewed", "zk_test.leaseLapsed",
		} {
			require.True(t, kinds[want], want)
		}
	})
}

// reporter is a companion that reports.
type reporter struct{}

func (reporter) Closing()      {}
func (reporter) Finish() error { return nil }
func (reporter) Report() zk.CompanionReport {
	return zk.CompanionReport{Name: "sweeper", Counts: map[string]int{"rooms": 3}}
}

// quietCompanion is a companion that does not report.
type quietCompanion struct{}

func (quietCompanion) Closing()      {}
func (quietCompanion) Finish() error { return nil }

// Companions report if they can. One may ask for the stats while it is made.
func TestStats_ShowsCompanions(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		c.Companion("mute", func(context.Context) zk.Companion { return quietCompanion{} })
		c.Companion("reporter", func(context.Context) zk.Companion {
			require.Empty(t, c.Stats().Companions)
			return reporter{}
		})
		want := []zk.CompanionReport{{Name: "sweeper", Counts: map[string]int{"rooms": 3}}}
		require.Equal(t, want, c.Stats().Companions)
		require.NoError(t, c.Close(inTime(t)))
		require.Equal(t, want, c.Stats().Companions)
	})
}

// Stats of a client without subscriptions and companions allocates nothing, however
// many watches and requests there are.
func TestStats_IsCheap(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		for range 100 {
			_, _, _, err := c.ExistsW(t.Context(), "/none")
			require.NoError(t, err)
		}
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = c.Stats() }))
	})
}

// The refusal of a credential is the reason of the state. The credential is not shown.
func TestStats_ShowsWhyACredentialIsRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		const secret = "correct-horse-battery"
		c := connect(t, srv, clienttest.Background, func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{zk.Auth{Scheme: "custom", Data: []byte(secret)}}
		})
		time.Sleep(time.Second)
		s := c.Stats()
		require.Equal(t, zk.StateAuthFailed, s.State)
		require.ErrorIs(t, s.Why, zk.ErrAuthFailed)
		require.NotContains(t, fmt.Sprintf("%v %+v", s, s.Why), secret)
	})
}
