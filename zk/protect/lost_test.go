package protect_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// failures: 48: the reply of the create is lost, and the ensemble stays away for a
// while. When it is back, Create finds the node by its GUID, in the same session.
func TestCreate_IsFoundAfterALongOutage(t *testing.T) {
	for _, mode := range []zk.CreateMode{zk.EphemeralSequential, zk.Ephemeral, zk.PersistentSequential, zk.Persistent, zk.Container} {
		for _, harm := range []zktest.Verdict{zktest.DropReplyAndCut, zktest.CutBefore} {
			t.Run(mode.String(), func(t *testing.T) {
				clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
					require.NoError(t, srv.Create("/root/dir", nil))
					c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/root" })
					id := c.Session().ID()
					first := true
					srv.OnRequest(func(r zktest.Request) zktest.Verdict {
						if r.Op != "create" || !first {
							return zktest.Pass
						}
						first = false
						go srv.Down(1, true)
						return harm
					})
					time.AfterFunc(4*time.Second, func() { srv.Down(1, false) })
					guid := protect.NewGUID()
					made, err := protect.CreateAs(clienttest.InTime(t), c, guid, "/dir/x-", []byte("data"), mode)
					require.NoError(t, err)
					require.Equal(t, id, c.Session().ID())
					require.True(t, strings.HasPrefix(made.Path, "/dir/_c_"+guid+"-x-"), made.Path)
					require.NotZero(t, made.Stat.Czxid)
					require.Len(t, srv.Children("/root/dir"), 1, "one node")
					if strings.Contains(mode.String(), "ephemeral") {
						require.Equal(t, id, made.Stat.EphemeralOwner)
					}
				})
			})
		}
	}
}

// failures: 48, 50: the session ends while the create's outcome is open. The node
// goes with it, and none is created in the next session.
func TestCreate_NodeOfAnEndedSessionIsNotFoundInTheNext(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		require.NoError(t, srv.Create("/dir", nil))
		old := c.Session()
		first := true
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op != "create" || !first {
				return zktest.Pass
			}
			first = false
			go func() { _ = srv.ExpireSession(old.ID()) }()
			return zktest.DropReplyAndCut
		})
		_, err := protect.Create(clienttest.InTime(t), c, "/dir/x-", nil, zk.EphemeralSequential)
		require.Error(t, err)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		require.NoError(t, c.Ready(clienttest.InTime(t)))
		require.NoError(t, c.Sync(clienttest.InTime(t), "/"))
		require.NotEqual(t, old.ID(), c.Session().ID())
		require.Empty(t, srv.Children("/dir"))
		time.Sleep(time.Minute)
		require.Empty(t, srv.Children("/dir"), "and none appears later")
	})
}

// failures: 48, 49: a caller that gives up a protected create, at any moment, leaves
// no node.
func TestCreate_ThatWasGivenUpLeavesNoNode(t *testing.T) {
	for ms := range 12 {
		clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := clienttest.Connect(t, srv)
			require.NoError(t, srv.Create("/dir", nil))
			srv.Delay(1, 3*time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(ms)*time.Millisecond)
			defer cancel()
			if ms%2 == 1 {
				clienttest.OnNth(srv, "create", 1, zktest.DropReplyAndCut)
			}
			start := time.Now()
			made, err := protect.Create(ctx, c, "/dir/x-", nil, zk.EphemeralSequential)
			require.LessOrEqual(t, time.Since(start), time.Duration(ms)*time.Millisecond)
			srv.Delay(1, 0)
			time.Sleep(10 * time.Second)
			if err == nil {
				require.Equal(t, []string{made.Path[len("/dir/"):]}, srv.Children("/dir"))
				return
			}
			require.NotEqual(t, zk.OutcomeRejected, zk.OutcomeOf(err))
			require.Empty(t, srv.Children("/dir"))
		})
	}
}

// failures: 48: of several nodes with the GUID, Find returns the oldest and
// deletes the others.
func TestFind_KeepsTheOldestAndDeletesTheRest(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		ctx := clienttest.InTime(t)
		require.NoError(t, srv.Create("/dir/other", nil))
		guid := protect.NewGUID()
		var first zk.Created
		for i := range 4 {
			made, err := protect.CreateAs(ctx, c, guid, "/dir/x-", nil, zk.EphemeralSequential)
			require.NoError(t, err)
			if i == 0 {
				first = made
			}
		}
		found, ok, err := protect.Find(ctx, c, c.Session(), "/dir", guid)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, first, found)
		time.Sleep(time.Second)
		synctest.Wait()
		require.ElementsMatch(t, []string{"other", first.Path[len("/dir/"):]}, srv.Children("/dir"))

		_, ok, err = protect.Find(ctx, c, c.Session(), "/dir", protect.NewGUID())
		require.NoError(t, err)
		require.False(t, ok)
		_, ok, err = protect.Find(ctx, c, nil, "/absent", guid)
		require.NoError(t, err, "where there is no directory there is no node")
		require.False(t, ok)
	})
}

// failures: 50: if the session has expired, or was given up by the client's clock,
// Find returns an error and never a node.
func TestFind_OfASessionThatIsOverIsAnError(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		require.NoError(t, srv.Create("/dir", nil))
		old := c.Session()
		guid := protect.NewGUID()
		_, err := protect.CreateAs(t.Context(), c, guid, "/dir/x-", nil, zk.EphemeralSequential)
		require.NoError(t, err)
		require.NoError(t, srv.ExpireSession(old.ID()))
		<-old.Context().Done()
		_, ok, err := protect.Find(clienttest.InTime(t), c, old, "/dir", guid)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.False(t, ok)
		_, err = protect.CreateAs(clienttest.InTime(t), c, guid, "/dir/x-", nil, zk.EphemeralSequential, zk.InSession(old))
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
	})
}

func TestCreate_NamesAreCuratorsAndGUIDsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		g := protect.NewGUID()
		require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, g)
		require.False(t, seen[g])
		seen[g] = true
	}
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		guid := protect.NewGUID()
		made, err := c.Pipeline().Create(t.Context(), protect.Path("/x", guid), nil, zk.Persistent).Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, "/_c_"+guid+"-x", made.Path)
	})
}
