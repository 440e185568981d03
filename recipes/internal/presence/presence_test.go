package presence_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

const timeout = 6 * time.Second

func connect(t testing.TB, srv *zktest.Server, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	withTimeout := func(cfg *zk.Config) { cfg.SessionTimeout = timeout }
	return clienttest.Connect(t, srv, append([]func(*zk.Config){withTimeout}, change...)...)
}

// inBubble runs a test on an embedded server in virtual time, and checks that no
// node and no watch is left.
func inBubble(t *testing.T, f func(t *testing.T, srv *zktest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		f(t, srv)
		srv.OnRequest(nil)
		time.Sleep(time.Minute)
		require.Empty(t, srv.Children("/p"), "nodes left behind")
		require.Zero(t, srv.Watches(), "watches left behind: %v", srv.WatchPaths())
	})
}

// await waits until want accepts the status.
func await(t *testing.T, n *presence.Node, want func(presence.Status) bool) presence.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	for s := range n.Statuses(ctx) {
		if want(s) {
			return s
		}
	}
	require.FailNow(t, "never came", "last: %+v", n.Status())
	return presence.Status{}
}

func registered(s presence.Status) bool { return s.State == presence.Registered }

// after accepts a Registered status with a newer node than that of last.
func after(last presence.Status) func(presence.Status) bool {
	return func(s presence.Status) bool { return registered(s) && s.Czxid > last.Czxid }
}

func start(t *testing.T, c *zk.Client, cfg presence.Config) *presence.Node {
	t.Helper()
	n, err := presence.NewKeeper(c).Start(t.Context(), "/p/a", []byte("1"), cfg)
	require.NoError(t, err)
	return n
}

// oneReply makes v the verdict on the first request of an operation.
func oneReply(srv *zktest.Server, op string, v zktest.Verdict) {
	var once sync.Once
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		out := zktest.Pass
		if r.Op == op {
			once.Do(func() { out = v })
		}
		return out
	})
}

func data(t *testing.T, c *zk.Client, path string) string {
	t.Helper()
	n, err := c.Get(t.Context(), path)
	require.NoError(t, err)
	return string(n.Data)
}

func TestNode_IsKeptAcrossSessions(t *testing.T) {
	for name, cfg := range map[string]presence.Config{"fixed": {}, "sequential": {Sequential: true}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				n := start(t, c, cfg)
				var s presence.Status
				for range 20 {
					s = await(t, n, after(s))
					require.Equal(t, s.Session.ID(), srv.Owner(s.Path))
					require.Len(t, srv.Children("/p"), 1)
					require.NoError(t, s.Context.Err())
					require.NoError(t, srv.ExpireSession(s.Session.ID()))
					<-s.Context.Done()
				}
				s = await(t, n, after(s))
				require.NoError(t, n.Leave(t.Context()))
				require.ErrorIs(t, context.Cause(s.Context), presence.ErrLeft)
				require.Empty(t, srv.Children("/p"))
				require.NoError(t, n.Leave(t.Context()), "idempotent")
				require.Equal(t, presence.Ended, n.Status().State)
				require.ErrorIs(t, n.Update(t.Context(), nil), presence.ErrLeft)
			})
		})
	}
}

// The reply to each kind of request is lost in turn. There is exactly one node.
func TestNode_LostRepliesAreSettled(t *testing.T) {
	for _, sequential := range []bool{false, true} {
		for _, op := range []string{"create", "exists", "sync", "set", "delete"} {
			for fate, verdict := range map[string]zktest.Verdict{"done": zktest.DropReplyAndCut, "not done": zktest.CutBefore} {
				name := map[bool]string{true: "sequential "}[sequential] + op + " " + fate
				t.Run(name, func(t *testing.T) {
					inBubble(t, func(t *testing.T, srv *zktest.Server) {
						c := connect(t, srv)
						require.NoError(t, srv.Create("/p", nil))
						oneReply(srv, op, verdict)
						n := start(t, c, presence.Config{Sequential: sequential})
						s := await(t, n, registered)
						require.Len(t, srv.Children("/p"), 1)
						require.Equal(t, "1", data(t, c, s.Path))
						require.NoError(t, n.Update(t.Context(), []byte("2")))
						require.Equal(t, "2", data(t, c, s.Path))
						require.NoError(t, n.Leave(t.Context()))
						require.Empty(t, srv.Children("/p"))
					})
				})
			}
		}
	}
}

