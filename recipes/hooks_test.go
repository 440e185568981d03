package recipes_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// recorder writes down what the hooks of recipes are told.
type recorder struct {
	mu    sync.Mutex
	lines []string
	ids   map[uint64]bool

	observers map[uint64]bool
}

func (r *recorder) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *recorder) take() (lines []string) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	lines, r.lines = r.lines, nil
	return lines
}

type contextKey struct{}

func (r *recorder) OnAcquiring(e recipes.Acquisition) {
	r.add("%s acquiring, %v", e.Recipe, e.Context.Value(contextKey{}))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids == nil {
		r.ids = map[uint64]bool{}
	}
	r.ids[e.ID] = true
}

func (r *recorder) OnQueued(e recipes.Queued) {
	r.add("%s queued, %d ahead, has predecessor: %v", e.Recipe, e.Ahead, e.Predecessor != "" && e.Node != "")
}

func (r *recorder) OnGranted(e recipes.Granted) {
	r.add("%s granted after %v, has token: %v", e.Recipe, e.Waited.Round(time.Second), e.Token > 0 && e.Node != "")
}
func (r *recorder) OnGaveUp(e recipes.GaveUp) { r.add("%s gave up after %v", e.Recipe, e.Waited) }
func (r *recorder) OnHoldEnded(e recipes.HoldEnded) {
	r.add("%s in %s ended after %v: %v", e.Recipe, e.Dir, e.Held.Round(time.Second), e.Err)
}

func (r *recorder) OnLeaderChanged(e recipes.LeaderChanged) {
	what := "leader"
	if e.Ended {
		what = "last leader"
	}
	r.add("%s of %s: %s %q, has token: %v", what, e.Dir, e.State, e.ID, e.Token > 0)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.observers == nil {
		r.observers = map[uint64]bool{}
	}
	r.observers[e.Observer] = true
}

func (r *recorder) OnMemberChanged(e recipes.MemberChanged) {
	r.add("%s %s: %s, %v", e.Recipe, e.Path, e.State, e.Err)
}

func (r *recorder) OnCacheChanged(e recipes.CacheChanged) {
	r.add("%s %s: stale %v, ended %v, %v", e.Recipe, e.Path, e.Stale, e.Ended, e.Err)
}

func (r *recorder) OnSetAside(e recipes.SetAside) { r.add("%s: %s set aside", e.Service, e.Instance) }

func observed(t *testing.T, srv *zktest.Server, hooks ...zk.Hook) *zk.Client {
	t.Helper()
	return srv.Client(t, func(cfg *zk.Config) { cfg.Hooks = hooks })
}

// A lock and an election report each step: waiting, the place in the queue, the grant,
// the end by the holder and by a loss.
func TestHooks_OfLocksAndElections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		r := new(recorder)
		c := observed(t, srv, r)
		ctx := context.WithValue(t.Context(), contextKey{}, "my call")

		first, err := lock.New(srv.Client(t), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		got := make(chan *lock.Held)
		l := lock.New(c, "/l", lock.Config{})
		go func() {
			h, _ := l.Acquire(ctx)
			got <- h
		}()
		time.Sleep(5 * time.Second)
		require.Equal(t, []string{"lock acquiring, my call", "lock queued, 1 ahead, has predecessor: true"}, r.take())
		require.NoError(t, first.Release(t.Context()))
		h := <-got
		require.Equal(t, []string{"lock granted after 5s, has token: true"}, r.take())
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = l.Acquire(brief)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{"lock acquiring, <nil>", "lock queued, 1 ahead, has predecessor: true", "lock gave up after 1s"}, r.take())
		require.NoError(t, h.Release(t.Context()))
		require.Equal(t, []string{"lock in /l ended after 1s: <nil>"}, r.take())

		leadership, err := election.New(c, "/e", election.Config{ID: "me"}).Campaign(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{"election acquiring, my call", "election granted after 0s, has token: true"}, r.take())
		require.NoError(t, srv.Delete(leadership.Path()))
		<-leadership.Context().Done()
		require.Equal(t, []string{"election in /e ended after 0s: own node was deleted"}, r.take())

		permits, err := lock.NewSemaphore(c, "/s", 2, lock.Config{}).Acquire(ctx, 1)
		require.NoError(t, err)
		require.NoError(t, permits.Release(t.Context()))
		require.Equal(t, []string{"semaphore acquiring, my call", "semaphore granted after 0s, has token: true", "semaphore in /s ended after 0s: <nil>"}, r.take())
		require.Len(t, r.ids, 4, "each acquisition has an ID of its own")

		require.NoError(t, barrier.New(c, "/gate", barrier.Config{}).Wait(ctx))
		require.Empty(t, r.take(), "a gate that is open gives no hold")
	})
}

