package groupmembership_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// eye watches a group.
type eye struct {
	t     *testing.T
	seen  chan groupmembership.Snapshot
	last  groupmembership.Snapshot
	known bool  // last is one that came
	err   error // when seen is closed
	stop  context.CancelFunc
}

func watch(t *testing.T, g *groupmembership.Group) *eye { return watchSlowly(t, g, nil) }

// watchSlowly is watch with a reader that pauses.
func watchSlowly(t *testing.T, g *groupmembership.Group, pauses *rand.Rand) *eye {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	e := &eye{t: t, seen: make(chan groupmembership.Snapshot, 10_000), stop: cancel}
	go func() {
		defer close(e.seen)
		for s, err := range g.Watch(ctx) {
			if e.err != nil {
				t.Error("something came after the error")
			}
			if err != nil {
				e.err = err
				continue
			}
			e.seen <- s
			if pauses != nil {
				time.Sleep(time.Duration(pauses.IntN(3000)) * time.Millisecond)
			}
		}
	}()
	t.Cleanup(func() { _ = e.end() }) // also when the test has failed
	return e
}

// next returns the next snapshot, and checks that it follows from the one before.
func (e *eye) next() groupmembership.Snapshot {
	e.t.Helper()
	select {
	case s, ok := <-e.seen:
		if !ok {
			require.FailNow(e.t, "watch ended", "%v", e.err)
		}
		e.check(s)
		return s
	case <-time.After(10 * time.Minute):
		require.FailNow(e.t, "no snapshot came")
	}
	return groupmembership.Snapshot{}
}

func (e *eye) check(s groupmembership.Snapshot) {
	e.t.Helper()
	want := map[string]int64{}
	for _, m := range e.last.Members() {
		want[m.ID] = m.Czxid
	}
	for _, m := range s.Left {
		require.Equal(e.t, want[m.ID], m.Czxid, "left what was not there")
		delete(want, m.ID)
	}
	for _, m := range s.Joined {
		require.NotContains(e.t, want, m.ID, "joined what was there")
		want[m.ID] = m.Czxid
	}
	have := map[string]int64{}
	for _, m := range s.Members() {
		have[m.ID] = m.Czxid
	}
	require.Equal(e.t, want, have, "members do not follow from joined and left")
	require.GreaterOrEqual(e.t, s.Zxid, e.last.Zxid)
	require.IsIncreasing(e.t, append([]string{""}, ids(s.Members())...))
	e.last, e.known = s, true
}

// drain takes everything that is there, and returns how many there were.
func (e *eye) drain() int {
	synctest.Wait()
	n := 0
	for len(e.seen) > 0 {
		e.next()
		n++
	}
	return n
}

// end stops the watching and returns its error.
func (e *eye) end() error {
	e.stop()
	for range e.seen {
	}
	return e.err
}

func ids(ms []groupmembership.Member) []string {
	out := []string{}
	for _, m := range ms {
		out = append(out, m.ID)
	}
	return out
}

// failures: 35: every join, change and leave is reported. When the last member
// leaves, the group is empty.
func TestWatch_ReportsEveryChange(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		g := group(t, srv)
		e := watch(t, group(t, srv))
		s := e.next()
		require.Empty(t, s.Members(), "no directory: known to be empty")
		require.False(t, s.Stale)
		a := join(t, g, "a", "1")
		s = e.next()
		require.Equal(t, dict{"a": "1"}, names(s.Joined))
		require.Equal(t, dict{"a": "1"}, names(s.Members()))
		require.GreaterOrEqual(t, s.Zxid, a.Status().Czxid)
		b := join(t, g, "b", "1")
		require.Equal(t, []string{"b"}, ids(e.next().Joined))
		require.NoError(t, a.Update(t.Context(), []byte("2")))
		s = e.next()
		require.Equal(t, dict{"a": "2"}, names(s.Changed))
		require.Empty(t, s.Joined)
		require.Equal(t, dict{"a": "2", "b": "1"}, names(s.Members()))
		require.NoError(t, a.Leave(t.Context()))
		require.Equal(t, dict{"a": "2"}, names(e.next().Left))
		require.NoError(t, b.Leave(t.Context()))
		s = e.next()
		require.Equal(t, []string{"b"}, ids(s.Left))
		require.Empty(t, s.Members())
		require.False(t, s.Stale)
		require.Zero(t, e.drain())
		require.ErrorIs(t, e.end(), context.Canceled)
	})
}

