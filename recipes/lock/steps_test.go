package lock_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// story is one use of a recipe by one client, from the first request to the
// last.
type story func(ctx context.Context, c *zk.Client) error

var stories = map[string]struct {
	run  story
	dirs []string // the directories that must be empty afterwards
}{
	"reader and writer": {func(ctx context.Context, c *zk.Client) error {
		rw := lock.NewReadWrite(c, "/l", lock.Config{})
		return errors.Join(
			rw.Write().Do(ctx, func(context.Context, *lock.Held) error { return nil }),
			rw.Read().Do(ctx, func(context.Context, *lock.Held) error { return nil }))
	}, []string{"/l"}},
	"downgrade":                    {downgradeStory(recipes.Curator), []string{"/l"}},
	"downgrade in kazoo's dialect": {downgradeStory(recipes.Kazoo), []string{"/l"}},
	"semaphore": {func(ctx context.Context, c *zk.Client) error {
		return lock.NewSemaphore(c, "/s", 3, lock.Config{}).Do(ctx, 2, func(_ context.Context, p *lock.Permits) error {
			if n := len(p.Paths()); n != 2 {
				return fmt.Errorf("%d permits", n)
			}
			return nil
		})
	}, []string{"/s/locks", "/s/leases"}},
	"kazoo's semaphore": {func(ctx context.Context, c *zk.Client) error {
		s := lock.NewSemaphore(c, "/k", 1, lock.Config{Dialect: recipes.Kazoo})
		return s.Do(ctx, 1, func(context.Context, *lock.Permits) error { return nil })
	}, []string{"/k-__lock__", "/k"}},
	"multi": {func(ctx context.Context, c *zk.Client) error {
		m := lock.NewMulti(lock.New(c, "/m1", lock.Config{}), lock.NewReadWrite(c, "/m2", lock.Config{}).Read())
		return m.Do(ctx, func(context.Context, *lock.MultiHeld) error { return nil })
	}, []string{"/m1", "/m2"}},
	"revoke": {func(ctx context.Context, c *zk.Client) error {
		l := lock.New(c, "/l", lock.Config{})
		return l.Do(ctx, func(ctx context.Context, h *lock.Held) error {
			if err := l.Revoke(ctx); err != nil {
				return err
			}
			select {
			case <-h.Revoked():
			case <-ctx.Done():
			}
			return nil
		})
	}, []string{"/l"}},
}

func downgradeStory(d recipes.Dialect) story {
	return func(ctx context.Context, c *zk.Client) error {
		rw := lock.NewReadWrite(c, "/l", lock.Config{Dialect: d})
		return rw.Write().Do(ctx, func(ctx context.Context, h *lock.Held) error {
			token := h.Token()
			if err := h.Downgrade(ctx); err != nil {
				return err
			}
			if !h.Shared() || h.Token() != token {
				return fmt.Errorf("%s, token %d after %d", h.Path(), h.Token(), token)
			}
			return nil
		})
	}
}

// failures: 70, 73: one request of a story loses its reply, is lost itself, or loses
// its session. For each request of the story, the story ends as it should, and leaves
// nothing behind that would block the next one.
func TestRecipes_AFaultAtEveryStep(t *testing.T) {
	faults := map[string]func(srv *zktest.Server, r zktest.Request) zktest.Verdict{
		"reply lost":   func(*zktest.Server, zktest.Request) zktest.Verdict { return zktest.DropReplyAndCut },
		"request lost": func(*zktest.Server, zktest.Request) zktest.Verdict { return zktest.CutBefore },
		"expired before": func(srv *zktest.Server, r zktest.Request) zktest.Verdict {
			_ = srv.ExpireSession(r.Session)
			return zktest.CutBefore
		},
	}
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			steps := 0
			inStoryBubble(t, s.dirs, func(t *testing.T, srv *zktest.Server) {
				steps = runStory(t, srv, s.run, -1, nil)
			})
			require.Greater(t, steps, 3)
			for kind, fault := range faults {
				for step := range steps {
					inStoryBubble(t, s.dirs, func(t *testing.T, srv *zktest.Server) {
						at := fmt.Sprintf("%s, step %d", kind, step)
						runStory(t, srv, func(ctx context.Context, c *zk.Client) error {
							err := s.run(ctx, c)
							if kind == "expired before" && err != nil {
								// The hold was lost before the story released it.
								require.Truef(t, errors.Is(err, lock.ErrLost) || errors.Is(err, lock.ErrNotHeld) ||
									errors.Is(err, zk.ErrSessionExpired), "%s: %v", at, err)
								return nil
							}
							require.NoError(t, err, at)
							return nil
						}, step, fault)
						// Another client can run the story.
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						defer cancel()
						require.NoError(t, s.run(ctx, connect(t, srv)), at)
					})
				}
			}
		})
	}
}

