package zk

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zktest"
)

const timeout = 10 * time.Second

// bubble runs a test on an embedded server in virtual time.
func bubble(t *testing.T, f func(t *testing.T, srv *zktest.Server)) {
	synctest.Test(t, func(t *testing.T) { f(t, zktest.Start(t, zktest.Config{Servers: 1})) })
}

// asNamed is a HostProvider that looks nothing up.
type asNamed struct{ servers []string }

func (h *asNamed) Init(servers []string) error {
	h.servers = servers
	return nil
}
func (h *asNamed) Len() int             { return len(h.servers) }
func (h *asNamed) Next() (string, bool) { return h.servers[0], true }
func (h *asNamed) Connected()           {}

type nowhere struct{}

func (nowhere) Printf(string, ...any) {}

// connect returns a client that has a session, and is closed with the test.
func connect(t *testing.T, srv *zktest.Server) (*Conn, <-chan Event) {
	return connectBy(t, srv, "zk1", Connect)
}

// connectTo is connect to one of several servers.
func connectTo(t *testing.T, srv *zktest.Server, server string) (*Conn, <-chan Event) {
	return connectBy(t, srv, server, Connect)
}

func dialer(t *testing.T, srv *zktest.Server) Dialer {
	ctx := t.Context()
	return func(network, addr string, _ time.Duration) (net.Conn, error) {
		return srv.DialContext(ctx, network, addr)
	}
}

type connector func(servers []string, sessionTimeout time.Duration, options ...connOption) (*Conn, <-chan Event, error)

func connectBy(t *testing.T, srv *zktest.Server, server string, connect connector) (*Conn, <-chan Event) {
	c, events, err := connect([]string{server}, timeout, WithHostProvider(&asNamed{}), WithDialer(dialer(t, srv)), WithLogger(nowhere{}))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	for e := range events {
		if e.State == StateHasSession {
			break
		}
	}
	return c, events
}

func TestCreate_AnEphemeralNodeIsCreatedInNoOtherSession(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _ := connect(t, srv)
		id := c.SessionID()
		time.Sleep(2 * time.Second) // a session that has lived is no storm
		srv.OnConnect(func(zktest.Connect) zktest.Verdict {
			time.Sleep(time.Second) // the create waits meanwhile
			return zktest.Pass
		})
		srv.CutConnections(0)
		synctest.Wait()
		require.NoError(t, srv.ExpireSession(id))
		_, err := c.Create("/n", nil, FlagEphemeral, WorldACL(PermAll))
		require.True(t, err == ErrSessionExpired, "%v", err)
		exists, _, err := c.Exists("/n")
		require.NoError(t, err)
		require.False(t, exists)
		require.NotEqual(t, id, c.SessionID())
	})
}

func TestSet_WhoseReplyIsLostMayHaveRun(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _ := connect(t, srv)
		_, err := c.Create("/n", nil, 0, WorldACL(PermAll))
		require.NoError(t, err)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "set" {
				return zktest.DropReplyAndCut
			}
			return zktest.Pass
		})
		_, err = c.Set("/n", []byte("x"), -1)
		require.True(t, err == ErrConnectionClosed, "%v", err)
		data, stat, err := c.Get("/n")
		require.NoError(t, err)
		require.Equal(t, "x", string(data))
		require.EqualValues(t, 1, stat.Version)
	})
}

func TestWatch_SurvivesAReconnectAndEndsWithItsSession(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _ := connect(t, srv)
		exists, _, w, err := c.ExistsW("/n")
		require.NoError(t, err)
		require.False(t, exists)
		srv.CutConnections(0)
		require.NoError(t, srv.Create("/n", nil))
		require.Equal(t, Event{Type: EventNodeCreated, State: StateSyncConnected, Path: "/n"}, <-w)
		_, open := <-w
		require.False(t, open)

		_, _, w, err = c.GetW("/n")
		require.NoError(t, err)
		time.Sleep(2 * time.Second) // a session that has lived is no storm
		require.NoError(t, srv.ExpireSession(c.SessionID()))
		e := <-w
		require.Equal(t, EventNotWatching, e.Type)
		require.True(t, e.Err == ErrSessionExpired)

		_, _, w, err = c.ChildrenW("/")
		require.NoError(t, err)
		c.Close()
		e = <-w
		require.Equal(t, EventNotWatching, e.Type)
		require.True(t, e.Err == ErrClosing)
		_, _, err = c.Get("/n")
		require.True(t, err == ErrConnectionClosed)
	})
}

