package lock_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 57: ten thousand waiters give up at random moments of an Acquire, which
// takes a few milliseconds here. The connection is up, down, cut or silent. Each
// returns in time, and in the end only the holder's node is there.
func TestLock_TenThousandCancelsLeaveNothing(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		// Only the waiter's servers have faults: a cut may hit a handshake, and a
		// holder whose handshake was lost can lose its lease over the next cuts.
		holder := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers, cfg.SessionTimeout = "zk3:2181", time.Minute
		})
		h, err := lock.New(holder, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		waiter := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers, cfg.SessionTimeout = "zk1:2181,zk2:2181", time.Minute
		})
		l := lock.New(waiter, "/l", lock.Config{})
		for server := 1; server <= 2; server++ {
			srv.Delay(server, time.Millisecond)
		}
		rnd := rand.New(rand.NewPCG(57, 0))
		session := waiter.Session()
		steps := map[string]int{} // how far the attempts got
		var last atomic.Value
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Session == waiter.Session().ID() {
				last.Store(r.Op)
			}
			return zktest.Pass
		})
		for i := range 10_000 {
			switch i % 500 { // in steps of 50, see below
			case 100:
				srv.Down(1, true)
				srv.Down(2, true)
			case 150:
				srv.Down(1, false)
				srv.Down(2, false)
				require.NoError(t, waiter.Ready(t.Context()))
			case 200, 210, 220, 230:
				srv.CutConnections(1)
				srv.CutConnections(2)
			case 300:
				srv.SilenceReplies(1, true)
				srv.SilenceReplies(2, true)
			case 349:
				srv.SilenceReplies(1, false)
				srv.SilenceReplies(2, false)
			}
			patience := time.Duration(rnd.IntN(8000)) * time.Microsecond
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			last.Store("nothing")
			start := time.Now()
			_, err := l.Acquire(ctx)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.LessOrEqual(t, time.Since(start), patience+3*time.Millisecond)
			steps[last.Load().(string)]++
			if i%50 == 49 && i%500 != 149 {
				// Wait for the janitor. The session is still alive, so no expiry has
				// deleted the nodes.
				time.Sleep(10 * time.Second)
				require.Len(t, srv.Children("/l"), 1)
			}
		}
		require.Equal(t, session, waiter.Session())
		for _, op := range []string{"nothing", "children", "exists", "get"} {
			require.NotZero(t, steps[op], "no attempt ended behind %s: %v", op, steps)
		}
		require.NoError(t, h.Context().Err())
		require.NoError(t, h.Release(t.Context()))
		h, err = l.Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.Release(t.Context()))
	})
}

// failures: 57: the deadline of a waiter is for the whole wait, and does not start
// again with each contender before it.
func TestLock_ContextBoundsTheWholeWait(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		l := lock.New(c, "/l", lock.Config{})
		first, err := l.Acquire(t.Context())
		require.NoError(t, err)
		var ahead sync.WaitGroup
		defer ahead.Wait()
		for range 10 {
			ahead.Go(func() {
				h, err := l.Acquire(t.Context())
				require.NoError(t, err)
				time.Sleep(100 * time.Millisecond)
				require.NoError(t, h.Release(t.Context()))
			})
		}
		synctest.Wait()
		require.NoError(t, first.Release(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), 450*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err = l.Acquire(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, time.Since(start), 453*time.Millisecond)
	})
}

// failures: 59: of 200 contenders, each holder and each waiter that ends wakes exactly
// one other, which lists once and sets one watch. None keeps a watch other than on its
// own node and its predecessor's.
func TestLock_AnEndWakesExactlyOne(t *testing.T) {
	const contenders, clients = 200, 20
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var cs []*zk.Client
		for range clients {
			cs = append(cs, connect(t, srv))
		}
		got := make(chan *lock.Held, contenders)
		cancels := map[string]context.CancelFunc{} // by node
		var all sync.WaitGroup
		for i := range contenders {
			before := srv.Children("/l")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l := lock.New(cs[i%clients], "/l", lock.Config{})
			all.Go(func() {
				if h, err := l.Acquire(ctx); err == nil {
					got <- h
				}
			})
			synctest.Wait()
			for _, name := range srv.Children("/l") {
				if !slices.Contains(before, name) {
					cancels[zk.Join("/l", name)] = cancel
				}
			}
		}
		require.Len(t, cancels, contenders)
		h := <-got
		var mu sync.Mutex
		reads := map[string]int{}
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if r.Op == "exists" || r.Op == "children" || r.Op == "get" {
				reads[r.Op]++
			}
			return zktest.Pass
		})
		rnd := rand.New(rand.NewPCG(59, 0))
		for left := contenders; left > 1; left-- {
			clear(reads)
			names := srv.Children("/l")
			require.Len(t, names, left)
			slices.SortFunc(names, func(a, b string) int { // by sequence
				return slices.Compare([]byte(a[len(a)-10:]), []byte(b[len(b)-10:]))
			})
			victim := rnd.IntN(left)
			path := zk.Join("/l", names[victim])
			// When the holder ends: one list and no new watch, because the next has its
			// own already. When a waiter ends: one list, and one watch on the next
			// predecessor. When the last ends: nothing. A waiter that knows that only its
			// predecessor is ahead need not even list.
			want := map[string]int{"children": 1, "get": 1}
			switch victim {
			case 0:
				require.Equal(t, h.Path(), path)
				require.NoError(t, h.Release(t.Context()))
				want = map[string]int{"children": 1}
			case left - 1:
				cancels[path]()
				want = map[string]int{}
			default:
				cancels[path]()
			}
			synctest.Wait()
			if victim == 0 {
				h = <-got
				synctest.Wait()
				require.Equal(t, zk.Join("/l", names[1]), h.Path(), "out of turn")
			}
			require.Empty(t, got)
			for op, n := range reads {
				require.LessOrEqual(t, n, want[op], "%s after the end of number %d of %d", op, victim, left)
			}
			require.LessOrEqual(t, srv.Watches(), 2*(left-1)-1, "watches of %d contenders: %v", left-1, srv.WatchPaths())
		}
		require.NoError(t, h.Release(t.Context()))
		all.Wait()
	})
}

