package recipes_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// callsOf returns the calls of lock, barrier and election that send requests.
func callsOf(c *zk.Client, dialect recipes.Dialect) map[string]func(ctx context.Context) error {
	l := lock.New(c, "/l", lock.Config{Dialect: dialect})
	rw := lock.NewReadWrite(c, "/rw", lock.Config{Dialect: dialect})
	s := lock.NewSemaphore(c, "/s", 1, lock.Config{Dialect: dialect})
	m := lock.NewMulti(l)
	e := election.New(c, "/e", election.Config{Dialect: dialect})
	return map[string]func(ctx context.Context) error{
		"Lock.Acquire":    func(ctx context.Context) error { _, err := l.Acquire(ctx); return err },
		"Lock.TryAcquire": func(ctx context.Context) error { _, err := l.TryAcquire(ctx); return err },
		"Lock.Do": func(ctx context.Context) error {
			return l.Do(ctx, func(context.Context, *lock.Held) error { return nil })
		},
		"Lock.Contenders":      func(ctx context.Context) error { _, err := l.Contenders(ctx); return err },
		"Lock.Revoke":          func(ctx context.Context) error { return l.Revoke(ctx) },
		"ReadWrite.Read":       func(ctx context.Context) error { _, err := rw.Read().Acquire(ctx); return err },
		"ReadWrite.Write":      func(ctx context.Context) error { _, err := rw.Write().Acquire(ctx); return err },
		"ReadWrite.Contenders": func(ctx context.Context) error { _, err := rw.Contenders(ctx); return err },
		"ReadWrite.Revoke":     func(ctx context.Context) error { return rw.Revoke(ctx) },
		"Semaphore.Acquire":    func(ctx context.Context) error { _, err := s.Acquire(ctx, 1); return err },
		"Semaphore.TryAcquire": func(ctx context.Context) error { _, err := s.TryAcquire(ctx, 1); return err },
		"Semaphore.Limit":      func(ctx context.Context) error { _, err := s.Limit(ctx); return err },
		"Semaphore.SetLimit":   func(ctx context.Context) error { return s.SetLimit(ctx, 2) },
		"Semaphore.Contenders": func(ctx context.Context) error { _, err := s.Contenders(ctx); return err },
		"Multi.Acquire":        func(ctx context.Context) error { _, err := m.Acquire(ctx); return err },
		"Multi.TryAcquire":     func(ctx context.Context) error { _, err := m.TryAcquire(ctx); return err },
		"Election.Campaign":    func(ctx context.Context) error { _, err := e.Campaign(ctx); return err },
		"Election.Leader":      func(ctx context.Context) error { _, err := e.Leader(ctx); return err },
		"Election.Candidates":  func(ctx context.Context) error { _, err := e.Candidates(ctx); return err },
		"Election.Observe":     func(ctx context.Context) error { return lastOf(ctx, e) },
		"Election.Run": func(ctx context.Context) error {
			return e.Run(ctx, func(context.Context, *election.Leadership) error { return nil })
		},
	}
}

// lastOf returns the error with which an observation ends.
func lastOf(ctx context.Context, e *election.Election) (last error) {
	for _, err := range e.Observe(ctx) {
		last = err
		if err == nil {
			return nil
		}
	}
	return last
}

// try runs a call, and returns its error, or fails the test if it panics.
func try(t *testing.T, name string, call func(context.Context) error) error {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s: panic: %v", name, p)
		}
	}()
	return call(t.Context())
}

// refusedAtOnce fails the test unless a call was refused before anything was sent.
func refusedAtOnce(t *testing.T, name string, err error, says string) {
	t.Helper()
	require.ErrorIs(t, err, zk.ErrBadArguments, name)
	require.ErrorContains(t, err, says, name)
	require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), name)
}

// A recipe that was made without a client says so at its first call.
func TestRecipes_NilClientIsRefused(t *testing.T) {
	calls := callsOf(nil, recipes.Curator)
	gate, double := barrier.New(nil, "/g", barrier.Config{}), barrier.NewDouble(nil, "/d", 1, barrier.DoubleConfig{})
	calls["Barrier.Raise"], calls["Barrier.Lower"], calls["Barrier.Wait"] = gate.Raise, gate.Lower, gate.Wait
	calls["Double.Enter"] = func(ctx context.Context) error { _, err := double.Enter(ctx); return err }
	for name, call := range groupsOf(groupmembership.New(nil, "/g", groupmembership.Config{}), discovery.New(nil, "/services", discovery.Config{}), nil) {
		if !strings.HasPrefix(name, "Registration") { // none can be made
			calls[name] = call
		}
	}
	for name, call := range calls {
		if err := try(t, name, call); !t.Failed() {
			refusedAtOnce(t, name, err, "nil client")
		}
	}
}

// An unknown dialect is refused, and not taken for Curator's.
func TestRecipes_UnknownDialectIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		for name, call := range callsOf(srv.Client(t), recipes.Kazoo+1) {
			refusedAtOnce(t, name, try(t, name, call), "unknown dialect 2")
		}
		require.Empty(t, srv.Dump())
	})
}

