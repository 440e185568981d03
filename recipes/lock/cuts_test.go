package lock_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// claims is what the holders have at the moment, as they see it. A claim counts
// while its context has not ended.
type claims struct {
	mu   sync.Mutex
	live map[*claim]bool
	most int // weight
	all  int // claims made
}

type claim struct {
	ctx    context.Context
	weight int // 1 for a permit or a reader; a writer's is that of all readers
	name   string
}

// add adds a claim. It fails the test if the weight of all live claims is more than
// limit.
func (c *claims) add(t *testing.T, cl *claim, limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live == nil {
		c.live = map[*claim]bool{}
	}
	c.live[cl] = true
	c.all++
	total := 0
	for other := range c.live {
		if other.ctx.Err() != nil {
			delete(c.live, other)
			continue
		}
		total += other.weight
	}
	if c.most = max(c.most, total); total > limit {
		t.Errorf("%d are held of %d, with %s", total, limit, cl.name)
	}
}

func (c *claims) set(cl *claim, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl.weight = weight
}

// eager makes a client reconnect fast. Connections are cut all the time here, and
// the pauses after them would be most of the test.
func eager(cfg *zk.Config) {
	cfg.BackOff = func() backoff.BackOff { return backoff.NewConstantBackOff(3 * time.Millisecond) }
}

// underCuts runs the work of several clients at once while it cuts connections at
// random. If expiries are wanted, it sometimes expires a session.
func underCuts(t *testing.T, srv *zktest.Server, seed uint64, expiries bool, work []func(rnd *rand.Rand)) {
	var workers, faults sync.WaitGroup
	stop := make(chan struct{})
	for i, f := range work {
		workers.Go(func() { f(rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	faults.Go(func() {
		rnd := rand.New(rand.NewPCG(seed, 99))
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rnd.IntN(50)) * time.Millisecond):
			}
			if sessions := srv.Sessions(); expiries && len(sessions) > 0 && rnd.IntN(4) == 0 {
				_ = srv.ExpireSession(sessions[rnd.IntN(len(sessions))])
				continue
			}
			srv.CutConnections(1 + rnd.IntN(3))
		}
	})
	workers.Wait()
	close(stop)
	faults.Wait()
}

// Readers, writers and writers that downgrade are cut off at random. No writer holds
// beside another holder, the tokens of writers rise, and nothing is left behind.
func TestReadWrite_ManyContendersUnderCuts(t *testing.T) {
	for seed, d := range []recipes.Dialect{recipes.Curator, recipes.Kazoo} {
		t.Run(d.String(), func(t *testing.T) {
			inRealTime(t, 3, func(t *testing.T, srv *zktest.Server) {
				const all = 1000
				var held claims
				var last int64 // token of a writer; guarded by the lock itself
				var writers, downgraded int
				var mu sync.Mutex
				var work []func(*rand.Rand)
				for i := range 8 {
					rw := lock.NewReadWrite(connect(t, srv, eager), "/l", lock.Config{Dialect: d})
					work = append(work, func(rnd *rand.Rand) {
						for range 20 {
							l, weight := rw.Read(), 1
							if rnd.IntN(2) == 0 {
								l, weight = rw.Write(), all
							}
							ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(200))*time.Millisecond)
							h, err := l.Acquire(ctx)
							cancel()
							if err != nil {
								require.ErrorIs(t, err, context.DeadlineExceeded)
								continue
							}
							cl := &claim{ctx: h.Context(), weight: weight, name: h.Path() + " of " + strconv.Itoa(i)}
							held.add(t, cl, all)
							if weight == all {
								mu.Lock()
								writers++
								if h.Token() <= last && h.Context().Err() == nil {
									t.Errorf("token %d after %d", h.Token(), last)
								}
								last = max(last, h.Token())
								mu.Unlock()
							}
							time.Sleep(time.Duration(rnd.IntN(3)) * time.Millisecond)
							if weight == all && rnd.IntN(2) == 0 {
								held.set(cl, 1) // readers may hold before the reply has come
								ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(100))*time.Millisecond)
								err := h.Downgrade(ctx)
								cancel()
								if err == nil {
									mu.Lock()
									downgraded++
									mu.Unlock()
									require.True(t, h.Shared())
								}
								time.Sleep(time.Duration(rnd.IntN(3)) * time.Millisecond)
							}
							require.NoError(t, h.Release(t.Context()))
						}
					})
				}
				underCuts(t, srv, uint64(seed), false, work)
				require.NotZero(t, writers)
				require.NotZero(t, downgraded)
				require.Greater(t, held.all, writers)
			})
		})
	}
}