// Nobody reads from the channel, and yet the client goes on. What waited is there
// afterwards, in its order.
func TestEvents_AreNotDropped(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, events := connect(t, srv)
		_, err := c.Create("/n", nil, 0, WorldACL(PermAll))
		require.NoError(t, err)
		const changes = 1000
		for range changes {
			_, _, w, err := c.GetW("/n")
			require.NoError(t, err)
			_, err = c.Set("/n", nil, -1)
			require.NoError(t, err)
			<-w
		}
		for range changes {
			require.Equal(t, EventNodeDataChanged, (<-events).Type)
		}
		c.Close()
		require.Equal(t, StateDisconnected, (<-events).State)
		_, open := <-events
		require.False(t, open)
	})
}

// A lock that is lost says so before another client can have it.
func TestLock_TellsOfItsLoss(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		acl := WorldACL(PermAll)
		a, _ := connect(t, srv)
		b, _ := connect(t, srv)
		one, other := NewLock(a, "/lock", acl), NewLock(b, "/lock", acl)
		require.True(t, one.Unlock() == ErrNotLocked)
		require.NoError(t, one.Lock())
		require.True(t, one.Lock() == ErrDeadlock)
		require.NoError(t, one.Context().Err())
		first := one.Token()
		locked := make(chan error)
		go func() { locked <- other.Lock() }()
		time.Sleep(time.Second)
		srv.Silence(1, true)
		<-one.Context().Done()
		select {
		case err := <-locked:
			require.Fail(t, "the other has it first", "%v", err)
		default:
		}
		srv.Silence(1, false)
		require.NoError(t, one.Unlock())
		require.NoError(t, <-locked)
		require.Greater(t, other.Token(), first)
		require.NoError(t, other.Unlock())
		require.Error(t, other.Context().Err())
		require.True(t, context.Cause(other.Context()) == ErrNotLocked)
	})
}

// reported returns the states that were reported until now.
func reported(events <-chan Event) []State {
	synctest.Wait()
	var all []State
	for len(events) > 0 {
		if e := <-events; e.Type == EventSession {
			all = append(all, e.State)
		}
	}
	return all
}

// A program that takes StateDisconnected for the end keeps what it has over a silence
// that go-zookeeper would not have noticed.
func TestStates_AShortSilenceIsNotReported(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, events := connect(t, srv)
		time.Sleep(2 * time.Second)
		id := c.SessionID()
		require.Empty(t, reported(events))
		srv.Silence(0, true)
		time.Sleep(timeout / 2)
		require.Equal(t, StateHasSession, c.State())
		srv.Silence(0, false)
		time.Sleep(timeout)
		require.Empty(t, reported(events))
		require.Equal(t, StateHasSession, c.State())
		require.Equal(t, id, c.SessionID())
	})
}

// A longer silence is reported when go-zookeeper would have noticed it, which is before
// the servers can have expired the session.
func TestStates_ALongSilenceIsReportedInTime(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, events := connect(t, srv)
		time.Sleep(2 * time.Second)
		id := c.SessionID()
		srv.Silence(0, true)
		time.Sleep(timeout * 3 / 4)
		states := reported(events)
		require.NotEmpty(t, states)
		require.Equal(t, StateDisconnected, states[0])
		require.NotEqual(t, StateHasSession, c.State())
		require.Contains(t, srv.Sessions(), id)
		time.Sleep(2 * timeout)
		require.Contains(t, reported(events), StateExpired)
		srv.Silence(0, false)
		time.Sleep(timeout)
		require.Equal(t, StateHasSession, c.State())
		require.NotEqual(t, id, c.SessionID())
	})
}

// A program that leads by a node of its own watches that node. It is told that it leads no
// more before the node is gone, and so before another one leads.
func TestClose_EndsWatchesBeforeTheSession(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _ := connect(t, srv)
		_, err := c.Create("/leader", nil, FlagEphemeral, WorldACL(PermAll))
		require.NoError(t, err)
		_, _, w, err := c.GetW("/leader")
		require.NoError(t, err)
		told := make(chan bool, 1)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "closeSession" {
				told <- len(w) == 1
			}
			return zktest.Pass
		})
		c.Close()
		require.True(t, <-told, "the session ends, and the watch has not")
		e := <-w
		require.Equal(t, EventNotWatching, e.Type)
		require.True(t, e.Err == ErrClosing)
	})
}

