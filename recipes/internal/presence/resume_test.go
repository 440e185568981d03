package presence_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// detached returns a node at /p/a that no Node keeps.
func detached(t *testing.T, c *zk.Client, cfg presence.Config) recipes.Detached {
	t.Helper()
	n := start(t, c, cfg)
	await(t, n, registered)
	d, err := n.Detach()
	require.NoError(t, err)
	return d
}

// resume resumes the node at /p/a with another Keeper.
func resume(t *testing.T, c *zk.Client, d recipes.Detached) *presence.Node {
	t.Helper()
	n, err := presence.NewKeeper(c).Resume(t.Context(), "/p/a", d, []byte("1"), presence.Config{})
	require.NoError(t, err)
	return n
}

// atFirst calls f with the first request of an operation. Its result is the verdict.
func atFirst(srv *zktest.Server, op string, f func() zktest.Verdict) {
	var once sync.Once
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		out := zktest.Pass
		if r.Op == op {
			once.Do(func() { out = f() })
		}
		return out
	})
}

// Somebody deletes the node when Resume has read it and does not watch it yet. Resume
// does not register another node under its name: the caller asked for this one.
func TestResume_NodeThatIsDeletedMeanwhile(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		d := detached(t, c, presence.Config{})
		atFirst(srv, "exists", func() zktest.Verdict {
			_ = srv.Delete(d.Path) // an error shows in what the test sees
			return zktest.Pass
		})
		n := resume(t, c, d)
		s := await(t, n, func(s presence.Status) bool { return s.State != presence.Unregistered })
		require.Equal(t, presence.Ended, s.State, "it registers node %d instead of %d", s.Czxid, d.Token)
		require.ErrorIs(t, s.Err, presence.ErrDeleted)
		n.LetGo()
	})
}

// The right to read the node is taken away when Resume has read it and does not watch it
// yet. Resume gives up, and the node is as it was.
func TestResume_NodeThatMayNotBeReadMeanwhileStays(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		d := detached(t, c, presence.Config{})
		atFirst(srv, "exists", func() zktest.Verdict { return zktest.Fail(int32(proto.NoAuth)) })
		n := resume(t, c, d)
		s := await(t, n, func(s presence.Status) bool { return s.State != presence.Unregistered })
		n.LetGo()
		require.ErrorIs(t, s.Err, zk.ErrNoAuth)
		time.Sleep(time.Minute)
		require.True(t, srv.Exists(d.Path), "Resume has deleted the node that it was to take over")
		n = resume(t, c, d)
		require.Equal(t, d.Token, await(t, n, registered).Czxid)
		require.NoError(t, n.Leave(t.Context()))
	})
}

// Between Detach's look at the status and the end of the Node, somebody deletes the node,
// and the Node creates the next one. That one is not registered yet. It is not handed
// over, and not left behind.
func TestDetach_NodeThatIsReplacedMeanwhile(t *testing.T) {
	for name, cfg := range map[string]presence.Config{"fixed": {}, "sequential": {Sequential: true}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				n := start(t, c, cfg)
				first := await(t, n, registered)
				made, unwatched := make(chan struct{}), make(chan struct{})
				var once sync.Once
				var again atomic.Bool
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					switch r.Op {
					case "create":
						again.Store(true)
					case "exists":
						if again.Load() {
							once.Do(func() { close(made); <-unwatched })
						}
					}
					return zktest.Pass
				})
				time.Sleep(2 * time.Second) // the Node creates the next one at once
				require.NoError(t, srv.Delete(first.Path))
				<-made
				d, err := n.HandOver()
				close(unwatched)
				require.ErrorIs(t, err, recipes.ErrNotHeld, "it hands %+v over", d)
				require.NoError(t, n.Leave(t.Context()))
				time.Sleep(time.Minute)
				require.Empty(t, srv.Children("/p"), "nobody deletes the node")
			})
		})
	}
}

// The next registration is handed over if it is there.
func TestDetach_NodeThatIsRegisteredAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{})
		first := await(t, n, registered)
		require.NoError(t, srv.Delete(first.Path))
		next := await(t, n, after(first))
		d, err := n.HandOver()
		require.NoError(t, err)
		require.Equal(t, recipes.Detached{Path: next.Path, Token: next.Czxid}, d)
		n = resume(t, c, d)
		await(t, n, registered)
		require.NoError(t, n.Leave(t.Context()))
	})
}

// The janitor still has to delete a node that somebody else has deleted meanwhile.
// Another part of the process creates the next node at the path, in the same session.
// The janitor leaves that one alone.
func TestLeave_JanitorKnowsItsNodeFromTheNext(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{})
		first := await(t, n, registered)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "delete" {
				return zktest.Fail(int32(proto.NoAuth))
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, n.Leave(ctx), zk.ErrUnconfirmed)
		synctest.Wait() // the janitor has tried, and pauses: it does not see the path without a node
		require.NoError(t, srv.Delete(first.Path))
		next := start(t, c, presence.Config{})
		s := await(t, next, registered)
		srv.OnRequest(nil)
		time.Sleep(5 * time.Minute) // the janitor tries again
		require.True(t, srv.Exists(s.Path))
		require.Equal(t, s.Czxid, next.Status().Czxid, "the node was deleted and made again")
		require.NoError(t, next.Leave(t.Context()))
	})
}
