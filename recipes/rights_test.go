package recipes_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// without returns an ACL that grants everybody all rights but one.
func without(right zk.Perm) []zk.ACL {
	return []zk.ACL{{Perms: zk.PermAll &^ right, Scheme: "world", ID: "anyone"}}
}

// missing is a call that lacks a right.
type missing struct {
	path  string // of the node that does not grant the right
	right zk.Perm
	call  func(ctx context.Context, c *zk.Client) error
}

func acquire(ctx context.Context, c *zk.Client) error {
	_, err := lock.New(c, "/d", lock.Config{}).Acquire(ctx)
	return err
}

func acquireAndRelease(ctx context.Context, c *zk.Client) error {
	h, err := lock.New(c, "/d", lock.Config{}).Acquire(ctx)
	if err != nil {
		return err
	}
	return h.Release(ctx)
}

func permits(ctx context.Context, c *zk.Client) error {
	p, err := lock.NewSemaphore(c, "/d", 2, lock.Config{}).Acquire(ctx, 2)
	if err != nil {
		return err
	}
	return p.Release(ctx)
}

func enterAndLeave(ctx context.Context, c *zk.Client) error {
	e, err := barrier.NewDouble(c, "/d", 1, barrier.DoubleConfig{}).Enter(ctx)
	if err != nil {
		return err
	}
	return e.Leave(ctx)
}

// A call of a lock or a barrier that lacks a right ends at once, and its error names
// the right and the node.
func TestRecipes_MissingRightEndsACallAtOnce(t *testing.T) {
	gate := func(c *zk.Client) *barrier.Barrier { return barrier.New(c, "/d/gate", barrier.Config{}) }
	for name, m := range map[string]missing{
		"lock, create":  {"/d", zk.PermCreate, acquire},
		"lock, read":    {"/d", zk.PermRead, acquire},
		"lock, release": {"/d", zk.PermDelete, acquireAndRelease},
		"lock, no directory": {"/d", zk.PermCreate, func(ctx context.Context, c *zk.Client) error {
			_, err := lock.New(c, "/d/l", lock.Config{}).Acquire(ctx)
			return err
		}},
		"lock, revoke": {"/d/_c_00000000-0000-0000-0000-000000000000-lock-0000000000", zk.PermWrite, func(ctx context.Context, c *zk.Client) error { return lock.New(c, "/d", lock.Config{}).Revoke(ctx) }},
		"lock, contenders": {"/d", zk.PermRead, func(ctx context.Context, c *zk.Client) error {
			_, err := lock.New(c, "/d", lock.Config{}).Contenders(ctx)
			return err
		}},
		"lock, predecessor": {"/d/_c_00000000-0000-0000-0000-000000000000-lock-0000000000", zk.PermRead, acquire},
		"read lock": {"/d", zk.PermCreate, func(ctx context.Context, c *zk.Client) error {
			_, err := lock.NewReadWrite(c, "/d", lock.Config{}).Read().Acquire(ctx)
			return err
		}},
		"multi": {"/d", zk.PermCreate, func(ctx context.Context, c *zk.Client) error {
			_, err := lock.NewMulti(lock.New(c, "/d", lock.Config{})).Acquire(ctx)
			return err
		}},
		"semaphore, limit": {"/d", zk.PermRead, permits},
		"semaphore, store": {"/d", zk.PermWrite, permits},
		"semaphore, set limit": {"/d", zk.PermWrite, func(ctx context.Context, c *zk.Client) error {
			return lock.NewSemaphore(c, "/d", 0, lock.Config{}).SetLimit(ctx, 1)
		}},
		"semaphore, queue":         {"/d/locks", zk.PermCreate, permits},
		"semaphore, leases":        {"/d/leases", zk.PermRead, permits},
		"semaphore, grant":         {"/d/leases", zk.PermCreate, permits},
		"semaphore, end of ticket": {"/d/locks", zk.PermDelete, permits},
		"semaphore, release":       {"/d/leases", zk.PermDelete, permits},
		"gate, raise":              {"/d", zk.PermCreate, func(ctx context.Context, c *zk.Client) error { return gate(c).Raise(ctx) }},
		"gate, lower":              {"/d", zk.PermDelete, func(ctx context.Context, c *zk.Client) error { _ = gate(c).Raise(ctx); return gate(c).Lower(ctx) }},
		"gate, wait":               {"/d/gate", zk.PermRead, func(ctx context.Context, c *zk.Client) error { return gate(c).Wait(ctx) }},
		"double barrier, create":   {"/d", zk.PermCreate, enterAndLeave},
		"double barrier, read":     {"/d", zk.PermRead, enterAndLeave},
		"double barrier, write":    {"/d", zk.PermWrite, enterAndLeave},
		"double barrier, leave":    {"/d", zk.PermDelete, enterAndLeave},
		"double barrier, other's":  {"/d/00000000-0000-0000-0000-000000000000", zk.PermRead, enterAndLeave},
		"double barrier, no parent": {"/d", zk.PermCreate, func(ctx context.Context, c *zk.Client) error {
			_, err := barrier.NewDouble(c, "/d/b", 1, barrier.DoubleConfig{}).Enter(ctx)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				c := srv.Client(t)
				if parent := zk.Parent(m.path); parent != "/" {
					require.NoError(t, srv.Create(parent, nil))
				}
				_, err := srv.Client(t).Create(t.Context(), m.path, nil, zk.Persistent, zk.WithACL(without(m.right)...))
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				err = m.call(ctx, c)
				require.ErrorIs(t, err, zk.ErrNoAuth)
				require.Less(t, time.Since(start), time.Second, "%v", err)
				var right *recipes.RightError
				require.ErrorAs(t, err, &right)
				require.Equal(t, m.path, right.Path)
				require.Equal(t, m.right, right.Right)
			})
		})
	}
}

// The results of a transaction show which right is missing, on a real server too.
func TestRecipes_MissingRightOfATransactionIsNamed(t *testing.T) {
	g := newGuarded(t)
	for name, m := range map[string]missing{
		"grant":         {"/d/leases", zk.PermCreate, permits},
		"end of ticket": {"/d/locks", zk.PermDelete, permits},
		"round":         {"/d", zk.PermWrite, enterAndLeave},
		"leave":         {"/d", zk.PermDelete, enterAndLeave},
	} {
		t.Run(name, func(t *testing.T) {
			root := "/" + strings.ReplaceAll(name, " ", "-")
			require.NoError(t, recipes.EnsurePath(t.Context(), g.admin, root+strings.TrimSuffix(zk.Parent(m.path), "/")))
			acl := append(zk.DigestACL(zk.PermAll, "admin", "secret"), without(m.right)...)
			_, err := g.admin.Create(t.Context(), root+m.path, nil, zk.Persistent, zk.WithACL(acl...))
			require.NoError(t, err)
			c := g.connect(t, func(cfg *zk.Config) { cfg.Servers += root })
			err = m.call(soon(t), c)
			var right *recipes.RightError
			require.ErrorAs(t, err, &right)
			require.Equal(t, m.path, right.Path)
			require.Equal(t, m.right, right.Right)
		})
	}
}