// failures: 60: the holder ends while the waiter is cut off. The waiter holds the lock
// after it has reconnected, with the node that it had.
func TestLock_WaiterThatWasCutOffGetsItWithItsOldNode(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		got := acquire(t.Context(), connect(t, srv))
		synctest.Wait()
		names := srv.Children("/l")
		require.Len(t, names, 2)
		own := slices.DeleteFunc(names, func(name string) bool { return zk.Join("/l", name) == h.Path() })
		srv.Down(1, true)
		time.Sleep(time.Second)
		require.NoError(t, srv.Delete(h.Path()))
		time.Sleep(time.Second)
		require.Empty(t, got)
		srv.Down(1, false)
		two := <-got
		require.NoError(t, two.err)
		require.Equal(t, zk.Join("/l", own[0]), two.h.Path())
		require.NoError(t, two.h.Release(t.Context()))
		<-h.Context().Done()
		require.ErrorIs(t, context.Cause(h.Context()), lock.ErrDeleted)
	})
}

// failures: 60: the connection is lost while the lease is confirmed for the grant. The
// contender keeps its position.
func TestLock_CutAtTheGrantKeepsThePlace(t *testing.T) {
	for op, quorum := range map[string]bool{"sync": false, "multi": true} {
		t.Run(op, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
				require.NoError(t, err)
				waiter := connect(t, srv, func(cfg *zk.Config) { cfg.QuorumLease = quorum })
				// While it waits it cannot renew its lease, which has run out by then.
				const badArguments = -8 // an error that does not come from ZooKeeper's leader
				var turn atomic.Bool
				var seen atomic.Int32
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					switch {
					case r.Op != op || r.Session != waiter.Session().ID():
					case !turn.Load():
						return zktest.Fail(badArguments)
					case seen.Add(1) == 1:
						return zktest.DropReplyAndCut
					}
					return zktest.Pass
				})
				got := acquire(t.Context(), waiter)
				time.Sleep(time.Minute)
				turn.Store(true)
				names := srv.Children("/l")
				require.NoError(t, h.Release(t.Context()))
				two := <-got
				require.NoError(t, two.err)
				require.NotZero(t, seen.Load())
				require.Contains(t, names, two.h.Path()[len("/l/"):])
				require.NoError(t, two.h.Release(t.Context()))
			})
		})
	}
}

// failures: 53: a holder that lost the lock queues behind the waiters, even with the
// same Lock. The lost handle cannot release the new one.
func TestLock_AfterALossOneQueuesBehindTheOthers(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		a, b := connect(t, srv), connect(t, srv)
		l := lock.New(a, "/l", lock.Config{})
		lost, err := l.Acquire(t.Context())
		require.NoError(t, err)
		other := acquire(t.Context(), b)
		synctest.Wait()
		require.NoError(t, srv.ExpireSession(a.Session().ID()))
		two := <-other
		require.NoError(t, two.err)
		<-lost.Context().Done()
		_, err = l.TryAcquire(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		again := acquire(t.Context(), a)
		synctest.Wait()
		require.Empty(t, again)
		require.NoError(t, lost.Release(t.Context()))
		require.NoError(t, two.h.Context().Err())
		require.NoError(t, two.h.Release(t.Context()))
		three := <-again
		require.NoError(t, three.err)
		require.NoError(t, lost.Release(t.Context()))
		require.NoError(t, three.h.Context().Err())
		require.Error(t, lost.Context().Err(), "a lost handle stays lost")
		require.Greater(t, three.h.Token(), two.h.Token())
		require.NoError(t, three.h.Release(t.Context()))
	})
}