// Observers, members, copies and providers report each change.
func TestHooks_OfLeadersMembersAndCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		r := new(recorder)
		c, quiet := observed(t, srv, r), srv.Client(t)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()

		go func() {
			for range election.New(c, "/e", election.Config{}).Observe(ctx) { //nolint:revive // the hooks see it
			}
		}()
		synctest.Wait()
		leadership, err := election.New(quiet, "/e", election.Config{ID: "a"}).Campaign(ctx)
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, leadership.Resign(ctx))
		require.Equal(t, []string{`leader of /e: vacant "", has token: false`, `leader of /e: led "a", has token: true`, `leader of /e: vacant "", has token: false`}, r.take())

		m, err := groupmembership.New(c, "/g", groupmembership.Config{}).Join(ctx, "me", nil)
		require.NoError(t, err)
		require.Equal(t, []string{"groupmembership /g/me: registered, <nil>"}, r.take())
		require.NoError(t, m.Leave(ctx))
		require.Equal(t, []string{"groupmembership /g/me: unregistered, left the group", "groupmembership /g/me: ended, left the group"}, r.take())

		d := discovery.New(c, "/d", discovery.Config{})
		reg, err := d.Register(ctx, discovery.Instance{Name: "web", ID: "1", Address: "host"})
		require.NoError(t, err)
		require.Equal(t, []string{"discovery /d/web/1: registered, <nil>"}, r.take())
		cache := d.Cache()
		go func() { _ = cache.Run(ctx) }()
		p := cache.Provider("web", discovery.ProviderConfig{Errors: 1})
		synctest.Wait()
		use, err := p.Pick()
		require.NoError(t, err)
		use.Done(errors.New("refused"))
		require.Equal(t, []string{"discovery /d: stale true, ended false, not loaded yet", "discovery /d: stale false, ended false, <nil>", "web: /d/web/1 set aside"}, r.take())
		srv.CutConnections(0)
		time.Sleep(10 * time.Second)
		lines := r.take()
		require.Contains(t, lines, "discovery /d: stale true, ended false, connection lost")
		require.Contains(t, lines, "discovery /d: stale false, ended false, <nil>")
		require.Contains(t, lines, `leader of /e: unknown "", has token: false`)
		require.NoError(t, reg.Unregister(ctx))
		r.take()

		// Who has stopped to look is reported, so that nobody trusts what it saw last.
		stop()
		require.ElementsMatch(t, []string{`last leader of /e: vacant "", has token: false`, "discovery /d: stale false, ended true, context canceled"}, r.take())
		require.Len(t, r.observers, 1, "one observer has one number")
	})
}

type typo struct{}

func (typo) OnGrantd(string) {}

type panics struct{}

func (panics) OnGranted(recipes.Granted)      { panic("granted") }
func (*panics) OnHoldEnded(recipes.HoldEnded) {}

// Connect refuses a hook that no package calls. A hook that panics is logged, and the
// recipe goes on.
func TestHooks_BadOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		for _, hook := range []zk.Hook{typo{}, nil, 7} {
			_, err := zk.Connect(t.Context(), zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext, Hooks: []zk.Hook{hook}})
			require.ErrorIs(t, err, zk.ErrInvalidConfig)
			require.ErrorContains(t, err, fmt.Sprintf("a %T, has no method of a Hook interface", hook))
		}
		var log bytes.Buffer
		c := srv.Client(t, func(cfg *zk.Config) {
			cfg.Hooks = []zk.Hook{panics{}}
			cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
		})
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.Release(t.Context()))
		require.NoError(t, c.Close(t.Context()))
		require.Contains(t, log.String(), `msg="recipes: panic in a hook of Config.Hooks" hook=recipes_test.panics panic=granted`)
	})
}
