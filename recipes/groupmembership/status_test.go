package groupmembership_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The status of a Group has the members of this process that have not ended, and makes no
// request.
func TestGroup_Status(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		g := groupmembership.New(clienttest.Connect(t, srv), "/g", groupmembership.Config{})
		require.Empty(t, g.Status())
		a, err := g.Join(t.Context(), "a", nil)
		require.NoError(t, err)
		b, err := g.Join(t.Context(), "b", nil)
		require.NoError(t, err)
		other, err := groupmembership.New(clienttest.Connect(t, srv), "/g", groupmembership.Config{}).Join(t.Context(), "other", nil)
		require.NoError(t, err)

		requests, all := srv.Requests(), g.Status()
		require.Equal(t, requests, srv.Requests())
		require.Equal(t, []string{"a", "b"}, slices.Sorted(maps.Keys(all)))
		require.Equal(t, groupmembership.Registered, all["a"].State)
		require.NoError(t, all["a"].Ready())
		require.Equal(t, "/g/a", all["a"].Path)

		time.Sleep(time.Second)
		srv.Silence(1, true)
		<-a.Context().Done()
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, groupmembership.Unregistered, g.Status()["a"].State)
		require.ErrorIs(t, g.Status()["a"].Err, zk.ErrLeaseLapsed)
		srv.Silence(1, false)
		time.Sleep(10 * time.Second)
		require.Equal(t, groupmembership.Registered, g.Status()["a"].State)
		require.NoError(t, a.Leave(t.Context()))
		require.Equal(t, []string{"b"}, slices.Sorted(maps.Keys(g.Status())))
		require.NoError(t, b.Leave(t.Context()))
		require.Empty(t, g.Status())
		require.NoError(t, other.Leave(t.Context()))
	})
}
