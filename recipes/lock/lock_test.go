package lock_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func connect(t testing.TB, srv *zktest.Server, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	return clienttest.Connect(t, srv, change...)
}

// inBubble runs a test on an embedded server in virtual time, and checks that it
// leaves no contender and no watch behind.
func inBubble(t *testing.T, servers int, f func(t *testing.T, srv *zktest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: servers})
		f(t, srv)
		time.Sleep(time.Minute)
		require.Empty(t, srv.Children("/l"), "contenders left behind")
		require.Zero(t, srv.Watches(), "watches left behind: %v", srv.WatchPaths())
	})
}

// inRealTime is inBubble without a bubble: in a bubble with many timers the race
// detector of Go 1.26 breaks down.
func inRealTime(t *testing.T, servers int, f func(t *testing.T, srv *zktest.Server)) {
	srv := zktest.Start(t, zktest.Config{Servers: servers})
	f(t, srv)
	require.Eventually(t, func() bool { return len(srv.Children("/l")) == 0 && srv.Watches() == 0 },
		30*time.Second, 10*time.Millisecond, "left behind: %v, %v", srv.Children("/l"), srv.WatchPaths())
}

func TestLock_NextWaiterGetsIt(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		a, b := lock.New(connect(t, srv), "/l", lock.Config{}), lock.New(connect(t, srv), "/l", lock.Config{})
		first, err := a.Acquire(ctx)
		require.NoError(t, err)
		require.NoError(t, first.Context().Err())
		_, err = b.TryAcquire(ctx)
		require.ErrorIs(t, err, lock.ErrHeld)

		got := make(chan *lock.Held)
		go func() {
			h, err := b.Acquire(ctx)
			require.NoError(t, err)
			got <- h
		}()
		synctest.Wait()
		list, err := a.Contenders(ctx)
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.True(t, list[0].Holder)
		require.Equal(t, first.Token(), list[0].Token)

		require.NoError(t, first.Release(ctx))
		require.NoError(t, first.Release(ctx), "idempotent")
		require.ErrorIs(t, context.Cause(first.Context()), lock.ErrReleased)
		second := <-got
		require.Greater(t, second.Token(), first.Token())
		require.NoError(t, second.Release(ctx))
	})
}

// failures: 52
func TestLock_ContextEndsOnEveryKindOfLoss(t *testing.T) {
	losses := map[string]struct {
		lose func(srv *zktest.Server, h *lock.Held, c *zk.Client)
		want error
	}{
		"silence": {func(srv *zktest.Server, _ *lock.Held, _ *zk.Client) { srv.Silence(0, true) }, zk.ErrLeaseLapsed},
		"expired": {func(srv *zktest.Server, _ *lock.Held, c *zk.Client) { srv.ExpireSession(c.Session().ID()) }, zk.ErrSessionExpired},
		"deleted": {func(srv *zktest.Server, h *lock.Held, _ *zk.Client) { srv.Delete(h.Path()) }, lock.ErrDeleted},
		"parent":  {func(srv *zktest.Server, h *lock.Held, _ *zk.Client) { srv.Delete(h.Path()); srv.Delete("/l") }, lock.ErrDeleted},
	}
	for name, loss := range losses {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
				require.NoError(t, err)
				start := time.Now()
				loss.lose(srv, h, c)
				<-h.Context().Done()
				if cause := context.Cause(h.Context()); loss.want != zk.ErrSessionExpired || cause != lock.ErrDeleted {
					// The server may report the delete of the node before it closes the connection.
					require.ErrorIs(t, cause, loss.want)
				}
				require.Less(t, time.Since(start), c.Session().Timeout(), "the ensemble may have expired the session then")
				srv.Silence(0, false)
				require.NoError(t, h.Release(t.Context()))
			})
		})
	}
}

// failures: 53, 61: the holder of a lost lock must queue to get it again. A waiter
// whose session expires queues again in the next one.
func TestLock_WaiterQueuesAgainInTheNextSession(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		holder, waiter := connect(t, srv), connect(t, srv)
		h, err := lock.New(holder, "/l", lock.Config{}).Acquire(ctx)
		require.NoError(t, err)
		got := make(chan *lock.Held)
		go func() {
			h, err := lock.New(waiter, "/l", lock.Config{}).Acquire(ctx)
			require.NoError(t, err)
			got <- h
		}()
		synctest.Wait()
		require.NoError(t, srv.ExpireSession(waiter.Session().ID()))
		time.Sleep(time.Second)
		require.Len(t, srv.Children("/l"), 2)
		require.NoError(t, h.Release(ctx))
		next := <-got
		require.Equal(t, waiter.Session().ID(), srv.Owner(next.Path()))
		require.NoError(t, next.Release(ctx))
	})
}

