package lock_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// inSemaphoreBubble runs a test in virtual time, and checks that it leaves no
// lease, no ticket and no watch behind.
func inSemaphoreBubble(t *testing.T, servers int, f func(t *testing.T, srv *zktest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: servers})
		f(t, srv)
		time.Sleep(time.Minute)
		require.Empty(t, srv.Children("/s/leases"), "leases left behind")
		require.Empty(t, srv.Children("/s/locks"), "tickets left behind")
		require.Zero(t, srv.Watches(), "watches left behind: %v", srv.WatchPaths())
	})
}

// permitsLater acquires in the background; the channel gets the permits.
func permitsLater(t *testing.T, s *lock.Semaphore, n int) <-chan *lock.Permits {
	got := make(chan *lock.Permits, 1)
	go func() {
		if p, err := s.Acquire(t.Context(), n); err == nil {
			got <- p
		}
	}()
	settle(t)
	return got
}

func mustAcquire(t *testing.T, s *lock.Semaphore, n int) *lock.Permits {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	p, err := s.Acquire(ctx, n)
	require.NoError(t, err)
	require.Equal(t, n, p.Len())
	return p
}

func giveBack(t *testing.T, permits ...*lock.Permits) {
	t.Helper()
	for _, p := range permits {
		require.NoError(t, p.Release(t.Context()))
	}
}

// taken receives permits from a channel, and does not wait for ever.
func taken(t *testing.T, got <-chan *lock.Permits) *lock.Permits {
	t.Helper()
	select {
	case p := <-got:
		return p
	case <-time.After(time.Hour): // of virtual time
		t.Fatal("no permits came")
		return nil
	}
}

func none(t *testing.T, got <-chan *lock.Permits, why string) {
	t.Helper()
	settle(t)
	select {
	case p := <-got:
		t.Fatalf("%s: %v", why, p.Paths())
	default:
	}
}

// failures: 73: small requests that came later do not starve a big one. Two requests
// that together want more than the limit do not each hold a part.
func TestSemaphore_BigRequestsAreServedInTheirTurn(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		s := lock.NewSemaphore(connect(t, srv), "/s", 3, lock.Config{Data: []byte("me")})
		first := mustAcquire(t, s, 2)
		big := permitsLater(t, s, 3)
		small := permitsLater(t, s, 1)
		require.Len(t, srv.Children("/s/leases"), 2, "nothing is granted in parts")
		none(t, small, "overtook a bigger request")
		_, err := s.TryAcquire(t.Context(), 1)
		require.ErrorIs(t, err, lock.ErrHeld)

		list, err := s.Contenders(t.Context())
		require.NoError(t, err)
		require.Equal(t, []bool{true, true, false, false}, each(list, func(c lock.Contender) bool { return c.Holder }))
		for _, c := range list {
			require.Equal(t, "me", string(c.Data))
			require.NotZero(t, c.Session)
			require.WithinDuration(t, time.Now(), c.Since, time.Minute)
		}

		giveBack(t, first)
		p := taken(t, big)
		require.Greater(t, p.Token(), first.Token())
		none(t, small, "more than the limit")
		giveBack(t, p)
		giveBack(t, taken(t, small))
	})
}

func TestSemaphore_BadRequestsFailAtOnce(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx, c := t.Context(), connect(t, srv)
		_, err := lock.NewSemaphore(c, "/s", 0, lock.Config{}).Acquire(ctx, 1)
		require.ErrorIs(t, err, lock.ErrNoLimit)
		_, err = lock.NewSemaphore(c, "/s", 0, lock.Config{}).Limit(ctx)
		require.ErrorIs(t, err, lock.ErrNoLimit)
		_, err = lock.NewSemaphore(c, "/s", -1, lock.Config{}).Acquire(ctx, 1)
		require.ErrorIs(t, err, lock.ErrBadLimit)
		require.False(t, srv.Exists("/s"))

		s := lock.NewSemaphore(c, "/s", 2, lock.Config{})
		p := mustAcquire(t, s, 2)
		for _, n := range []int{0, -1} {
			_, err = s.Acquire(ctx, n)
			require.ErrorIs(t, err, lock.ErrBadPermits)
		}
		_, err = s.Acquire(ctx, 3) // and does not wait in the queue
		over := &lock.OverLimitError{}
		require.ErrorAs(t, err, &over)
		require.ErrorIs(t, err, lock.ErrOverLimit)
		require.Equal(t, lock.OverLimitError{Dir: "/s", Permits: 3, Limit: 2}, *over)
		require.ErrorIs(t, s.SetLimit(ctx, 0), lock.ErrBadLimit)
		giveBack(t, p)

		require.NoError(t, srv.Set("/s", []byte("something else")))
		_, err = s.Acquire(ctx, 1)
		require.ErrorIs(t, err, lock.ErrBadLimit)
		data, _ := srv.Get("/s")
		require.Equal(t, "something else", string(data), "it is not overwritten")
	})
}