// A nil function is refused before anything is acquired for it.
func TestRecipes_NilFunctionIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c := srv.Client(t)
		l := lock.New(c, "/l", lock.Config{})
		for name, call := range map[string]func(context.Context) error{
			"Lock.Do":      func(ctx context.Context) error { return l.Do(ctx, nil) },
			"Semaphore.Do": func(ctx context.Context) error { return lock.NewSemaphore(c, "/s", 1, lock.Config{}).Do(ctx, 1, nil) },
			"Multi.Do":     func(ctx context.Context) error { return lock.NewMulti(l).Do(ctx, nil) },
			"Election.Run": func(ctx context.Context) error { return election.New(c, "/e", election.Config{}).Run(ctx, nil) },
		} {
			refusedAtOnce(t, name, try(t, name, call), "nil function")
		}
		_, err := lock.NewMulti(l, nil).Acquire(t.Context())
		refusedAtOnce(t, "NewMulti", err, "nil lock")
		require.Empty(t, srv.Dump(), "nothing was acquired")
	})
}

// groupsOf returns the calls of group membership and discovery that send requests.
func groupsOf(g *groupmembership.Group, d *discovery.Discovery, r *discovery.Registration) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Group.Join":     func(ctx context.Context) error { _, err := g.Join(ctx, "a", nil); return err },
		"Group.Maintain": func(ctx context.Context) error { return g.Maintain(ctx, "a", nil) },
		"Group.Resume": func(ctx context.Context) error {
			_, err := g.Resume(ctx, "a", recipes.Detached{Path: "/g/a"}, nil)
			return err
		},
		"Group.Members": func(ctx context.Context) error { _, err := g.Members(ctx); return err },
		"Group.Watch": func(ctx context.Context) error {
			for _, err := range g.Watch(ctx) {
				return err
			}
			return nil
		},
		"Discovery.Names":       func(ctx context.Context) error { _, err := d.Names(ctx); return err },
		"Discovery.Query":       func(ctx context.Context) error { _, _, err := d.Query(ctx, "web"); return err },
		"Discovery.Instance":    func(ctx context.Context) error { _, err := d.Instance(ctx, "web", "1"); return err },
		"Cache.Run":             func(ctx context.Context) error { return d.Cache().Run(ctx) },
		"Registration.Register": func(ctx context.Context) error { return r.Register(ctx) },
		"Registration.Serve":    func(ctx context.Context) error { return r.Serve(ctx, discovery.Gate{}) },
		"Registration.Update":   func(ctx context.Context) error { return r.Update(ctx, func(*discovery.Instance) {}) },
	}
}

// A nil context is refused before anything is sent.
func TestRecipes_NilContextIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c := clienttest.Connect(t, srv)
		calls := callsOf(c, recipes.Curator)
		gate, double := barrier.New(c, "/g", barrier.Config{}), barrier.NewDouble(c, "/d", 1, barrier.DoubleConfig{})
		calls["Barrier.Raise"], calls["Barrier.Lower"], calls["Barrier.Wait"] = gate.Raise, gate.Lower, gate.Wait
		calls["Double.Enter"] = func(ctx context.Context) error { _, err := double.Enter(ctx); return err }
		d := discovery.New(c, "/services", discovery.Config{})
		r, err := d.Registration(discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		maps.Copy(calls, groupsOf(groupmembership.New(c, "/g", groupmembership.Config{}), d, r))
		calls["Cache.Loaded"] = func(ctx context.Context) error { return d.Cache().Loaded(ctx) }
		for name, call := range calls {
			err := try(t, name, func(context.Context) error { var none context.Context; return call(none) })
			if !t.Failed() {
				refusedAtOnce(t, name, err, "nil context")
			}
		}
		require.Empty(t, srv.Dump())
	})
}

// A value that no constructor has made is refused, with the name of the constructor.
func TestRecipes_ZeroValuesAreRefused(t *testing.T) {
	e, s, d := new(election.Election), new(lock.Semaphore), new(barrier.Double)
	calls := map[string]func(ctx context.Context) error{
		"lock.New":          func(ctx context.Context) error { _, err := new(lock.Lock).Acquire(ctx); return err },
		"NewReadWrite":      func(ctx context.Context) error { _, err := new(lock.ReadWrite).Write().Acquire(ctx); return err },
		"NewSemaphore":      func(ctx context.Context) error { _, err := s.Acquire(ctx, 1); return err },
		"election.New":      func(ctx context.Context) error { _, err := e.Campaign(ctx); return err },
		"barrier.New":       new(barrier.Barrier).Wait,
		"barrier.NewDouble": func(ctx context.Context) error { _, err := d.Enter(ctx); return err },
	}
	for by, call := range calls {
		if err := try(t, by, call); !t.Failed() {
			refusedAtOnce(t, by, err, "this value was not made by ")
			require.ErrorContains(t, err, by)
		}
	}
	for name, call := range groupsOf(new(groupmembership.Group), new(discovery.Discovery), new(discovery.Registration)) {
		if err := try(t, name, call); !t.Failed() {
			refusedAtOnce(t, name, err, "this value was not made by ")
		}
	}
	run := func(ctx context.Context) error {
		return e.Run(ctx, func(context.Context, *election.Leadership) error { return nil })
	}
	refusedAtOnce(t, "Election.Run", try(t, "Election.Run", run), "this value was not made by election.New")
}

// A group that no constructor has made has no members of its own.
func TestGroup_ZeroValueHasNoMembers(t *testing.T) {
	g := new(groupmembership.Group)
	require.NoError(t, try(t, "Group.Status", func(context.Context) error {
		require.Empty(t, g.Status())
		return nil
	}))
	require.NoError(t, try(t, "Group.Find", func(context.Context) error {
		_, ok := g.Find("a")
		require.False(t, ok)
		return nil
	}))
}
