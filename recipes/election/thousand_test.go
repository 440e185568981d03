package election_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// behind creates n candidate nodes without a process behind the first one, and returns
// their paths.
func behind(t *testing.T, srv *zktest.Server, n int) []string {
	t.Helper()
	paths := make([]string, n)
	for i := range paths {
		paths[i] = fmt.Sprintf("/e/_c_01234567-89ab-cdef-0123-%012d-z0-latch-%010d", i, i+1)
		require.NoError(t, srv.Create(paths[i], fmt.Append(nil, i)))
	}
	return paths
}

// A thousand candidates are read in a few round trips, and not in a thousand. A
// hand-over without a name reads none of them.
func TestElection_ThousandCandidatesAreReadTogether(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		e := election.New(connect(t, srv), "/e", election.Config{ID: "a"})
		l, err := e.Campaign(ctx)
		require.NoError(t, err)
		paths := behind(t, srv, 1000)
		srv.Delay(1, 2*time.Millisecond)
		timed := func(f func()) time.Duration {
			start := time.Now()
			f()
			return time.Since(start)
		}
		all := timed(func() {
			list, err := e.Candidates(ctx)
			require.NoError(t, err)
			require.Len(t, list, 1001)
			require.Equal(t, "999", string(list[1000].Data))
		})
		nobody := timed(func() { require.ErrorIs(t, l.HandOver(ctx, "nobody"), election.ErrNoCandidate) })
		anybody := timed(func() { require.NoError(t, l.HandOver(ctx, "")) })
		t.Logf("Candidates took %v, HandOver to an unknown ID %v, to anybody %v", all, nobody, anybody)
		require.LessOrEqual(t, all, 50*time.Millisecond)
		require.LessOrEqual(t, nobody, 50*time.Millisecond)
		require.LessOrEqual(t, anybody, 4*time.Millisecond)
		for _, path := range paths {
			require.NoError(t, srv.Delete(path))
		}
	})
}

// A candidate's node may not be read. Candidates still shows it with the others, and
// the leader can hand over to another candidate.
func TestElection_UnreadableCandidate(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c := newCrew(t, srv)
		c.join("a", 0)
		hidden := behind(t, srv, 1)[0]
		require.NoError(t, srv.Create("/e/x", nil)) // the server's counter goes on
		require.NoError(t, srv.Delete("/e/x"))
		c.join("b", 0)
		admin := connect(t, srv, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("admin", "x")} })
		_, err := admin.SetACL(ctx, hidden, zk.DigestACL(zk.PermAll, "admin", "x"), zk.AnyVersion)
		require.NoError(t, err)
		_, a := c.leader()
		list, err := election.New(c.clients["a"], "/e", election.Config{}).Candidates(ctx)
		require.NoError(t, err)
		require.Len(t, list, 3)
		require.Equal(t, "b", string(list[2].Data))
		require.Equal(t, hidden, list[1].Path)
		require.ErrorIs(t, list[1].Err, zk.ErrNoAuth)
		err = a.HandOver(ctx, "nobody")
		require.ErrorIs(t, err, election.ErrNoCandidate)
		require.ErrorContains(t, err, hidden)
		handed := make(chan error)
		go func() { handed <- a.HandOver(ctx, "b") }()
		time.Sleep(time.Second)
		// Its process hangs. A server reports the delete only of a node that may be read.
		_, err = admin.SetACL(ctx, hidden, zk.WorldACL(zk.PermAll), zk.AnyVersion)
		require.NoError(t, err)
		require.NoError(t, srv.Delete(hidden))
		require.NoError(t, <-handed)
		id, _ := c.leader()
		require.Equal(t, "b", id)
		c.end()
		c.runs.Wait()
	})
}
