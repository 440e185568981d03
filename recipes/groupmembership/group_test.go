package groupmembership_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

const timeout = 6 * time.Second

func connect(t testing.TB, srv *zktest.Server, auth ...zk.Authenticator) *zk.Client {
	t.Helper()
	return clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.SessionTimeout, cfg.Auth = timeout, auth })
}

func group(t testing.TB, srv *zktest.Server) *groupmembership.Group {
	return groupmembership.New(connect(t, srv), "/g", groupmembership.Config{})
}

// inBubble runs a test on an embedded server in virtual time, and checks that it
// leaves no member and no watch behind.
func inBubble(t *testing.T, cfg zktest.Config, f func(t *testing.T, srv *zktest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, cfg)
		f(t, srv)
		srv.OnRequest(nil)
		time.Sleep(time.Minute)
		require.Empty(t, srv.Children("/g"), "members left behind")
		require.Zero(t, srv.Watches(), "watches left behind: %v", srv.WatchPaths())
	})
}

// onBoth runs a test with a recursive watch, and with an old server, where there is
// none.
func onBoth(t *testing.T, f func(t *testing.T, srv *zktest.Server)) {
	for name, cfg := range map[string]zktest.Config{"recursive": {}, "one-shot": {DisableWatchAndContainer: true}} {
		t.Run(name, func(t *testing.T) { inBubble(t, cfg, f) })
	}
}

func join(t *testing.T, g *groupmembership.Group, id, data string) *groupmembership.Membership {
	t.Helper()
	m, err := g.Join(t.Context(), id, []byte(data))
	require.NoError(t, err)
	return m
}

// names returns the members in a list, with their data.
func names(ms []groupmembership.Member) map[string]string {
	out := map[string]string{}
	for _, m := range ms {
		out[m.ID] = string(m.Data)
	}
	return out
}

type dict = map[string]string

func members(t *testing.T, g *groupmembership.Group) dict {
	t.Helper()
	ms, err := g.Members(t.Context())
	require.NoError(t, err)
	require.Len(t, names(ms), len(ms))
	return names(ms)
}

func TestGroup_JoinUpdateLeave(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		g, other := group(t, srv), group(t, srv)
		require.Empty(t, members(t, g), "no directory, no members")
		a, b := join(t, g, "a", "1"), join(t, other, "b", "")
		require.Equal(t, "/g/a", a.Path())
		require.Equal(t, "a", a.ID())
		require.NoError(t, a.Context().Err())
		require.Equal(t, dict{"a": "1", "b": ""}, members(t, other))
		require.NoError(t, a.Update(t.Context(), []byte("2")))
		require.Equal(t, dict{"a": "2", "b": ""}, members(t, other))
		ms, err := other.Members(t.Context())
		require.NoError(t, err)
		require.Equal(t, a.Status().Czxid, ms[0].Czxid)
		require.Equal(t, a.Status().Session.ID(), ms[0].Session)
		require.Equal(t, srv.Owner("/g/a"), ms[0].Session)

		ctx := a.Context()
		require.NoError(t, a.Leave(t.Context()))
		require.ErrorIs(t, context.Cause(ctx), groupmembership.ErrLeft)
		require.ErrorIs(t, a.Update(t.Context(), nil), groupmembership.ErrLeft)
		require.Equal(t, dict{"b": ""}, members(t, g))
		a = join(t, g, "a", "again")
		require.Equal(t, dict{"a": "again", "b": ""}, members(t, g))
		require.NoError(t, a.Leave(t.Context()))
		require.NoError(t, b.Leave(t.Context()))
	})
}