// failures: 63, 126: many goroutines use one Lock and one Held. They exclude each
// other. Of many releases at once, one deletes the node, and all return only when the
// node is gone.
func TestLock_IsSharedByManyGoroutines(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		var deletes, inside atomic.Int32
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "delete" {
				deletes.Add(1)
			}
			return zktest.Pass
		})
		srv.Delay(1, 10*time.Millisecond)
		unprotected := 0 // the race detector looks at it
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				h, err := l.Acquire(t.Context())
				require.NoError(t, err)
				require.EqualValues(t, 1, inside.Add(1))
				unprotected++
				time.Sleep(time.Millisecond)
				inside.Add(-1)
				var releases sync.WaitGroup
				for range 4 {
					releases.Go(func() {
						require.NoError(t, h.Release(t.Context()))
						require.False(t, srv.Exists(h.Path()), "nil, and the node is there")
						require.ErrorIs(t, context.Cause(h.Context()), lock.ErrReleased)
					})
				}
				releases.Wait()
			})
		}
		all.Wait()
		require.Equal(t, 20, unprotected)
		require.EqualValues(t, 20, deletes.Load())
	})
}

// failures: 66: a waiter can find out which contender blocks it: the owner's session,
// its data and since when, even if that owner's session never ends.
func TestLock_ContenderAheadIsVisible(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		blocker, waiter := connect(t, srv), connect(t, srv)
		h, err := lock.New(blocker, "/l", lock.Config{Data: []byte("host-7, pid 42")}).Acquire(t.Context())
		require.NoError(t, err)
		time.Sleep(3 * time.Hour)
		l := lock.New(waiter, "/l", lock.Config{Data: []byte("host-8")})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := l.Acquire(ctx)
			done <- err
		}()
		synctest.Wait()
		list, err := l.Contenders(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 2)
		first, second := list[0], list[1]
		require.True(t, first.Holder)
		require.Equal(t, h.Path(), first.Path)
		require.Equal(t, "host-7, pid 42", string(first.Data))
		require.Equal(t, blocker.Session().ID(), first.Session)
		require.Equal(t, h.Token(), first.Token)
		require.InDelta(t, (3 * time.Hour).Seconds(), time.Since(first.Since).Seconds(), 1)
		require.False(t, second.Holder)
		require.Equal(t, waiter.Session().ID(), second.Session)
		require.Equal(t, "host-8", string(second.Data))
		require.ErrorIs(t, <-done, context.DeadlineExceeded)
		// An operator who knows that the owner is dead breaks the lock.
		require.NoError(t, waiter.Delete(t.Context(), first.Path, zk.AnyVersion))
		next, err := l.Acquire(t.Context())
		require.NoError(t, err)
		<-h.Context().Done()
		require.ErrorIs(t, context.Cause(h.Context()), lock.ErrDeleted)
		require.NoError(t, next.Release(t.Context()))
	})
}

// failures: 65: contenders that may create, but not read or not delete, get a typed
// error at once and do not loop. No node is left behind if it can be deleted.
func TestLock_MissingRightsAreReported(t *testing.T) {
	for _, perms := range []zk.Perm{zk.PermCreate, zk.PermCreate | zk.PermDelete, zk.PermRead, zk.PermRead | zk.PermDelete} {
		t.Run(fmt.Sprint(perms), func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				admin := connect(t, srv, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("admin", "secret")} })
				own := zk.DigestACL(zk.PermAll, "admin", "secret")
				_, err := admin.Create(t.Context(), "/l", nil, zk.Persistent, zk.WithACL(append(own, zk.WorldACL(perms)...)...))
				require.NoError(t, err)
				c := connect(t, srv)
				l := lock.New(c, "/l", lock.Config{})
				before := srv.Requests()
				start := time.Now()
				_, err = l.Acquire(t.Context())
				require.ErrorIs(t, err, zk.ErrNoAuth)
				require.ErrorContains(t, err, "/l")
				stays := perms&zk.PermCreate != 0 && perms&zk.PermDelete == 0
				want := zk.OutcomeRejected
				if stays {
					want = zk.OutcomeUnknown // the read and the delete are refused, but the node is there
				}
				require.Equal(t, want, zk.OutcomeOf(err))
				require.Less(t, time.Since(start), 10*time.Millisecond)
				require.LessOrEqual(t, srv.Requests()-before, int64(5))
				if stays {
					// The node stays until the session ends or somebody with the right
					// deletes it. The client retries with long pauses.
					require.Len(t, srv.Children("/l"), 1)
					var tries atomic.Int64
					srv.OnRequest(func(r zktest.Request) zktest.Verdict {
						if r.Op != "ping" {
							tries.Add(1)
						}
						return zktest.Pass
					})
					time.Sleep(10 * time.Minute)
					require.NotZero(t, tries.Load(), "given up")
					require.Less(t, tries.Load(), int64(10*60), "a loop")
					_, err := admin.SetACL(t.Context(), "/l", append(own, zk.WorldACL(zk.PermDelete)...), zk.AnyVersion)
					require.NoError(t, err)
					time.Sleep(time.Minute)
				}
				require.Empty(t, srv.Children("/l"))
			})
		})
	}
}