// failures: 34: the directory is removed, as a container is, and created again by
// the next member. The watch goes on, without a busy loop while it is missing.
func TestWatch_OutlivesItsDirectory(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		g := group(t, srv)
		e := watch(t, group(t, srv))
		require.Empty(t, e.next().Members())
		for i := range 5 {
			m := join(t, g, "a", fmt.Sprint(i))
			require.Equal(t, dict{"a": fmt.Sprint(i)}, names(e.next().Joined))
			require.NoError(t, m.Leave(t.Context()))
			require.Empty(t, e.next().Members())
			require.NoError(t, srv.Delete("/g"))
			before := srv.Requests()
			time.Sleep(10 * time.Minute)
			require.Zero(t, e.drain(), "an empty group that stays empty is no news")
			// Two clients with a ping twelve times a timeout each.
			require.Less(t, srv.Requests()-before, int64(3*12*10*time.Minute/timeout))
		}
		require.ErrorIs(t, e.end(), context.Canceled)
	})
}

// failures: 103: in an outage the last view stays, marked as stale. The outage
// makes no member leave. Members that did leave meanwhile are reported after it.
func TestWatch_KeepsTheLastViewInAnOutage(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		g := group(t, srv)
		a, b := join(t, g, "a", "1"), join(t, g, "b", "1")
		e := watch(t, group(t, srv))
		require.Equal(t, 2, e.next().Len())

		// Shorter than the session: nothing but the marking.
		srv.Down(1, true)
		down := time.Now()
		s := e.next()
		require.True(t, s.Stale)
		require.Equal(t, down, s.Since)
		require.Equal(t, dict{"a": "1", "b": "1"}, names(s.Members()))
		time.Sleep(timeout / 4)
		require.Zero(t, e.drain(), "it is reported once")
		srv.Down(1, false)
		s = e.next()
		require.False(t, s.Stale)
		require.Equal(t, dict{"a": "1", "b": "1"}, names(s.Members()))
		require.Empty(t, s.Joined, "a resync is not a flap")
		require.Empty(t, s.Left)
		require.Empty(t, s.Changed)

		// Longer than all sessions, with changes in it.
		srv.Down(1, true)
		require.True(t, e.next().Stale)
		time.Sleep(10 * timeout)
		require.Zero(t, e.drain())
		require.ErrorIs(t, b.Leave(over(t)), zk.ErrUnconfirmed)
		srv.Down(1, false)
		for time.Sleep(time.Minute); e.drain() > 0; {
			require.False(t, e.last.Stale)
		}
		require.Equal(t, dict{"a": "1"}, names(e.last.Members()))
		require.NoError(t, a.Leave(t.Context()))
		require.Empty(t, e.next().Members())
		require.ErrorIs(t, e.end(), context.Canceled)
	})
}

func over(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// failures: 35: before the group is known nothing is reported, and in particular
// not an empty group.
func TestWatch_UnknownIsNotEmpty(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		m := join(t, group(t, srv), "a", "1")
		watcher := group(t, srv)
		srv.Down(1, true)
		synctest.Wait()
		e := watch(t, watcher)
		time.Sleep(timeout / 4)
		require.Zero(t, e.drain())
		srv.Down(1, false)
		s := e.next()
		require.Equal(t, dict{"a": "1"}, names(s.Members()))
		require.False(t, s.Stale)
		require.ErrorIs(t, e.end(), context.Canceled)
		require.NoError(t, m.Leave(t.Context()))
	})
}