// failures: 71: the limit is stored and compared.
func TestSemaphore_LimitsThatDiffer(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx, c := t.Context(), connect(t, srv)
		s := lock.NewSemaphore(c, "/s", 3, lock.Config{})
		giveBack(t, mustAcquire(t, s, 1))
		data, _ := srv.Get("/s")
		require.Equal(t, []byte{0, 0, 0, 3}, data)

		other := lock.NewSemaphore(c, "/s", 4, lock.Config{})
		_, err := other.Acquire(ctx, 1)
		mismatch := &lock.MismatchError{}
		require.ErrorAs(t, err, &mismatch)
		require.ErrorIs(t, err, lock.ErrLimitMismatch)
		require.Equal(t, lock.MismatchError{Dir: "/s", Stored: 3, Want: 4}, *mismatch)

		require.NoError(t, other.SetLimit(ctx, 5))
		giveBack(t, mustAcquire(t, other, 5))
		giveBack(t, mustAcquire(t, lock.NewSemaphore(c, "/s", 0, lock.Config{}), 5))
		_, err = s.TryAcquire(ctx, 1)
		require.ErrorIs(t, err, lock.ErrLimitMismatch)
		n, err := s.Limit(ctx)
		require.NoError(t, err)
		require.Equal(t, 5, n)
	})
}

// A caller that knows of a new limit is not refused because its server lags behind.
func TestSemaphore_LimitOnAServerThatLags(t *testing.T) {
	inSemaphoreBubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		s := lock.NewSemaphore(connect(t, srv), "/s", 0, lock.Config{})
		require.NoError(t, s.SetLimit(t.Context(), 1))
		settle(t)
		// The reply to the first read shows the old limit.
		var looks, syncs atomic.Int64
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch {
			case r.Op == "get" && looks.Add(1) == 1:
				require.NoError(t, srv.Set("/s", []byte{0, 0, 0, 1}))
			case r.Op == "sync" && r.Path == "/s":
				syncs.Add(1)
				require.NoError(t, srv.Set("/s", []byte{0, 0, 0, 2}))
			}
			return zktest.Pass
		})
		giveBack(t, mustAcquire(t, s, 2))
		require.EqualValues(t, 1, syncs.Load())
	})
}

// The limit outlives the last permit, although its directory is then empty.
func TestSemaphore_LimitStays(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		s := lock.NewSemaphore(connect(t, srv), "/s", 0, lock.Config{})
		require.NoError(t, s.SetLimit(t.Context(), 7))
		giveBack(t, mustAcquire(t, s, 7))
		time.Sleep(time.Hour)
		n, err := s.Limit(t.Context())
		require.NoError(t, err)
		require.Equal(t, 7, n)
		giveBack(t, mustAcquire(t, s, 7))
	})
}

// A higher limit lets waiting requests in. A lower limit takes no permits back, but
// lets nobody in, and a waiting request for more than the limit fails.
func TestSemaphore_LimitChangesWhileRunning(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		s := lock.NewSemaphore(connect(t, srv), "/s", 2, lock.Config{})
		first := mustAcquire(t, s, 2)
		second := permitsLater(t, s, 2)
		none(t, second, "more than the limit")
		// The waiting request may see the new limit before SetLimit has returned.
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "set" {
				srv.OnRequest(nil)
				require.NoError(t, srv.Set("/s", []byte{0, 0, 0, 4}))
				time.Sleep(time.Second)
			}
			return zktest.Pass
		})
		require.NoError(t, s.SetLimit(ctx, 4))
		p := taken(t, second)

		require.NoError(t, s.SetLimit(ctx, 3))
		third := permitsLater(t, s, 1)
		none(t, third, "more than the limit")
		require.NoError(t, first.Context().Err())
		require.NoError(t, p.Context().Err())
		require.Len(t, srv.Children("/s/leases"), 4)
		giveBack(t, first)
		q := taken(t, third)

		failed := make(chan error, 1)
		go func() {
			_, err := s.Acquire(ctx, 3)
			failed <- err
		}()
		settle(t)
		require.NoError(t, s.SetLimit(ctx, 2))
		require.ErrorIs(t, <-failed, lock.ErrOverLimit)
		giveBack(t, p, q)
	})
}

