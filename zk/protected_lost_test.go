package zk_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 48: the reply of the create is lost, and the ensemble stays away for a
// while. When it is back, Create finds the node by its GUID, in the same session.
func TestCreate_ProtectedIsFoundAfterALongOutage(t *testing.T) {
	for _, mode := range []zk.CreateMode{zk.EphemeralSequential, zk.Ephemeral, zk.PersistentSequential, zk.Persistent, zk.Container} {
		for _, harm := range []zktest.Verdict{zktest.DropReplyAndCut, zktest.CutBefore} {
			t.Run(mode.String(), func(t *testing.T) {
				bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
					require.NoError(t, srv.Create("/root/dir", nil))
					c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/root" })
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
					guid := zk.NewGUID()
					made, err := c.Create(inTime(t), "/dir/x-", []byte("data"), mode, zk.ProtectedBy(guid))
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
func TestCreate_ProtectedWhoseSessionEndsIsNotFoundInTheNext(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
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
		_, err := c.Create(inTime(t), "/dir/x-", nil, zk.EphemeralSequential, zk.Protected())
		require.Error(t, err)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		require.NoError(t, c.Ready(inTime(t)))
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.NotEqual(t, old.ID(), c.Session().ID())
		require.Empty(t, srv.Children("/dir"))
		time.Sleep(time.Minute)
		require.Empty(t, srv.Children("/dir"), "and none appears later")
	})
}

// failures: 48, 49: a caller that gives up a protected create, at any moment, leaves
// no node.
func TestCreate_ProtectedThatWasGivenUpLeavesNoNode(t *testing.T) {
	for ms := range 12 {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := connect(t, srv)
			require.NoError(t, srv.Create("/dir", nil))
			srv.Delay(1, 3*time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(ms)*time.Millisecond)
			defer cancel()
			if ms%2 == 1 {
				onNth(srv, "create", 1, zktest.DropReplyAndCut)
			}
			start := time.Now()
			made, err := c.Create(ctx, "/dir/x-", nil, zk.EphemeralSequential, zk.Protected())
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

// failures: 48: of several nodes with the GUID, FindProtected returns the oldest and
// deletes the others.
func TestFindProtected_KeepsTheOldestAndDeletesTheRest(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ctx := inTime(t)
		require.NoError(t, srv.Create("/dir/other", nil))
		guid := zk.NewGUID()
		var first zk.Created
		for i := range 4 {
			made, err := c.Create(ctx, "/dir/x-", nil, zk.EphemeralSequential, zk.ProtectedBy(guid))
			require.NoError(t, err)
			if i == 0 {
				first = made
			}
		}
		found, ok, err := c.FindProtected(ctx, c.Session(), "/dir", guid)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, first, found)
		time.Sleep(time.Second)
		synctest.Wait()
		require.ElementsMatch(t, []string{"other", first.Path[len("/dir/"):]}, srv.Children("/dir"))

		_, ok, err = c.FindProtected(ctx, c.Session(), "/dir", zk.NewGUID())
		require.NoError(t, err)
		require.False(t, ok)
		_, ok, err = c.FindProtected(ctx, nil, "/absent", guid)
		require.NoError(t, err, "where there is no directory there is no node")
		require.False(t, ok)
	})
}

// failures: 50: if the session has expired, or was given up by the client's clock,
// FindProtected returns an error and never a node.
func TestFindProtected_OfASessionThatIsOverIsAnError(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.NoError(t, srv.Create("/dir", nil))
		old := c.Session()
		guid := zk.NewGUID()
		_, err := c.Create(t.Context(), "/dir/x-", nil, zk.EphemeralSequential, zk.ProtectedBy(guid))
		require.NoError(t, err)
		require.NoError(t, srv.ExpireSession(old.ID()))
		<-old.Context().Done()
		_, ok, err := c.FindProtected(inTime(t), old, "/dir", guid)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.False(t, ok)
		_, err = c.Create(inTime(t), "/dir/x-", nil, zk.EphemeralSequential, zk.ProtectedBy(guid), zk.InSession(old))
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
	})
}

func TestProtected_NamesAreCuratorsAndGUIDsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		g := zk.NewGUID()
		require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, g)
		require.False(t, seen[g])
		seen[g] = true
	}
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		_, err := c.Pipeline().Create(t.Context(), "/x", nil, zk.Persistent, zk.Protected()).Wait(t.Context())
		require.ErrorIs(t, err, zk.ErrBadArguments, "a pipeline cannot look for it")
		guid := zk.NewGUID()
		made, err := c.Pipeline().Create(t.Context(), "/x", nil, zk.Persistent, zk.ProtectedBy(guid)).Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, "/_c_"+guid+"-x", made.Path)
	})
}