// failures: 48: the create's reply is lost; the node is found again.
func TestLock_LostReplyOfTheCreateLeavesNoOrphan(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c := connect(t, srv)
		require.NoError(t, recipes.EnsurePath(ctx, c, "/l"))
		var once sync.Once
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			v := zktest.Pass
			if r.Op == "create" {
				once.Do(func() { v = zktest.DropReplyAndCut })
			}
			return v
		})
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(ctx)
		require.NoError(t, err)
		require.Len(t, srv.Children("/l"), 1)
		require.NoError(t, h.Release(ctx))
	})
}

// failures: 54: the delete's reply is lost; Release settles it.
func TestLock_ReleaseWithALostReplyIsSettled(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		h, err := l.Acquire(ctx)
		require.NoError(t, err)
		var once sync.Once
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			v := zktest.Pass
			if r.Op == "delete" {
				once.Do(func() { v = zktest.DropReplyAndCut })
			}
			return v
		})
		require.NoError(t, h.Release(ctx))
		h, err = l.Acquire(ctx)
		require.NoError(t, err)
		require.NoError(t, h.Release(ctx))
	})
}

// A caller whose context has ended still releases the lock, in the background.
func TestLock_ReleaseWithoutTimeLeavesNothing(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for range 50 { // each waits until the one before is released
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			h, err := l.Acquire(ctx)
			cancel()
			require.NoError(t, err)
			require.ErrorIs(t, h.Release(over), zk.ErrUnconfirmed)
			require.ErrorIs(t, context.Cause(h.Context()), lock.ErrReleased)
		}
	})
}

// failures: 57: cancelling returns at once in every state and leaves nothing.
func TestLock_CancelledWaiterLeavesNothing(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c, d := connect(t, srv), connect(t, srv)
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(ctx)
		require.NoError(t, err)
		for i := range 50 {
			if i == 25 {
				srv.Down(0, true)
			}
			ctx, cancel := context.WithTimeout(ctx, time.Duration(i)*time.Millisecond)
			start := time.Now()
			_, err := lock.New(d, "/l", lock.Config{}).Acquire(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.LessOrEqual(t, time.Since(start), time.Duration(i+3)*time.Millisecond)
			cancel()
		}
		srv.Down(0, false)
		time.Sleep(10 * time.Second)
		require.Len(t, srv.Children("/l"), 1)
		require.NoError(t, h.Release(ctx))
	})
}

// failures: 60: a waiter keeps its node and its position over a reconnect.
func TestLock_WaiterKeepsItsPlaceOverAReconnect(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(ctx)
		require.NoError(t, err)
		got := make(chan *lock.Held)
		go func() {
			h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(ctx)
			require.NoError(t, err)
			got <- h
		}()
		synctest.Wait()
		before := srv.Children("/l")
		srv.CutConnections(0)
		time.Sleep(time.Second)
		require.ElementsMatch(t, before, srv.Children("/l"))
		require.NoError(t, h.Context().Err(), "a short loss of the connection does not end the hold")
		require.NoError(t, h.Release(ctx))
		require.NoError(t, (<-got).Release(ctx))
	})
}

// failures: 41
func TestLock_ExhaustedSequenceIsRefused(t *testing.T) {
	for _, next := range []int64{2147483000, 2147483647, -5} {
		t.Run(strconv.FormatInt(next, 10), func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/l", nil))
				require.NoError(t, srv.SetSequence("/l", next))
				_, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
				require.ErrorIs(t, err, lock.ErrSequenceExhausted)
				require.ErrorContains(t, err, "/l")
			})
		})
	}
}

