package interop

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// semaphores are the recipes of both sides that share a directory.
var semaphores = []struct {
	dialect recipes.Dialect
	library library
}{
	{recipes.Curator, curator},
	{recipes.Kazoo, kazoo},
}

// permits makes one permit a grant.
type permits struct{ *lock.Permits }

func (p permits) Path() string { return p.Paths()[0] }

// ourSemaphore requires the limit to be this one. With 0 it uses the stored limit.
func ourSemaphore(d recipes.Dialect, limit int) ours {
	in := func(c *zk.Client, dir string) *lock.Semaphore {
		return lock.NewSemaphore(c, dir, limit, lock.Config{Dialect: d})
	}
	return ours{
		name: "semaphore in the dialect of " + d.String(), recipe: "semaphore",
		acquire: func(ctx context.Context, c *zk.Client, dir string) (grant, error) {
			p, err := in(c, dir).Acquire(ctx, 1)
			return permits{p}, err
		},
		try: func(ctx context.Context, c *zk.Client, dir string) (grant, error) {
			p, err := in(c, dir).TryAcquire(ctx, 1)
			return permits{p}, err
		},
		visit: func(inside string) (bool, error) { return visitOneOf(inside, limit) },
	}
}

// visitOneOf is visit with as many files as there are permits.
func visitOneOf(inside string, limit int) (free bool, err error) {
	for i := range limit {
		file := inside + "." + strconv.Itoa(i)
		f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		time.Sleep(time.Millisecond)
		return true, errors.Join(f.Close(), os.Remove(file))
	}
	return false, nil
}

// nodes returns the directory of the leases, and the one of the queue for them.
func nodes(d recipes.Dialect, dir string) (leases, queue string) {
	if d == recipes.Kazoo {
		return dir, dir + "-__lock__"
	}
	return dir + "/leases", dir + "/locks"
}

// awaitLen waits until dir has n children.
func (r *rig) awaitLen(t *testing.T, dir string, n int) {
	t.Helper()
	r.await(t, strconv.Itoa(n)+" children of "+dir, func(context.Context) bool { return len(r.children(t, dir)) == n })
}

func TestSemaphore_LeasesOfBothCount(t *testing.T) {
	r := sharedRig(t)
	for _, s := range semaphores {
		t.Run(s.dialect.String(), func(t *testing.T) {
			dir, o := r.dir(), ourSemaphore(s.dialect, 2)
			leases, queue := nodes(s.dialect, dir)
			theirs := theirs{library: s.library, recipe: "semaphore", args: []string{"2"}}

			// Theirs and ours hold the permits. Our second contender waits.
			first := theirs.contender(t, r, dir)
			first.do(t, "acquire")
			ours := r.wait(t, o, dir).grant(t)
			require.Len(t, r.children(t, leases), 2)
			_, err := o.try(within(t), r.c, dir)
			require.ErrorIs(t, err, lock.ErrHeld)
			w := r.wait(t, o, dir)
			r.awaitLen(t, queue, 1)
			ticket := r.children(t, queue)[0]
			second := theirs.contender(t, r, dir)
			acquired := second.order("acquire")
			r.awaitWatch(t, ticket, second.p.session) // it queues behind ours, which waits for a lease
			require.True(t, w.waits())
			require.NoError(t, ours.Context().Err())
			first.do(t, "release")
			next := w.grant(t)

			// Now ours hold both permits, and theirs waits for one of them.
			if s.library == curator {
				r.awaitLen(t, leases, 3) // Curator creates its lease before it counts them
			}
			r.awaitLen(t, queue, 1)
			require.True(t, acquired.open())
			require.NoError(t, ours.Release(within(t)))
			acquired.wait(t)
			require.NoError(t, next.Context().Err())
			require.Len(t, r.children(t, leases), 2)
			require.NoError(t, next.Release(within(t)))
			second.do(t, "release")
			r.awaitEmpty(t, leases)
			r.awaitEmpty(t, queue)
		})
	}
}

// Both sides acquire several permits at once.
func TestSemaphore_CuratorsRequestsOfSeveral(t *testing.T) {
	r := sharedRig(t)
	dir := r.dir()
	s := lock.NewSemaphore(r.c, dir, 3, lock.Config{})
	h := r.peers[curator].handle(t, "semaphore", dir, "3")
	h.do(t, "acquire", "2")
	_, err := s.TryAcquire(within(t), 2)
	require.ErrorIs(t, err, lock.ErrHeld)
	p, err := s.TryAcquire(within(t), 1)
	require.NoError(t, err)
	h.do(t, "release")
	q, err := s.Acquire(within(t), 2)
	require.NoError(t, err)
	acquired := h.order("acquire", "3")
	r.awaitLen(t, dir+"/leases", 4)
	require.True(t, acquired.open())
	require.NoError(t, p.Release(within(t)))
	require.NoError(t, q.Release(within(t)))
	acquired.wait(t)
	who, err := s.Contenders(within(t))
	require.NoError(t, err)
	require.Len(t, who, 3)
	for _, c := range who {
		require.Equal(t, h.p.session, c.Session)
	}
	h.do(t, "release")
	r.awaitEmpty(t, dir+"/leases")
}

