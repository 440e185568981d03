package interop

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
)

// sides are the read-write locks that share a directory. The exclusion between a writer
// and all others is tested by pairs.
var sides = []struct {
	dialect       recipes.Dialect
	reader, write theirs
}{
	{recipes.Curator, curatorReadLock, curatorWriteLock},
	{recipes.Kazoo, kazooReadLock, kazooWriteLock},
}

// writer is our grant as a writer, which can be downgraded.
func (r *rig) writer(t *testing.T, d recipes.Dialect, dir string) *lock.Held {
	t.Helper()
	held, err := lock.NewReadWrite(r.c, dir, lock.Config{Dialect: d}).Write().Acquire(within(t))
	require.NoError(t, err)
	return held
}

func TestReadWrite_ReadersOfBothHoldTogetherAndTheQueueIsFair(t *testing.T) {
	r := sharedRig(t)
	for _, s := range sides {
		t.Run(s.dialect.String(), func(t *testing.T) {
			dir, o := r.dir(), ourReader(s.dialect)
			theirs := s.reader.contender(t, r, dir)
			theirs.do(t, "acquire")
			ours := r.wait(t, o, dir).grant(t)
			second := s.reader.contender(t, r, dir)
			second.do(t, "acquire")
			require.NoError(t, ours.Context().Err())
			_, err := ourWriter(s.dialect).try(within(t), r.c, dir)
			require.ErrorIs(t, err, lock.ErrHeld)
			second.do(t, "release")

			// Our reader waits behind their writer, although readers hold the lock.
			writer := s.write.contender(t, r, dir)
			written := writer.order("acquire")
			r.awaitWatch(t, ours.Path(), writer.p.session)
			behind := r.wait(t, o, dir)
			r.await(t, "third in the queue", func(context.Context) bool { return len(r.children(t, dir)) == 4 })
			theirs.do(t, "release")
			require.True(t, written.open())
			require.True(t, behind.waits())
			require.NoError(t, ours.Release(within(t)))
			written.wait(t)
			require.True(t, behind.waits())
			writer.do(t, "release")
			ours = behind.grant(t)

			// Their reader waits behind our writer.
			w := r.wait(t, ourWriter(s.dialect), dir)
			r.awaitWatch(t, ours.Path(), r.c.Session().ID())
			read := theirs.order("acquire")
			r.await(t, "their reader", func(context.Context) bool { return len(r.children(t, dir)) == 3 })
			require.True(t, w.waits())
			require.NoError(t, ours.Release(within(t)))
			g := w.grant(t)
			r.awaitWatch(t, g.Path(), theirs.p.session)
			require.True(t, read.open())
			require.NoError(t, g.Release(within(t)))
			read.wait(t)
			theirs.do(t, "release")
			r.awaitEmpty(t, dir)
		})
	}
}

// Our writer downgrades to a reader. That lets their readers in, and no writer.
func TestReadWrite_OurDowngradeIsSeenByThem(t *testing.T) {
	r := sharedRig(t)
	for _, s := range sides {
		t.Run(s.dialect.String(), func(t *testing.T) {
			dir := r.dir()
			held := r.writer(t, s.dialect, dir)
			reader := s.reader.contender(t, r, dir)
			read := reader.order("acquire")
			r.awaitWatch(t, held.Path(), reader.p.session)
			require.NoError(t, held.Downgrade(within(t)))
			read.wait(t)
			require.NoError(t, held.Context().Err())

			writer := s.write.contender(t, r, dir)
			written := writer.order("acquire")
			r.await(t, "their writer", func(context.Context) bool { return len(r.children(t, dir)) == 3 })
			reader.do(t, "release")
			r.awaitWatch(t, held.Path(), writer.p.session)
			require.True(t, written.open())
			require.NoError(t, held.Release(within(t)))
			written.wait(t)
			writer.do(t, "release")
			r.awaitEmpty(t, dir)
		})
	}
}

// A writer that waits for our writer waits for the reader that it becomes.
func TestReadWrite_TheirWriterStaysBehindOurDowngrade(t *testing.T) {
	r := sharedRig(t)
	for _, s := range sides {
		t.Run(s.dialect.String(), func(t *testing.T) {
			dir := r.dir()
			held := r.writer(t, s.dialect, dir)
			writer := s.write.contender(t, r, dir)
			written := writer.order("acquire")
			r.awaitWatch(t, held.Path(), writer.p.session)
			require.NoError(t, held.Downgrade(within(t)))
			r.awaitWatch(t, held.Path(), writer.p.session)
			require.True(t, written.open())
			require.NoError(t, held.Release(within(t)))
			written.wait(t)
			writer.do(t, "release")
			r.awaitEmpty(t, dir)
		})
	}
}

// For a moment, Curator's holder has a node as a writer and one as a reader. In this test
// our writer comes after the downgrade. kazoo has no downgrade.
func TestReadWrite_CuratorsDowngradeIsSeenByOurs(t *testing.T) {
	r := sharedRig(t)
	dir := r.dir()
	h := curatorWriteLock.contender(t, r, dir)
	h.do(t, "acquire")
	written := r.children(t, dir)[0]
	reader := r.wait(t, ourReader(recipes.Curator), dir)
	r.awaitWatch(t, written, r.c.Session().ID())

	h.do(t, "downgrade")
	g := reader.grant(t)
	require.NotContains(t, r.children(t, dir), written)
	require.NoError(t, g.Release(within(t)))
	nodes := r.children(t, dir)
	require.Len(t, nodes, 1)
	writer := r.wait(t, ourWriter(recipes.Curator), dir)
	r.awaitWatch(t, nodes[0], r.c.Session().ID())
	require.True(t, writer.waits())
	h.do(t, "release")
	require.NoError(t, writer.grant(t).Release(within(t)))
	r.awaitEmpty(t, dir)
}

// Our writer waits before Curator's writer becomes a reader. In Curator 5.4 the reader's
// node is at the end of the queue. So our writer gets in beside the reader, as
// Curator's own writer would. In 5.9.0 the reader keeps its place.
func TestReadWrite_OurWriterWaitsBeforeCuratorsDowngrade(t *testing.T) {
	r := sharedRig(t)
	dir := r.dir()
	h := curatorWriteLock.contender(t, r, dir)
	h.do(t, "acquire")
	written := r.children(t, dir)[0]
	writer := r.wait(t, ourWriter(recipes.Curator), dir)
	r.awaitWatch(t, written, r.c.Session().ID())

	h.do(t, "downgrade")
	if !newest {
		require.NoError(t, writer.grant(t).Release(within(t)))
		h.do(t, "release")
		r.awaitEmpty(t, dir)
		return
	}
	nodes := r.children(t, dir)
	i := slices.IndexFunc(nodes, func(path string) bool { return strings.Contains(path, "__READ__") })
	require.GreaterOrEqual(t, i, 0, nodes)
	r.awaitWatch(t, nodes[i], r.c.Session().ID())
	require.True(t, writer.waits())
	h.do(t, "release")
	require.NoError(t, writer.grant(t).Release(within(t)))
	r.awaitEmpty(t, dir)
}