// A program without Lock.Context watches the path of the lock. That tells it in time too.
func TestLock_TellsWatchesOfItsPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 3})
		a, _ := connectTo(t, srv, "zk1")
		b, _ := connectTo(t, srv, "zk2")
		one, other := NewLock(a, "/lock", WorldACL(PermAll)), NewLock(b, "/lock", WorldACL(PermAll))
		require.NoError(t, one.Lock())
		_, _, w, err := a.GetW("/lock")
		require.NoError(t, err)
		_, _, elsewhere, err := a.ExistsW("/locks")
		require.NoError(t, err)
		locked := make(chan error, 1)
		go func() { locked <- other.Lock() }()
		time.Sleep(time.Second)
		srv.Silence(1, true)
		select {
		case e := <-w:
			require.Equal(t, EventNotWatching, e.Type)
			require.True(t, e.Err == ErrSessionExpired, "%v", e.Err)
		case <-locked:
			require.Fail(t, "the other has it first")
		}
		require.Empty(t, elsewhere)
		require.NoError(t, <-locked)
		srv.Silence(1, false)
		require.NoError(t, other.Unlock())
		require.NoError(t, one.Unlock())
	})
}

// An operator deletes the node of the holder.
func TestLock_TellsWatchesOfItsPathOfADelete(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _ := connect(t, srv)
		l := NewLock(c, "/lock", WorldACL(PermAll))
		require.NoError(t, l.Lock())
		_, _, w, err := c.GetW("/lock")
		require.NoError(t, err)
		require.NoError(t, srv.Delete("/lock/"+srv.Children("/lock")[0]))
		e := <-w
		require.Equal(t, EventNotWatching, e.Type)
		require.ErrorIs(t, e.Err, recipes.ErrDeleted)
		require.NoError(t, l.Unlock())

		require.NoError(t, l.Lock())
		_, _, w, err = c.GetW("/lock")
		require.NoError(t, err)
		require.NoError(t, l.Unlock())
		synctest.Wait()
		require.Empty(t, w, "the lock was not lost")
	})
}

func TestMulti_NamesTheRequestThatFails(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _ := connect(t, srv)
		acl := WorldACL(PermAll)
		_, err := c.Multi(&CreateRequest{Path: "/a", Acl: acl}, 7)
		require.EqualError(t, err, "unknown operation type int")
		responses, err := c.Multi(&CreateRequest{Path: "/a", Acl: acl}, &DeleteRequest{Path: "/b"}, &CheckVersionRequest{Path: "/"})
		require.True(t, err == ErrNoNode)
		require.Len(t, responses, 3)
		require.NoError(t, responses[0].Error)
		require.True(t, responses[1].Error == ErrNoNode)
		require.Error(t, responses[2].Error)
		responses, err = c.Multi(&CreateRequest{Path: "/a-", Acl: acl, Flags: FlagSequence}, &SetDataRequest{Path: "/", Version: -1})
		require.NoError(t, err)
		require.Equal(t, "/a-0000000000", responses[0].String)
		require.NotNil(t, responses[1].Stat)
	})
}

func TestConnect_BadInput(t *testing.T) {
	_, _, err := Connect(nil, timeout)
	require.ErrorContains(t, err, "list of servers is empty")
	_, _, err = Connect([]string{"a b"}, timeout)
	require.ErrorContains(t, err, `"a b`)
	_, _, err = Connect([]string{"name.invalid"}, timeout)
	require.ErrorContains(t, err, "name.invalid")
	_, _, err = Connect([]string{"name.invalid"}, timeout, WithHostProvider(&DNSHostProvider{})) // its zero value
	require.ErrorContains(t, err, "name.invalid")
	_, _, err = Connect([]string{"h"}, -1)
	require.ErrorContains(t, err, "SessionTimeout")
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _ := connect(t, srv)
		_, err := c.Create("/n", nil, 0, nil)
		require.True(t, err == ErrInvalidACL)
		_, err = c.Create("n", nil, 0, WorldACL(PermAll))
		require.True(t, err == ErrInvalidPath)
		_, err = c.CreateTTL("/n", nil, FlagTTL, WorldACL(PermAll), 0)
		require.True(t, err == ErrInvalidFlags)
	})
}

// A watch that ends with a lost lock leaves nothing with the client.
func TestLock_EndsTheWatchesOfItsPathForGood(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, events := connect(t, srv)
		l := NewLock(c, "/lock", WorldACL(PermAll))
		require.NoError(t, l.Lock())
		_, _, w, err := c.GetW("/lock")
		require.NoError(t, err)
		require.NoError(t, srv.Delete("/lock/"+srv.Children("/lock")[0]))
		require.Equal(t, EventNotWatching, (<-w).Type)
		synctest.Wait()
		for len(events) > 0 {
			<-events
		}
		_, err = c.Set("/lock", []byte("x"), -1)
		require.NoError(t, err)
		synctest.Wait()
		require.Empty(t, events, "the watch has ended")
		require.Zero(t, c.client.Stats().Watches.Data)
		require.NoError(t, l.Unlock())
	})
}