// The limit is a SharedCount of Curator. Either side sets it, and waiters of both sides
// get permits by it.
func TestSemaphore_LimitIsCuratorsSharedCount(t *testing.T) {
	r := sharedRig(t)
	dir, o := r.dir(), ourSemaphore(recipes.Curator, 0)
	s := lock.NewSemaphore(r.c, dir, 0, lock.Config{})
	h := r.peers[curator].handle(t, "sharedsemaphore", dir, "1")
	limit, err := s.Limit(within(t))
	require.NoError(t, err)
	require.Equal(t, 1, limit)

	ours := r.wait(t, o, dir).grant(t)
	acquired := h.order("acquire")
	r.awaitLen(t, dir+"/leases", 2)
	require.True(t, acquired.open())
	require.NoError(t, s.SetLimit(within(t), 2))
	acquired.wait(t)
	other := r.peers[curator].handle(t, "sharedsemaphore", dir, "7") // 7 is not stored: there is a limit already
	require.Equal(t, "2", other.do(t, "limit"))

	w := r.wait(t, o, dir)
	r.awaitLen(t, dir+"/locks", 1)
	require.True(t, w.waits())
	other.do(t, "setlimit", "3")
	third := w.grant(t)
	limit, err = s.Limit(within(t))
	require.NoError(t, err)
	require.Equal(t, 3, limit)
	_, err = lock.NewSemaphore(r.c, dir, 2, lock.Config{}).TryAcquire(within(t), 1)
	require.ErrorIs(t, err, lock.ErrLimitMismatch)
	require.NoError(t, ours.Release(within(t)))
	require.NoError(t, third.Release(within(t)))
	h.do(t, "release")
	r.awaitEmpty(t, dir+"/leases")
}

// kazoo stores the limit in its own way, and requires it as ours does.
func TestSemaphore_LimitIsEnforcedByKazooAndOurs(t *testing.T) {
	r := sharedRig(t)
	cfg := lock.Config{Dialect: recipes.Kazoo}

	dir := r.dir()
	h := r.peers[kazoo].handle(t, "semaphore", dir, "2")
	h.do(t, "acquire")
	limit, err := lock.NewSemaphore(r.c, dir, 0, cfg).Limit(within(t))
	require.NoError(t, err)
	require.Equal(t, 2, limit)
	_, err = lock.NewSemaphore(r.c, dir, 3, cfg).TryAcquire(within(t), 1)
	require.ErrorIs(t, err, lock.ErrLimitMismatch)
	h.do(t, "release")

	dir = r.dir()
	p, err := lock.NewSemaphore(r.c, dir, 2, cfg).Acquire(within(t), 1)
	require.NoError(t, err)
	h = r.peers[kazoo].handle(t, "semaphore", dir, "3")
	refused := h.order("acquire")
	<-refused.done
	require.ErrorContains(t, refused.err, "Inconsistent max leases: 2")
	h = r.peers[kazoo].handle(t, "semaphore", dir, "2")
	require.Equal(t, "yes", h.do(t, "try"))
	require.Equal(t, "no", r.peers[kazoo].handle(t, "semaphore", dir, "2").do(t, "try"))
	require.NoError(t, p.Release(within(t)))
	h.do(t, "release")
}

func TestSemaphore_NeverMoreInsideThanTheLimit(t *testing.T) {
	r := sharedRig(t)
	for _, s := range semaphores {
		t.Run(s.dialect.String(), func(t *testing.T) {
			dir := r.dir()
			leases, queue := nodes(s.dialect, dir)
			crowd := []any{ourSemaphore(s.dialect, 2), theirs{library: s.library, recipe: "semaphore", args: []string{"2"}}}
			for _, done := range r.contend(t, dir, crowd...) {
				t.Logf("%s: %d turns", done.who, done.taken)
				require.Zero(t, done.overlap, "%s was one too many", done.who)
				require.Greater(t, done.taken, 1, "%s got no turns", done.who)
			}
			r.awaitEmpty(t, leases)
			r.awaitEmpty(t, queue)
		})
	}
}