// A lapsed lease ends the registration's context although the session lives. The
// next registration begins with the same node.
func TestNode_LapsedLeaseIsConfirmedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{})
		first := await(t, n, registered)
		srv.Silence(1, true)
		<-first.Context.Done()
		require.ErrorIs(t, context.Cause(first.Context), zk.ErrLeaseLapsed)
		s := await(t, n, func(s presence.Status) bool { return s.State == presence.Unregistered })
		require.ErrorIs(t, s.Err, zk.ErrLeaseLapsed)
		srv.Silence(1, false)
		again := await(t, n, registered)
		require.Equal(t, first.Czxid, again.Czxid)
		require.NoError(t, again.Context.Err())
		require.NoError(t, n.Leave(t.Context()))
	})
}

func TestNode_AnothersNodeIsWaitedOut(t *testing.T) {
	foreign := func(t *testing.T, c *zk.Client) zk.Created {
		made, err := c.Create(t.Context(), "/p/a", []byte("other"), zk.Ephemeral)
		require.NoError(t, err)
		return made
	}
	taken := func(t *testing.T, n *presence.Node, owner *zk.Client, czxid int64) {
		s := await(t, n, func(s presence.Status) bool { return s.State == presence.Ended })
		var e *recipes.TakenError
		require.ErrorAs(t, s.Err, &e)
		require.ErrorIs(t, s.Err, presence.ErrIDTaken)
		require.Equal(t, recipes.TakenError{Path: "/p/a", Owner: owner.Session().ID(), Czxid: czxid}, *e)
		require.Equal(t, "other", data(t, owner, "/p/a"), "it is not ours to write to")
		require.NoError(t, n.Leave(t.Context()))
		require.True(t, srvHas(t, owner), "nor to delete")
	}
	t.Run("goes", func(t *testing.T) {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			c, other := connect(t, srv), connect(t, srv)
			require.NoError(t, srv.Create("/p", nil))
			foreign(t, other)
			n := start(t, c, presence.Config{})
			s := await(t, n, func(s presence.Status) bool { return s.Err != nil })
			require.Equal(t, presence.Unregistered, s.State)
			require.ErrorIs(t, s.Err, presence.ErrIDTaken)
			time.Sleep(19 * time.Second)
			require.NoError(t, srv.ExpireSession(other.Session().ID()))
			at := time.Now()
			await(t, n, registered)
			require.Zero(t, time.Since(at), "not by polling")
			require.NoError(t, n.Leave(t.Context()))
		})
	})
	t.Run("stays", func(t *testing.T) {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			c, other := connect(t, srv), connect(t, srv)
			require.NoError(t, srv.Create("/p", nil))
			made := foreign(t, other)
			began := time.Now()
			n := start(t, c, presence.Config{})
			taken(t, n, other, made.Stat.Czxid)
			require.Equal(t, 20*time.Second, time.Since(began).Truncate(time.Second))
			require.NoError(t, other.Delete(t.Context(), "/p/a", zk.AnyVersion))
		})
	})
	t.Run("is created again", func(t *testing.T) {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			c, other := connect(t, srv), connect(t, srv)
			require.NoError(t, srv.Create("/p", nil))
			foreign(t, other)
			n := start(t, c, presence.Config{})
			began := time.Now()
			await(t, n, func(s presence.Status) bool { return s.Err != nil })
			_, err := other.Multi(t.Context(), zk.DeleteOp("/p/a", 0), zk.CreateOp("/p/a", []byte("other"), zk.Ephemeral))
			require.NoError(t, err)
			stat, _, err := other.Exists(t.Context(), "/p/a")
			require.NoError(t, err)
			taken(t, n, other, stat.Czxid)
			require.Less(t, time.Since(began), time.Second, "nothing more to wait for")
			require.NoError(t, other.Delete(t.Context(), "/p/a", zk.AnyVersion))
		})
	})
	t.Run("is persistent", func(t *testing.T) {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			c := connect(t, srv)
			require.NoError(t, srv.Create("/p/a", nil))
			n := start(t, c, presence.Config{})
			s := await(t, n, func(s presence.Status) bool { return s.State == presence.Ended })
			require.ErrorContains(t, s.Err, "/p/a is a node that is not ephemeral")
			require.NoError(t, n.Leave(t.Context()))
			require.NoError(t, srv.Delete("/p/a"))
		})
	})
}

func srvHas(t *testing.T, c *zk.Client) bool {
	t.Helper()
	_, ok, err := c.Exists(t.Context(), "/p/a")
	require.NoError(t, err)
	return ok
}