// failures: 93: a member's reconnect inside its session is not reported. A member
// that has lost its session and joined again is reported as another registration.
func TestWatch_ReconnectOfAMemberIsNoFlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 2})
		srv.Down(1, true)
		watcher := group(t, srv) // on the other server, which stays
		srv.Down(1, false)
		srv.Down(2, true)
		c := connect(t, srv)
		srv.Down(2, false)
		m := join(t, groupmembership.New(c, "/g", groupmembership.Config{}), "a", "1")
		synctest.Wait()
		srv.CutConnections(2)
		e := watch(t, watcher)
		require.Equal(t, 1, e.next().Len())
		e.drain()
		id := c.Session().ID()
		for i := range 20 {
			srv.Down(1, true)
			srv.Silence(2, true)
			time.Sleep(time.Duration(i) * timeout / 40)
			srv.Down(1, false)
			srv.Silence(2, false)
			time.Sleep(timeout)
			for e.drain() > 0 {
				require.Empty(t, e.last.Joined)
				require.Empty(t, e.last.Left)
			}
			require.Equal(t, id, c.Session().ID(), "it was to be inside the session")
		}
		require.NoError(t, srv.ExpireSession(id))
		var joined, left int
		time.Sleep(timeout)
		for synctest.Wait(); len(e.seen) > 0; {
			s := e.next()
			joined, left = joined+len(s.Joined), left+len(s.Left)
		}
		require.Equal(t, []int{1, 1}, []int{joined, left})
		require.NoError(t, m.Leave(t.Context()))
		require.ErrorIs(t, e.end(), context.Canceled)
	})
}

// failures: 99: the view is what ZooKeeper says: our own membership is in it while
// it is there and not when it is not, and what is not ephemeral is no member.
func TestWatch_NeverAddsOneself(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		g := groupmembership.New(c, "/g", groupmembership.Config{ReportDeleted: true})
		require.NoError(t, srv.Create("/g/directory", nil))
		m := join(t, g, "a", "1")
		e := watch(t, g)
		require.Equal(t, []string{"a"}, ids(e.next().Members()))
		require.NoError(t, srv.Delete("/g/a"))
		require.Equal(t, []string{"a"}, ids(e.next().Left))
		require.Empty(t, members(t, g))
		for s := range m.States(t.Context()) {
			if s.State == groupmembership.Ended {
				require.ErrorIs(t, s.Err, groupmembership.ErrDeleted)
			}
		}
		// A member that cannot join, since another is there, is not in its view.
		require.NoError(t, srv.Create("/g/a", nil))
		_, err := g.Join(t.Context(), "a", nil)
		require.ErrorIs(t, err, groupmembership.ErrIDTaken)
		require.Empty(t, members(t, g))
		require.NoError(t, srv.Delete("/g/a"))
		require.NoError(t, srv.Delete("/g/directory"))
		require.ErrorIs(t, e.end(), context.Canceled)
	})
}

// failures: 100: an error that no retry can fix is reported once, at the end.
func TestWatch_EndsWithWhatCannotBeMended(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		admin, c := connect(t, srv), connect(t, srv)
		g := groupmembership.New(c, "/g", groupmembership.Config{})
		_, err := admin.Create(t.Context(), "/g", nil, zk.Persistent, zk.WithACL(zk.WorldACL(zk.PermCreate|zk.PermDelete)...))
		require.NoError(t, err)
		e := watch(t, g)
		_, open := <-e.seen
		require.False(t, open)
		require.ErrorIs(t, e.err, zk.ErrNoAuth)
		require.ErrorContains(t, e.err, "groupmembership: /g: ")
		_, err = g.Members(t.Context())
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.NoError(t, admin.Delete(t.Context(), "/g", 0))

		e = watch(t, g)
		require.Empty(t, e.next().Members())
		require.NoError(t, c.Close(t.Context()))
		for range e.seen { // the last view may be reported as stale
		}
		require.ErrorIs(t, e.err, zk.ErrClosed)
	})
}

// A member whose node may be read by its owner alone is a member; the others are
// not affected. A server with recursive watches does not report it by itself.
func TestWatch_UnreadableMemberIsAMember(t *testing.T) {
	for name, cfg := range map[string]zktest.Config{
		"3.9": {Version: zktest.V3_9},
		"3.8": {Version: zktest.V3_8},
		"old": {Version: zktest.V3_8, DisableWatchAndContainer: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, cfg, func(t *testing.T, srv *zktest.Server) { unreadableMember(t, srv, cfg.Version) })
		})
	}
}

