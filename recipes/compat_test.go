package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Every recipe works at every level of servers, and sends nothing that the servers lack:
// no connection is lost.
func TestCompat_RecipesAtEveryLevel(t *testing.T) {
	for version, level := range clienttest.Levels {
		t.Run(level.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{Version: version})
				everyRecipe(t, func(t *testing.T) *zk.Client {
					return clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.Compat = level })
				})
			})
		})
	}
}

// The same on a ClickHouse Keeper.
func TestKeeper_EveryRecipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := clienttest.NewKeeper(t)
		everyRecipe(t, func(t *testing.T) *zk.Client { return connectKeeper(t, k) })
	})
}

func connectKeeper(t *testing.T, k *clienttest.Keeper) *zk.Client {
	return clienttest.Connect(t, k.Server, func(cfg *zk.Config) {
		cfg.Compat, cfg.DialContext = zk.CompatKeeper, k.DialContext
	})
}

// A holder whose connection is lost loses its lock, because a Keeper resumes no session.
// The next holder gets it when the Keeper has ended the session, and not before the first
// one knows.
func TestKeeper_LockAfterALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := clienttest.NewKeeper(t)
		a, b := connectKeeper(t, k), connectKeeper(t, k)
		held, err := lock.New(a, "/lock", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		var second *lock.Held
		next := later(func() (err error) {
			second, err = lock.New(b, "/lock", lock.Config{}).Acquire(t.Context())
			if err == nil && held.Context().Err() == nil {
				err = errors.New("two holders")
			}
			return err
		})
		time.Sleep(2 * time.Second) // a younger session counts as a storm
		k.Server.CutConnections(0)
		require.NoError(t, next())
		require.Greater(t, second.Token(), held.Token())
		require.NoError(t, second.Release(t.Context()))
	})
}

// The same on a real server: at its own level, and at the oldest.
func TestReal_RecipesAtEveryLevel(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{})
	for name, level := range map[string]zk.Compat{"own": clienttest.Level(), "oldest": zk.CompatKeeper} {
		t.Run(name, func(t *testing.T) {
			everyRecipe(t, func(t *testing.T) *zk.Client {
				return clienttest.ConnectTo(t, e.Direct(), func(cfg *zk.Config) { cfg.Compat = level })
			})
		})
	}
}

// everyRecipe uses every recipe once, with two clients.
func everyRecipe(t *testing.T, connect func(*testing.T) *zk.Client) {
	ctx := clienttest.InTime(t)
	a, b := connect(t), connect(t)
	for name, use := range map[string]func(ctx context.Context, dir string, a, b *zk.Client) error{
		"lock": handsOverALock, "semaphore": sharesPermits, "election": handsOverLeadership,
		"gate": opensAGate, "double": entersTogether, "group": seesMembers, "discovery": findsAnInstance,
	} {
		require.NoError(t, use(ctx, "/level-"+a.Config().Compat.String()+"/"+name, a, b), name)
	}
	for _, c := range []*zk.Client{a, b} {
		require.Zero(t, c.Stats().Reconnects)
		require.Zero(t, c.Stats().Expiries)
	}
}

// later runs f in the background, and returns its error when it is called.
func later(f func() error) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return func() error { return <-done }
}

func handsOverALock(ctx context.Context, dir string, a, b *zk.Client) error {
	held, err := lock.New(a, dir, lock.Config{}).Acquire(ctx)
	if err != nil {
		return err
	}
	second := later(func() error {
		h, err := lock.New(b, dir, lock.Config{}).Acquire(ctx)
		if err != nil {
			return err
		}
		if h.Token() <= held.Token() {
			return fmt.Errorf("token %d after %d", h.Token(), held.Token())
		}
		_, err = b.Multi(ctx, h.Check(), zk.CreateOp(h.Path()+"-guarded", nil, zk.Ephemeral))
		return errors.Join(err, b.Delete(ctx, h.Path()+"-guarded", zk.AnyVersion), h.Release(ctx))
	})
	return errors.Join(held.Release(ctx), second())
}

func sharesPermits(ctx context.Context, dir string, a, b *zk.Client) error {
	two, err := lock.NewSemaphore(a, dir, 2, lock.Config{}).Acquire(ctx, 2)
	if err != nil {
		return err
	}
	one := later(func() error {
		p, err := lock.NewSemaphore(b, dir, 2, lock.Config{}).Acquire(ctx, 1)
		if err != nil {
			return err
		}
		return p.Release(ctx)
	})
	return errors.Join(two.Release(ctx), one())
}

func handsOverLeadership(ctx context.Context, dir string, a, b *zk.Client) error {
	first, err := election.New(a, dir, election.Config{ID: "a"}).Campaign(ctx)
	if err != nil {
		return err
	}
	next := later(func() error {
		l, err := election.New(b, dir, election.Config{ID: "b"}).Campaign(ctx)
		if err != nil {
			return err
		}
		return l.Resign(ctx)
	})
	return errors.Join(first.Resign(ctx), next())
}

func opensAGate(ctx context.Context, dir string, a, b *zk.Client) error {
	gate := barrier.New(a, dir, barrier.Config{})
	if err := gate.Raise(ctx); err != nil {
		return err
	}
	through := later(func() error { return barrier.New(b, dir, barrier.Config{}).Wait(ctx) })
	return errors.Join(gate.Lower(ctx), through())
}

func entersTogether(ctx context.Context, dir string, a, b *zk.Client) error {
	enter := func(c *zk.Client) func() error {
		return later(func() error {
			e, err := barrier.NewDouble(c, dir, 2, barrier.DoubleConfig{}).Enter(ctx)
			if err != nil {
				return err
			}
			return e.Leave(ctx)
		})
	}
	one, other := enter(a), enter(b)
	return errors.Join(one(), other())
}

func seesMembers(ctx context.Context, dir string, a, b *zk.Client) error {
	m, err := groupmembership.New(a, dir, groupmembership.Config{}).Join(ctx, "one", []byte("x"))
	if err != nil {
		return err
	}
	for s, err := range groupmembership.New(b, dir, groupmembership.Config{}).Watch(ctx) {
		if err != nil {
			return err
		}
		switch {
		case s.Len() == 0:
			return nil // it has left
		case string(s.Members()[0].Data) == "x":
			err = m.Update(ctx, []byte("y"))
		default:
			err = m.Leave(ctx)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func findsAnInstance(ctx context.Context, dir string, a, b *zk.Client) error {
	r, err := discovery.New(a, dir, discovery.Config{}).Register(ctx, discovery.Instance{Name: "web", ID: "web-1"})
	if err != nil {
		return err
	}
	cache := discovery.New(b, dir, discovery.Config{}).Cache()
	running, stop := context.WithCancel(ctx)
	run := later(func() error { return cache.Run(running) })
	defer run()
	defer stop()
	for s := range cache.Snapshots(ctx) {
		if len(s.Instances("web")) == 1 {
			break
		}
	}
	if err := r.Unregister(ctx); err != nil {
		return err
	}
	for s := range cache.Snapshots(ctx) {
		if len(s.Instances("web")) == 0 {
			break
		}
	}
	return ctx.Err()
}
