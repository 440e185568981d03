package interop

import (
	"context"
	"testing"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// ours is an exclusive recipe of zookit, or one for readers. try is nil if the recipe
// has no such call.
type ours struct {
	name, recipe string
	visit        func(inside string) (alone bool, err error) // runs inside; nil: visit
	acquire, try func(ctx context.Context, c *zk.Client, dir string) (grant, error)
}

// grant is what our recipes return to a holder.
type grant interface {
	Context() context.Context
	Token() int64
	Path() string
	Release(ctx context.Context) error
}

// leadership is a grant whose Release is Resign.
type leadership struct{ *election.Leadership }

func (l leadership) Release(ctx context.Context) error { return l.Resign(ctx) }

func ourLock(d recipes.Dialect) ours {
	return locking("lock", d, func(c *zk.Client, dir string) *lock.Lock {
		return lock.New(c, dir, lock.Config{Dialect: d})
	})
}

func ourReader(d recipes.Dialect) ours {
	o := locking("reader", d, func(c *zk.Client, dir string) *lock.Lock {
		return lock.NewReadWrite(c, dir, lock.Config{Dialect: d}).Read()
	})
	o.visit = visitAsReader
	return o
}

func ourWriter(d recipes.Dialect) ours {
	return locking("writer", d, func(c *zk.Client, dir string) *lock.Lock {
		return lock.NewReadWrite(c, dir, lock.Config{Dialect: d}).Write()
	})
}

func locking(recipe string, d recipes.Dialect, in func(c *zk.Client, dir string) *lock.Lock) ours {
	return ours{
		name: recipe + " in the dialect of " + d.String(), recipe: recipe,
		acquire: func(ctx context.Context, c *zk.Client, dir string) (grant, error) {
			return in(c, dir).Acquire(ctx)
		},
		try: func(ctx context.Context, c *zk.Client, dir string) (grant, error) {
			return in(c, dir).TryAcquire(ctx)
		},
	}
}

func ourElection(d recipes.Dialect) ours {
	return ours{
		name: "election in the dialect of " + d.String(), recipe: "election",
		acquire: func(ctx context.Context, c *zk.Client, dir string) (grant, error) {
			l, err := election.New(c, dir, election.Config{Dialect: d}).Campaign(ctx)
			return leadership{l}, err
		},
	}
}

// theirs is a recipe of another library.
type theirs struct {
	library library
	recipe  string
	args    []string // after the directory
	try     bool     // it has the verb try
}

func (p theirs) String() string { return string(p.library) + "'s " + p.recipe }

// contender makes a contender with the recipe.
func (p theirs) contender(t *testing.T, r *rig, dir string) handle {
	t.Helper()
	return r.peers[p.library].handle(t, p.recipe, dir, p.args...)
}

var (
	goLocks          = theirs{library: goZookeeper, recipe: "lock"}
	curatorLock      = theirs{library: curator, recipe: "lock", try: true}
	curatorReadLock  = theirs{library: curator, recipe: "readlock"}
	curatorWriteLock = theirs{library: curator, recipe: "writelock"}
	curatorSelector  = theirs{library: curator, recipe: "selector"}
	curatorLatch     = theirs{library: curator, recipe: "latch", args: []string{"theirs"}}
	kazooLock        = theirs{library: kazoo, recipe: "lock", try: true}
	kazooReadLock    = theirs{library: kazoo, recipe: "readlock", try: true}
	kazooWriteLock   = theirs{library: kazoo, recipe: "writelock", try: true}
	kazooElection    = theirs{library: kazoo, recipe: "election", args: []string{"theirs"}}
)

// pair is two recipes that exclude each other in one directory.
type pair struct {
	ours   ours
	theirs theirs
}

func (p pair) String() string { return p.theirs.String() + " and our " + p.ours.name }

// pairs are all pairs that we promise to work.
var pairs = []pair{
	{ourLock(recipes.Curator), curatorLock},
	{ourLock(recipes.Curator), curatorSelector},
	{ourLock(recipes.Curator), goLocks},
	{ourLock(recipes.Kazoo), kazooLock},
	{ourLock(recipes.Kazoo), kazooReadLock},
	{ourLock(recipes.Kazoo), kazooWriteLock},
	{ourLock(recipes.Kazoo), goLocks},
	{ourReader(recipes.Curator), curatorWriteLock},
	{ourWriter(recipes.Curator), curatorReadLock},
	{ourWriter(recipes.Curator), curatorWriteLock},
	{ourReader(recipes.Kazoo), kazooWriteLock},
	{ourWriter(recipes.Kazoo), kazooReadLock},
	{ourWriter(recipes.Kazoo), kazooWriteLock},
	{ourElection(recipes.Curator), curatorLatch},
	{ourElection(recipes.Kazoo), kazooElection},
}