// A grant does not exceed a limit that was lowered between the read and the grant.
func TestSemaphore_LimitLoweredJustBeforeTheGrant(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		s := lock.NewSemaphore(connect(t, srv), "/s", 0, lock.Config{})
		require.NoError(t, s.SetLimit(t.Context(), 3))
		first := mustAcquire(t, s, 2)
		var lowered atomic.Bool
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "multi" && !lowered.Swap(true) {
				require.NoError(t, srv.Set("/s", []byte{0, 0, 0, 2}))
			}
			return zktest.Pass
		})
		got := permitsLater(t, s, 1)
		require.True(t, lowered.Load())
		none(t, got, "granted by a limit that was lowered before")
		giveBack(t, first)
		giveBack(t, taken(t, got))
	})
}

// Nodes of other programs in the directory of leases count as leases.
func TestSemaphore_ForeignLeasesCount(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/s/leases/anything", nil))
		s := lock.NewSemaphore(connect(t, srv), "/s", 2, lock.Config{})
		got := permitsLater(t, s, 2)
		none(t, got, "more than the limit")
		require.NoError(t, srv.Delete("/s/leases/anything"))
		giveBack(t, taken(t, got))
	})
}

// failures: 72: every kind of loss of any of the permits ends their context, and a
// release afterwards does nothing.
func TestSemaphore_ContextEndsOnEveryKindOfLoss(t *testing.T) {
	losses := map[string]struct {
		lose func(srv *zktest.Server, p *lock.Permits, c *zk.Client)
		want error
	}{
		"silence": {func(srv *zktest.Server, _ *lock.Permits, _ *zk.Client) { srv.Silence(0, true) }, zk.ErrLeaseLapsed},
		"expired": {func(srv *zktest.Server, _ *lock.Permits, c *zk.Client) { _ = srv.ExpireSession(c.Session().ID()) }, zk.ErrSessionExpired},
		"first":   {func(srv *zktest.Server, p *lock.Permits, _ *zk.Client) { _ = srv.Delete(p.Paths()[0]) }, lock.ErrDeleted},
		"last":    {func(srv *zktest.Server, p *lock.Permits, _ *zk.Client) { _ = srv.Delete(p.Paths()[2]) }, lock.ErrDeleted},
	}
	for name, loss := range losses {
		t.Run(name, func(t *testing.T) {
			inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				require.NoError(t, srv.Create("/data", nil))
				p := mustAcquire(t, lock.NewSemaphore(c, "/s", 3, lock.Config{}), 3)
				settle(t)
				guarded := func() error {
					_, err := c.Multi(t.Context(), append(p.Check(), zk.SetOp("/data", nil, zk.AnyVersion))...)
					return err
				}
				require.NoError(t, guarded())
				start := time.Now()
				loss.lose(srv, p, c)
				<-p.Context().Done()
				if cause := context.Cause(p.Context()); loss.want != zk.ErrSessionExpired || !errors.Is(cause, lock.ErrDeleted) {
					require.ErrorIs(t, cause, loss.want)
				}
				require.Less(t, time.Since(start), c.Session().Timeout(), "the ensemble may have expired the session then")
				srv.Silence(0, false)
				if loss.want != zk.ErrLeaseLapsed {
					settle(t) // a new session, where the old has expired
					require.ErrorIs(t, guarded(), lock.ErrNotHeld)
				}
				giveBack(t, p, p)
			})
		})
	}
}