// failures: 70, 71: 1,000 requests for one to three of three permits, cut off at
// random. There are never more claims than permits, nothing is left behind, and all
// permits can be acquired afterwards. If sessions expire at once, no holder can know
// in time, and then there are never more leases than permits.
func TestSemaphore_ManyContendersUnderCuts(t *testing.T) {
	for _, expiries := range []bool{false, true} {
		t.Run("expiries="+strconv.FormatBool(expiries), func(t *testing.T) {
			srv := zktest.Start(t, zktest.Config{Servers: 3})
			const limit = 3
			srv.OnRequest(func(zktest.Request) zktest.Verdict {
				if n := len(srv.Children("/s/leases")); n > limit {
					t.Errorf("%d leases", n)
				}
				return zktest.Pass
			})
			var held claims
			var work []func(*rand.Rand)
			requests := 125 // of each client
			if expiries {
				requests = 40
			}
			for i := range 8 {
				s := lock.NewSemaphore(connect(t, srv, eager), "/s", limit, lock.Config{})
				work = append(work, func(rnd *rand.Rand) {
					for range requests {
						n := 1 + rnd.IntN(limit)
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(100))*time.Millisecond)
						p, err := s.Acquire(ctx, n)
						cancel()
						if err != nil {
							require.Truef(t, errors.Is(err, context.DeadlineExceeded) || expiries && errors.Is(err, zk.ErrSessionExpired), "%v", err)
							continue
						}
						require.Equal(t, n, p.Len())
						if !expiries {
							held.add(t, &claim{ctx: p.Context(), weight: n, name: strconv.Itoa(i)}, limit)
						}
						time.Sleep(time.Duration(rnd.IntN(3)) * time.Millisecond)
						err = p.Release(t.Context())
						require.Truef(t, err == nil || expiries && errors.Is(err, zk.ErrUnconfirmed), "%v", err)
					}
				})
			}
			underCuts(t, srv, 1, expiries, work)
			if !expiries {
				require.Equal(t, limit, held.most, "all permits were in use at some time")
				require.Greater(t, held.all, 50)
			}
			require.Eventually(t, func() bool {
				return len(srv.Children("/s/leases"))+len(srv.Children("/s/locks"))+srv.Watches() == 0
			}, 30*time.Second, 10*time.Millisecond, "left behind: %v, %v", srv.Dump(), srv.WatchPaths())
			p := mustAcquire(t, lock.NewSemaphore(connect(t, srv, eager), "/s", limit, lock.Config{}), limit)
			giveBack(t, p)
		})
	}
}

// The limit goes up and down while many contend. No grant exceeds the limit at its
// moment.
func TestSemaphore_LimitChangesUnderLoad(t *testing.T) {
	srv := zktest.Start(t, zktest.Config{Servers: 3})
	ops := lock.NewSemaphore(connect(t, srv, eager), "/s", 0, lock.Config{})
	require.NoError(t, ops.SetLimit(t.Context(), 4))
	var mu sync.Mutex
	leases, limit := 0, 4
	// Check the tree between any two changes of it: one multi at a time.
	var turn sync.Mutex
	look := func() {
		data, _ := srv.Get("/s")
		n, now := len(srv.Children("/s/leases")), int(data[3])
		mu.Lock()
		defer mu.Unlock()
		if n > leases && n > max(now, limit) {
			t.Errorf("%d leases after %d, with a limit of %d", n, leases, now)
		}
		leases, limit = n, now
	}
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		turn.Lock()
		defer turn.Unlock()
		look()
		return zktest.Pass
	})
	var work []func(*rand.Rand)
	granted := 0
	for range 8 {
		s := lock.NewSemaphore(connect(t, srv, eager), "/s", 0, lock.Config{})
		work = append(work, func(rnd *rand.Rand) {
			for range 30 {
				p, err := s.Acquire(t.Context(), 1+rnd.IntN(3))
				if errors.Is(err, lock.ErrOverLimit) {
					continue
				}
				require.NoError(t, err)
				mu.Lock()
				granted++
				mu.Unlock()
				time.Sleep(time.Duration(rnd.IntN(3)) * time.Millisecond)
				require.NoError(t, p.Release(t.Context()))
			}
		})
	}
	work = append(work, func(rnd *rand.Rand) {
		for range 60 {
			err := ops.SetLimit(t.Context(), 1+rnd.IntN(5))
			require.Truef(t, err == nil || zk.OutcomeOf(err) == zk.OutcomeUnknown, "%v", err)
			time.Sleep(time.Duration(rnd.IntN(10)) * time.Millisecond)
		}
		for zk.OutcomeOf(ops.SetLimit(t.Context(), 5)) == zk.OutcomeUnknown {
			n, err := ops.Limit(t.Context()) // the reply was lost: read the limit
			require.NoError(t, err)
			if n == 5 {
				break
			}
		}
	})
	underCuts(t, srv, 1, false, work)
	require.Greater(t, granted, 50)
	require.Eventually(t, func() bool { return len(srv.Children("/s/leases")) == 0 }, 10*time.Second, 10*time.Millisecond)
}