// inStoryBubble checks that nothing is left in dirs.
func inStoryBubble(t *testing.T, dirs []string, f func(t *testing.T, srv *zktest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 2})
		f(t, srv)
		time.Sleep(time.Minute)
		for _, dir := range dirs {
			require.Empty(t, srv.Children(dir), "left behind in %s", dir)
		}
		require.Zero(t, srv.Watches(), "watches left behind: %v", srv.WatchPaths())
	})
}

// runStory runs a story with a fault at one of its steps, and returns the number of
// steps. Heartbeats and requests from the background are no steps.
func runStory(t *testing.T, srv *zktest.Server, run story, step int, fault func(*zktest.Server, zktest.Request) zktest.Verdict) int {
	t.Helper()
	c := connect(t, srv)
	var steps atomic.Int64
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		switch r.Op {
		case "ping", "setWatches", "removeWatches":
			return zktest.Pass
		case "sync":
			if r.Path == "/" {
				return zktest.Pass
			}
		}
		if int(steps.Add(1)) == step+1 {
			return fault(srv, r)
		}
		return zktest.Pass
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, run(ctx, c))
	srv.OnRequest(nil)
	require.Greater(t, int(steps.Load()), step, "the fault has happened")
	return int(steps.Load())
}

// failures: 57: a contender that gives up at any moment, while it waits, downgrades or
// is served, leaves no node or watch behind.
func TestRecipes_CancelledAtAnyInstant(t *testing.T) {
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{Servers: 1})
				c := connect(t, srv)
				require.NoError(t, s.run(t.Context(), c))
				srv.Delay(0, time.Millisecond) // so that every request takes time
				other, stopped, end := connect(t, srv), make(chan struct{}), make(chan struct{})
				go func() { // a holder that the contender waits for
					defer close(stopped)
					for {
						require.NoError(t, s.run(t.Context(), other))
						select {
						case <-end:
							return
						case <-time.After(5 * time.Millisecond):
						}
					}
				}()
				const tries = 400
				rnd := rand.New(rand.NewPCG(1, 2))
				cancelled := 0
				for range tries {
					d := time.Duration(rnd.Int64N(int64(20 * time.Millisecond)))
					ctx, cancel := context.WithTimeout(t.Context(), d)
					if err := s.run(ctx, c); err != nil {
						require.ErrorIs(t, err, context.DeadlineExceeded)
						cancelled++
					}
					cancel()
				}
				require.Greater(t, cancelled, tries/10)
				require.Less(t, cancelled, tries*9/10)
				close(end)
				<-stopped
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				require.NoError(t, s.run(ctx, c))
				time.Sleep(time.Minute)
				for _, dir := range s.dirs {
					require.Empty(t, srv.Children(dir), "left behind in %s", dir)
				}
				require.Zero(t, srv.Watches(), "watches left behind: %v", srv.WatchPaths())
			})
		})
	}
}

// overContext is a context that has ended, but whose Done is not closed yet.
type overContext struct {
	context.Context
	over atomic.Bool
}

func (c *overContext) Err() error {
	if c.over.Load() {
		return context.DeadlineExceeded
	}
	return c.Context.Err()
}