func TestGroup_BadInput(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		g := group(t, srv)
		for _, id := range []string{"", "a/b", ".", "a\x00"} {
			_, err := g.Join(t.Context(), id, nil)
			require.ErrorIs(t, err, zk.ErrInvalidPath, "%q", id)
			require.ErrorIs(t, g.Maintain(t.Context(), id, nil), zk.ErrInvalidPath)
		}
		_, err := g.Join(t.Context(), "a", make([]byte, 2<<20))
		require.ErrorIs(t, err, zk.ErrTooLarge)
		bad := groupmembership.New(connect(t, srv), "/g", groupmembership.Config{WaitOut: -1})
		_, err = bad.Join(t.Context(), "a", nil)
		require.ErrorContains(t, err, "groupmembership: /g: negative duration: WaitOut -1ns")
		require.False(t, srv.Exists("/g/a"))
	})
}

// failures: 92: a process that was killed comes back with its id before its old
// session has expired. It joins when the old node goes, and is not fooled by it.
func TestGroup_RestartedMemberWaitsForItsOldNode(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		killed := connect(t, srv)
		require.NoError(t, srv.Create("/g", nil))
		_, err := killed.Create(t.Context(), "/g/a", []byte("old"), zk.Ephemeral)
		require.NoError(t, err)
		old := killed.Session().ID()
		time.AfterFunc(5*time.Second, func() { srv.ExpireSession(old) }) // its process does not renew it

		g := group(t, srv)
		began := time.Now()
		m := join(t, g, "a", "new")
		require.Equal(t, 5*time.Second, time.Since(began), "as soon as it is gone")
		require.NotEqual(t, old, srv.Owner("/g/a"))
		require.Equal(t, dict{"a": "new"}, members(t, g))
		require.NoError(t, m.Leave(t.Context()))
	})
}

func TestGroup_IDOfALiveMemberIsTaken(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		first, second := group(t, srv), group(t, srv)
		m := join(t, first, "a", "1")
		began := time.Now()
		_, err := second.Join(t.Context(), "a", nil)
		require.ErrorIs(t, err, groupmembership.ErrIDTaken)
		var taken *recipes.TakenError
		require.ErrorAs(t, err, &taken)
		require.Equal(t, m.Status().Session.ID(), taken.Owner)
		require.Equal(t, 20*time.Second, time.Since(began).Truncate(time.Second))
		_, err = first.Join(t.Context(), "a", nil)
		require.ErrorIs(t, err, groupmembership.ErrIDTaken, "in one process at once")
		require.ErrorIs(t, second.Maintain(t.Context(), "a", nil), groupmembership.ErrIDTaken)
		require.NoError(t, m.Context().Err())
		require.Equal(t, dict{"a": "1"}, members(t, second))
		require.NoError(t, m.Leave(t.Context()))
	})
}

// failures: 100: Join returns a refusal of the server at once. Maintain retries
// slowly, shows the refusal in the status, and succeeds when the right is granted.
func TestGroup_NoAuthIsReportedAndRetriedSlowly(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		admin, g := connect(t, srv), group(t, srv)
		_, err := admin.Create(t.Context(), "/g", nil, zk.Persistent, zk.WithACL(zk.WorldACL(zk.PermRead|zk.PermAdmin)...))
		require.NoError(t, err)
		_, err = g.Join(t.Context(), "a", nil)
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.NotErrorIs(t, err, zk.ErrUnconfirmed)

		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- g.Maintain(ctx, "a", []byte("1")) }()
		synctest.Wait()
		m, ok := g.Find("a")
		require.True(t, ok)
		require.ErrorIs(t, m.Status().Err, zk.ErrNoAuth)
		require.Error(t, m.Context().Err(), "never registered")
		before := srv.Requests()
		time.Sleep(10 * time.Minute)
		pings := int64(10 * time.Minute / (timeout / 12))
		require.Less(t, srv.Requests()-before-3*pings, int64(50))
		_, err = admin.SetACL(t.Context(), "/g", zk.WorldACL(zk.PermAll), zk.AnyVersion)
		require.NoError(t, err)
		time.Sleep(31 * time.Second)
		require.Equal(t, dict{"a": "1"}, members(t, g))
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.Empty(t, srv.Children("/g"))
		_, ok = g.Find("a")
		require.False(t, ok)
	})
}