// The context has ended before the server is asked to delete a lease.
func TestSemaphore_ContextEndsBeforeTheLeasesGo(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		p := mustAcquire(t, lock.NewSemaphore(connect(t, srv), "/s", 2, lock.Config{}), 2)
		seen := make(chan error, 1)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "multi" {
				seen <- context.Cause(p.Context())
			}
			return zktest.Pass
		})
		giveBack(t, p)
		require.ErrorIs(t, <-seen, lock.ErrReleased)
	})
}

// failures: 70: the first request of the queue keeps its ticket, and so its turn, over
// a disconnect that is longer than its lease but shorter than its session.
func TestSemaphore_TicketKeepsItsTurnOverALongDisconnect(t *testing.T) {
	inSemaphoreBubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		s := lock.NewSemaphore(connect(t, srv), "/s", 1, lock.Config{})
		first := mustAcquire(t, s, 1)
		c := connect(t, srv)
		waiting := permitsLater(t, lock.NewSemaphore(c, "/s", 1, lock.Config{}), 1)
		before := srv.Children("/s/locks")
		require.Len(t, before, 1)
		time.Sleep(c.Session().Timeout()) // right after a handshake a lease is longer
		start := time.Now()
		srv.Down(0, true)
		time.Sleep(c.Session().Timeout() * 3 / 4)
		srv.Down(0, false)
		require.NoError(t, c.Ready(t.Context()))
		require.Less(t, time.Since(start), c.Session().Timeout())
		settle(t)
		require.Equal(t, before, srv.Children("/s/locks"), "the ticket is the same")
		require.Error(t, first.Context().Err(), "the lease has lapsed")
		giveBack(t, first)
		p := taken(t, waiting)
		require.NoError(t, p.Context().Err())
		giveBack(t, p)
	})
}

// In kazoo's layout the limit is a decimal number, a lease is a child of the
// directory itself, and a request has one permit.
func TestSemaphore_InKazoosLayout(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		s := lock.NewSemaphore(connect(t, srv), "/s", 2, lock.Config{Dialect: recipes.Kazoo, Data: []byte("me")})
		p := mustAcquire(t, s, 1)
		data, _ := srv.Get("/s")
		require.Equal(t, "2", string(data))
		require.Regexp(t, "^/s/[0-9a-f]{32}$", p.Paths()[0])
		data, _ = srv.Get(p.Paths()[0])
		require.Equal(t, "me", string(data))
		_, err := s.Acquire(t.Context(), 2)
		require.ErrorIs(t, err, lock.ErrBadPermits)
		q := mustAcquire(t, s, 1)
		waiting := permitsLater(t, s, 1)
		names := srv.Children("/s-__lock__")
		require.Len(t, names, 1)
		require.Regexp(t, "^[0-9a-f]{32}__lock__[0-9]{10}$", names[0])
		none(t, waiting, "more than the limit")
		giveBack(t, p)
		giveBack(t, q, taken(t, waiting))
		require.Empty(t, srv.Children("/s-__lock__"))
		require.Empty(t, srv.Children("/s"))
	})
}

// The names are those of Curator.
func TestSemaphore_Names(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		const uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
		s := lock.NewSemaphore(connect(t, srv), "/s", 2, lock.Config{})
		p := mustAcquire(t, s, 2)
		for i, path := range p.Paths() {
			require.Regexp(t, fmt.Sprintf("^/s/leases/_c_%s-lease-000000000%d$", uuid, i), path)
		}
		waiting := permitsLater(t, s, 1)
		require.Regexp(t, "^_c_"+uuid+"-lock-[0-9]{10}$", strings.Join(srv.Children("/s/locks"), " "))
		giveBack(t, p)
		giveBack(t, taken(t, waiting))
	})
}

func TestSemaphore_DoReportsALoss(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		s := lock.NewSemaphore(c, "/s", 2, lock.Config{})
		own := errors.New("own")
		err := s.Do(t.Context(), 2, func(ctx context.Context, p *lock.Permits) error {
			require.NoError(t, srv.ExpireSession(c.Session().ID()))
			<-ctx.Done()
			return own
		})
		require.ErrorIs(t, err, lock.ErrLost)
		require.ErrorIs(t, err, own)
		require.NoError(t, s.Do(t.Context(), 1, func(context.Context, *lock.Permits) error {
			time.Sleep(time.Hour) // Do still has time to release
			return nil
		}))
	})
}
