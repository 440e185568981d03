package barrier_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// curator is a member as Curator's DistributedDoubleBarrier creates it, or, if its
// name has no dashes, as kazoo does.
type curator struct {
	t       testing.TB
	c       *zk.Client
	name    string
	parties int
}

const (
	curatorName = "01234567-89ab-4def-8123-456789abcdef"
	kazooName   = "fedcba98765442109876543210fedcba"
)

// enter returns when a round has let the member in.
func (m curator) enter(ctx context.Context) {
	_, ready, w, err := m.c.ExistsW(ctx, "/b/ready")
	require.NoError(m.t, err)
	_, err = m.c.Create(ctx, "/b/"+m.name, []byte("10.0.0.7"), zk.Ephemeral)
	require.NoError(m.t, err)
	if ready {
		w.Stop()
		return
	}
	names, _, err := m.c.Children(ctx, "/b")
	require.NoError(m.t, err)
	if len(names) < m.parties {
		_, err = w.Wait(ctx)
		require.NoError(m.t, err)
		return
	}
	w.Stop()
	_, err = m.c.Create(ctx, "/b/ready", []byte("10.0.0.7"), zk.Persistent)
	require.NoError(m.t, err)
}

func foreign(t testing.TB, srv *zktest.Server, name string, n int) curator {
	if !srv.Exists("/b") {
		require.NoError(t, srv.Create("/b", nil))
	}
	return curator{t, connect(t, srv), name, n}
}

// A member of Curator or kazoo is let in together with ours, in any order of their
// joins, and Leave waits for it.
func TestDouble_SharesARoundWithCuratorAndKazoo(t *testing.T) {
	for _, name := range []string{curatorName, kazooName} {
		for _, last := range []bool{true, false} {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				ctx := t.Context()
				theirs := foreign(t, srv, name, 2)
				_, d := parties(t, srv, 2, 2)
				entered := make(chan struct{})
				begin := func() {
					go func() { theirs.enter(ctx); close(entered) }()
					synctest.Wait()
				}
				if !last {
					begin()
				}
				ours := enter(ctx, d[0])
				require.Equal(t, last, ours.waits())
				if last {
					begin()
				}
				<-entered
				e := ours.in(t)
				require.NoError(t, e.Context().Err())
				data, _ := srv.Get("/b/ready")
				require.Equal(t, last, string(data) == "10.0.0.7", "the party that came last opened the round, and no other party")

				late := enter(ctx, d[1])
				require.True(t, late.waits(), "was not there when it was opened")
				left := make(chan error, 1)
				go func() { left <- e.Leave(ctx) }()
				time.Sleep(time.Minute)
				require.Empty(t, left, "theirs is still inside")
				require.True(t, late.waits())
				require.NoError(t, theirs.c.Delete(ctx, "/b/"+name, zk.AnyVersion))
				require.NoError(t, <-left)
				other := enter(ctx, d[0])
				leaveAll(t, other.in(t), late.in(t))
			})
		}
	}
}

// The first member of kazoo that leaves deletes ready. A member then opens the next
// round with the members that are still there. When they leave, its ready stays.
func TestDouble_LeavesTheReadyOfAnotherRoundAlone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		_, e := inside(t, srv, 2)
		require.NoError(t, srv.Delete("/b/ready"))
		require.NoError(t, srv.Delete(e[1].Path()))
		_, d := parties(t, srv, 1, 2)
		other, err := d[0].Enter(t.Context())
		require.NoError(t, err)
		require.NoError(t, e[0].Leave(t.Context()))
		require.True(t, srv.Exists("/b/ready"))
		require.NoError(t, other.Context().Err())
		require.NoError(t, other.Leave(t.Context()))
		<-e[1].Context().Done() // events of two sessions have no common order
		require.ErrorIs(t, e[1].Leave(t.Context()), barrier.ErrDeleted)
	})
}