// failures: 91, 96: Maintain joins again after the loss of its session, with the
// newest data, and leaves when its context ends, also when nothing is reachable.
func TestGroup_MaintainKeepsAndLeaves(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		g, other := groupmembership.New(c, "/g", groupmembership.Config{}), group(t, srv)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- g.Maintain(ctx, "a", []byte("1")) }()
		synctest.Wait()
		m, ok := g.Find("a")
		require.True(t, ok)
		require.Equal(t, dict{"a": "1"}, members(t, other))

		was := m.Context()
		srv.Silence(1, true)
		updated := make(chan error)
		go func() { updated <- m.Update(t.Context(), []byte("2")) }()
		time.Sleep(2 * timeout)
		require.ErrorIs(t, context.Cause(was), zk.ErrLeaseLapsed)
		srv.Silence(1, false)
		require.NoError(t, <-updated)
		require.Equal(t, dict{"a": "2"}, members(t, other))
		time.Sleep(time.Second) // a younger session that ends is a storm, with longer pauses
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		time.Sleep(time.Second)
		require.Equal(t, dict{"a": "2"}, members(t, other))
		require.NoError(t, m.Context().Err())

		srv.Silence(1, true)
		began := time.Now()
		cancel()
		err := <-done
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, zk.ErrUnconfirmed)
		require.LessOrEqual(t, time.Since(began), timeout+time.Second)
		srv.Silence(1, false)
		time.Sleep(3 * timeout)
		require.Empty(t, members(t, other))
	})
}

// A Join that is given up leaves nothing, whatever it was doing.
func TestGroup_CancelledJoinLeavesNothing(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		g := group(t, srv)
		srv.Delay(1, 3*time.Millisecond)
		joined := 0
		for i := range 300 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%30)*time.Millisecond)
			m, err := g.Join(ctx, "a", nil)
			if err == nil {
				joined++
				require.NoError(t, m.Leave(t.Context()))
			} else {
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}
			cancel()
		}
		require.Positive(t, joined)
		require.Less(t, joined, 290)
		srv.Delay(1, 0)
		time.Sleep(time.Minute)
		require.Empty(t, srv.Children("/g"))
	})
}

// A session ends while its member is being created. The server then refuses the
// create. Join does not return that refusal: the member joins at once in the next
// session.
func TestJoin_SessionThatEndsMeanwhileIsNoRefusal(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.NoError(t, srv.Create("/group", nil))
		first := c.Session().ID()
		var ended atomic.Bool
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "create" && r.Session == first && !ended.Swap(true) {
				go func() { _ = srv.ExpireSession(first) }()
				return zktest.Fail(int32(zk.ErrSessionExpired))
			}
			return zktest.Pass
		})
		start := time.Now()
		m, err := groupmembership.New(c, "/group", groupmembership.Config{}).Join(t.Context(), "a", nil)
		require.NoError(t, err)
		require.True(t, ended.Load())
		require.NotEqual(t, first, srv.Owner("/group/a"))
		require.Less(t, time.Since(start), 5*time.Second)
		require.NoError(t, m.Leave(t.Context()))
	})
}

// A server that throttles the create refuses nothing: Join goes on.
func TestJoin_ThrottledCreateIsNoRefusal(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv, func(cfg *zk.Config) {
			cfg.BackOff = func() backoff.BackOff { return &backoff.StopBackOff{} }
		})
		var tries atomic.Int32
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "create" && r.Path == "/g/a" && tries.Add(1) < 3 {
				return zktest.Fail(int32(zk.ErrThrottled))
			}
			return zktest.Pass
		})
		m, err := groupmembership.New(c, "/g", groupmembership.Config{}).Join(t.Context(), "a", nil)
		require.NoError(t, err)
		require.NoError(t, m.Leave(t.Context()))
	})
}
