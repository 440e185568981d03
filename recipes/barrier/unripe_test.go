package barrier_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/recipestest"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// unripe connects a client that has no lease yet.
func unripe(t *testing.T, srv *zktest.Server) *zk.Client {
	return recipestest.Unripe(t, srv, connect(t, srv))
}

// A party was let in and waits for its lease, and somebody deletes its node. Enter
// says so at once, and returns no Entry.
func TestDouble_NodeIsDeletedWhileTheLeaseRipens(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		b := unripe(t, srv)
		late := enter(t.Context(), barrier.NewDouble(b, "/b", 2, barrier.DoubleConfig{}))
		require.True(t, late.waits())
		other := enter(t.Context(), barrier.NewDouble(connect(t, srv), "/b", 2, barrier.DoubleConfig{})).in(t)
		require.True(t, late.waits(), "it has a lease")
		for _, name := range srv.Children("/b") {
			if srv.Owner("/b/"+name) == b.Session().ID() {
				require.NoError(t, srv.Delete("/b/"+name))
			}
		}
		start := time.Now()
		err, entries := late.failed(), []*barrier.Entry{other}
		if err == nil {
			entries = append(entries, late.e)
		}
		leaveAll(t, entries...)
		require.ErrorIs(t, err, barrier.ErrDeleted)
		require.Less(t, time.Since(start), 100*time.Millisecond)
	})
}