// The connection is lost at the moment at which the context ends. The error says that
// the context ended, even if the lost connection is noticed first.
func TestRecipes_ConnectionLostAsTheContextEnds(t *testing.T) {
	acquires := map[string]func(ctx context.Context, c *zk.Client) error{
		"lock": func(ctx context.Context, c *zk.Client) error {
			_, err := lock.New(c, "/l", lock.Config{}).Acquire(ctx)
			return err
		},
		"semaphore": func(ctx context.Context, c *zk.Client) error {
			_, err := lock.NewSemaphore(c, "/s", 1, lock.Config{}).Acquire(ctx, 1)
			return err
		},
	}
	for name, acquire := range acquires {
		t.Run(name, func(t *testing.T) {
			inStoryBubble(t, []string{"/l", "/s/locks", "/s/leases"}, func(t *testing.T, srv *zktest.Server) {
				c, d := connect(t, srv), connect(t, srv)
				h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
				require.NoError(t, err)
				settle(t)
				ctx := &overContext{Context: t.Context()}
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op != "get" && r.Op != "exists" || r.Session != d.Session().ID() || ctx.over.Swap(true) {
						return zktest.Pass
					}
					return zktest.CutBefore
				})
				require.ErrorIs(t, acquire(ctx, d), context.DeadlineExceeded)
				require.True(t, ctx.over.Load())
				release(t, h)
			})
		})
	}
}

// failures: 57: a waiter returns at once when its context ends, in every state of the
// connection, and leaves nothing behind.
func TestRecipes_CancelledWaiterReturnsAtOnce(t *testing.T) {
	waits := map[string]func(ctx context.Context, c *zk.Client) (func(context.Context) error, error){
		"reader": func(ctx context.Context, c *zk.Client) (func(context.Context) error, error) {
			h, err := lock.NewReadWrite(c, "/rw", lock.Config{}).Read().Acquire(ctx)
			return releaseOf(h), err
		},
		"writer": func(ctx context.Context, c *zk.Client) (func(context.Context) error, error) {
			h, err := lock.NewReadWrite(c, "/rw", lock.Config{}).Write().Acquire(ctx)
			return releaseOf(h), err
		},
		"semaphore": func(ctx context.Context, c *zk.Client) (func(context.Context) error, error) {
			p, err := lock.NewSemaphore(c, "/s", 1, lock.Config{}).Acquire(ctx, 1)
			if err != nil {
				return nil, err
			}
			return p.Release, nil
		},
		"multi": func(ctx context.Context, c *zk.Client) (func(context.Context) error, error) {
			h, err := lock.NewMulti(lock.New(c, "/m1", lock.Config{}), lock.New(c, "/m2", lock.Config{})).Acquire(ctx)
			if err != nil {
				return nil, err
			}
			return h.Release, nil
		},
	}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			inStoryBubble(t, []string{"/rw", "/s/locks", "/s/leases", "/m1", "/m2"}, func(t *testing.T, srv *zktest.Server) {
				c, d := connect(t, srv), connect(t, srv)
				blocker := "writer"
				if name != "reader" {
					blocker = name
				}
				end, err := waits[blocker](t.Context(), c)
				require.NoError(t, err)
				before := srv.Dump()
				for i := range 60 {
					switch i {
					case 20:
						srv.Down(0, true)
					case 40:
						srv.Down(0, false)
						require.NoError(t, d.Ready(t.Context()))
						srv.SilenceReplies(0, true)
					}
					timeout := time.Duration(i) * time.Millisecond
					ctx, cancel := context.WithTimeout(t.Context(), timeout)
					start := time.Now()
					_, err := wait(ctx, d)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.LessOrEqual(t, time.Since(start), timeout+3*time.Millisecond)
					cancel()
				}
				srv.SilenceReplies(0, false)
				time.Sleep(10 * time.Second)
				require.Equal(t, before, srv.Dump())
				require.NoError(t, end(t.Context()))
			})
		})
	}
}

func releaseOf(h *lock.Held) func(context.Context) error {
	if h == nil {
		return nil
	}
	return h.Release
}