func unreadableMember(t *testing.T, srv *zktest.Server, v zktest.Version) {
	owner := connect(t, srv, zk.DigestAuth("b", "secret"))
	secret := groupmembership.New(owner, "/g", groupmembership.Config{ACL: zk.CreatorACL(zk.PermAll)})
	g := group(t, srv)
	a := join(t, g, "a", "1")
	b := join(t, secret, "b", "2")
	e := watch(t, g)
	s := e.next()
	require.Equal(t, dict{"a": "1", "b": ""}, names(s.Members()))
	require.NoError(t, s.Members()[0].Err)
	require.ErrorIs(t, s.Members()[1].Err, zk.ErrNoAuth)
	if v == zktest.V3_8 {
		require.Equal(t, b.Status().Czxid, s.Members()[1].Czxid, "exists shows it")
	} else {
		require.Zero(t, s.Members()[1].Czxid, "exists is refused as well")
	}
	require.NoError(t, b.Leave(t.Context()))
	synctest.Wait()
	srv.CutConnections(1) // afterwards all members are read again
	for e.last.Len() == 2 {
		e.next()
	}
	require.Equal(t, dict{"a": "1"}, names(e.last.Members()))
	require.NoError(t, a.Leave(t.Context()))
	for e.last.Len() > 0 {
		e.next()
	}
	require.ErrorIs(t, e.end(), context.Canceled)
}

// A reader that breaks off leaves no goroutine and no watch: the bubble says so.
func TestWatch_ReaderBreaksOff(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		g := group(t, srv)
		m := join(t, g, "a", "1")
		for range 20 {
			for s, err := range g.Watch(t.Context()) {
				require.NoError(t, err)
				require.Equal(t, 1, s.Len())
				break
			}
		}
		require.NoError(t, m.Leave(t.Context()))
	})
}

// The server refuses to restore the watches: others are set.
func TestWatch_SetsALostWatchAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		g := group(t, srv)
		e := watch(t, group(t, srv))
		require.Empty(t, e.next().Members())
		oneReply(srv, "setWatches", zktest.Fail(int32(zk.ErrUnimplemented)))
		srv.CutConnections(1)
		time.Sleep(time.Minute)
		e.drain()
		m := join(t, g, "a", "1")
		require.Equal(t, []string{"a"}, ids(e.next().Joined))
		require.NoError(t, m.Leave(t.Context()))
		require.Empty(t, e.next().Members())
		require.ErrorIs(t, e.end(), context.Canceled)
	})
}

// What happens while the reader is busy comes as one snapshot: who came and went in
// between is not in it, and of several changes the last. A snapshot that was kept
// still shows the group as it was.
func TestWatch_SlowReaderGetsOneSnapshot(t *testing.T) {
	onBoth(t, func(t *testing.T, srv *zktest.Server) {
		g := group(t, srv)
		a, b := join(t, g, "a", "1"), join(t, g, "b", "1")
		var seen []groupmembership.Snapshot
		for s, err := range group(t, srv).Watch(t.Context()) {
			require.NoError(t, err)
			if seen = append(seen, s); len(seen) == 2 {
				break
			}
			passing := join(t, g, "passing", "1")
			require.NoError(t, a.Update(t.Context(), []byte("2")))
			require.NoError(t, a.Update(t.Context(), []byte("3")))
			require.NoError(t, b.Leave(t.Context()))
			b = join(t, g, "b", "again")
			require.NoError(t, passing.Leave(t.Context()))
			synctest.Wait()
		}
		require.Equal(t, dict{"a": "1", "b": "1"}, names(seen[0].Joined))
		require.Equal(t, dict{"a": "1", "b": "1"}, names(seen[0].Members()))
		require.Equal(t, dict{"b": "1"}, names(seen[1].Left))
		require.Equal(t, dict{"b": "again"}, names(seen[1].Joined))
		require.Equal(t, dict{"a": "3"}, names(seen[1].Changed))
		require.Equal(t, dict{"a": "3", "b": "again"}, names(seen[1].Members()))
		require.NoError(t, a.Leave(t.Context()))
		require.NoError(t, b.Leave(t.Context()))
	})
}
