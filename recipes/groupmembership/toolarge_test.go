package groupmembership_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A list of members that does not fit into a reply is an error at once, not a view
// that never comes. So it is when the list grows while the group is watched, and is
// read again after a gap.
func TestWatch_ListThatIsLargerThanAReply(t *testing.T) {
	for _, old := range []bool{false, true} {
		t.Run(fmt.Sprintf("old=%v", old), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{DisableWatchAndContainer: old})
				crowd := newCrowd(t, srv, 10)
				c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.MaxReplySize = 2000 })
				g := groupmembership.New(c, "/g", groupmembership.Config{})

				e := watch(t, g)
				require.Equal(t, 10, e.next().Len())
				for range 190 {
					crowd.join(t)
				}
				srv.CutConnections(1)
				time.Sleep(time.Minute)
				e.drain()
				requireTooLarge(t, e.end())

				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				for s, err := range g.Watch(ctx) {
					require.Zero(t, s.Len())
					requireTooLarge(t, err)
				}
				require.Less(t, time.Since(start), time.Second)
				_, err := g.Members(ctx)
				requireTooLarge(t, err)
			})
		})
	}
}

// One member is too large for a reply. The others have no Err, also if their reads wait
// for room in the client.
func TestMembers_BehindATooLargeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		require.NoError(t, srv.Create("/g", nil))
		other := clienttest.Connect(t, srv)
		for i := range 10 {
			size := 10
			if i == 3 {
				size = 5000
			}
			_, err := other.Create(t.Context(), fmt.Sprintf("/g/%d", i), make([]byte, size), zk.Ephemeral)
			require.NoError(t, err)
		}
		c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.MaxReplySize, cfg.MaxInFlight = 3000, 4 })
		for range 20 { // the server lists the names in any order
			members, err := groupmembership.New(c, "/g", groupmembership.Config{}).Members(t.Context())
			require.NoError(t, err)
			require.Len(t, members, 10)
			for _, m := range members {
				require.Equal(t, m.ID == "3", m.Err != nil, "%v: %v", m.ID, m.Err)
			}
		}
	})
}

func requireTooLarge(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, zk.ErrReplyTooLarge)
	for _, want := range []string{"/g", "limit 2000", "MaxReplySize"} {
		require.ErrorContains(t, err, want)
	}
}