// failures: 42, 127
func TestLock_ForeignNamesAreIgnoredOrRefused(t *testing.T) {
	const hex = "0123456789abcdef0123456789abcdef"
	for name, want := range map[string]error{
		"config": nil, "_c_short": nil, "x-lock-12abc": nil, "2026": nil, "202611290": nil,
		"0000000000":               lock.ErrForeign,
		hex + "__lock__0000000000": lock.ErrForeign,
		"_c_01234567-89ab-cdef-0123-456789abcdef-__WRIT__0000000000": lock.ErrForeign,
		"_c_01234567-89ab-cdef-0123-456789abcdef-latch-0000000000":   lock.ErrForeign,
		"_c_" + hex + "-lock-0000000000":                             lock.ErrHeld,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/l", nil))
				require.NoError(t, srv.Create("/l/"+name, nil))
				h, err := lock.New(connect(t, srv), "/l", lock.Config{}).TryAcquire(t.Context())
				require.ErrorIs(t, err, want)
				if err == nil {
					require.NoError(t, h.Release(t.Context()))
				}
				require.Equal(t, []string{name}, srv.Children("/l"))
				require.NoError(t, srv.Delete("/l/"+name))
			})
		})
	}
}

// failures: 62: a write under a lost lock is refused.
func TestLock_GuardedWriteIsRefusedOnceTheLockIsGone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c := connect(t, srv)
		require.NoError(t, srv.Create("/data", nil))
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(ctx)
		require.NoError(t, err)
		_, err = c.Multi(ctx, h.Check(), zk.SetOp("/data", []byte("1"), zk.AnyVersion))
		require.NoError(t, err)
		require.NoError(t, srv.Delete(h.Path()))
		_, err = c.Multi(ctx, h.Check(), zk.SetOp("/data", []byte("2"), zk.AnyVersion))
		require.ErrorIs(t, err, lock.ErrNotHeld)
		_, err = connect(t, srv).Multi(ctx, h.Check())
		require.ErrorIs(t, err, zk.ErrForeignOp)
		data, _ := srv.Get("/data")
		require.Equal(t, "1", string(data))
		require.NoError(t, h.Release(ctx))
	})
}

// failures: 130
func TestLock_DoReportsALoss(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		l := lock.New(c, "/l", lock.Config{})
		own := errors.New("own")
		err := l.Do(t.Context(), func(ctx context.Context, h *lock.Held) error {
			require.NoError(t, srv.ExpireSession(c.Session().ID()))
			<-ctx.Done()
			return own
		})
		require.ErrorIs(t, err, lock.ErrLost)
		require.ErrorIs(t, err, own)
		require.NoError(t, l.Do(t.Context(), func(context.Context, *lock.Held) error { return nil }))
	})
}

// Do has time to release the lock, even if f takes very long.
func TestLock_DoOutlastsTheSessionTimeout(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		require.NoError(t, l.Do(t.Context(), func(context.Context, *lock.Held) error {
			time.Sleep(time.Hour)
			return nil
		}))
		require.Empty(t, srv.Children("/l"))
	})
}

// failures: 59, 63, 119: many contenders give up and are cut off at random. They
// exclude each other, get rising tokens, and leave nothing behind.
func TestLock_ManyContendersUnderCuts(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			inRealTime(t, 3, func(t *testing.T, srv *zktest.Server) {
				var mu sync.Mutex
				var holder *lock.Held
				var last int64
				acquired := 0
				var work sync.WaitGroup
				for i := range 8 {
					l := lock.New(connect(t, srv), "/l", lock.Config{})
					work.Go(func() {
						rnd := rand.New(rand.NewPCG(seed, uint64(i)))
						for range 20 {
							ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(200))*time.Millisecond)
							h, err := l.Acquire(ctx)
							cancel()
							if err != nil {
								require.ErrorIs(t, err, context.DeadlineExceeded)
								continue
							}
							mu.Lock()
							if holder != nil && holder.Context().Err() == nil && h.Context().Err() == nil {
								t.Errorf("two holders: %s and %s", holder.Path(), h.Path())
							}
							if h.Token() <= last {
								t.Errorf("token %d after %d", h.Token(), last)
							}
							holder, last = h, h.Token()
							acquired++
							mu.Unlock()
							time.Sleep(time.Duration(rnd.IntN(5)) * time.Millisecond)
							require.NoError(t, h.Release(t.Context()))
						}
					})
				}
				stop := make(chan struct{})
				var faults sync.WaitGroup
				faults.Go(func() {
					rnd := rand.New(rand.NewPCG(seed, 99))
					for {
						select {
						case <-stop:
							return
						case <-time.After(time.Duration(rnd.IntN(50)) * time.Millisecond):
						}
						srv.CutConnections(1 + rnd.IntN(3))
					}
				})
				work.Wait()
				close(stop)
				faults.Wait()
				require.NotZero(t, acquired)
			})
		})
	}
}
