package zk_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A connection may end between the moment at which its reader has matched a reply
// to its request and the moment at which it has registered the watch. The watch
// must then be restored with all others.

// gated is a connection whose reads wait while the gate is closed. Then they return
// all bytes that have arrived.
type gated struct {
	net.Conn
	gate *gate
}

type gate struct {
	mu   sync.Mutex
	open chan struct{}
}

// shut closes the gate and returns what opens it again.
func (g *gate) shut() (open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ch := make(chan struct{})
	g.open = ch
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.open = nil
		close(ch)
	}
}

func (c gated) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.gate.mu.Lock()
	open := c.gate.open
	c.gate.mu.Unlock()
	if open == nil || err != nil {
		return n, err
	}
	<-open
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	more, _ := c.Conn.Read(b[n:])
	_ = c.SetReadDeadline(time.Time{})
	return n + more, nil
}

// slowError is an error whose Error returns only when goOn is closed. The goroutine
// that decodes the reply to a failed multi formats it.
type slowError struct {
	asked func() // called once
	goOn  chan struct{}
}

func (e *slowError) Error() string {
	e.asked()
	<-e.goOn
	return "slow"
}

// setBehindADeadConnection runs set. The connection ends after its reader has
// matched the reply of set, and before it delivers that. At the end the client is
// connected again.
func setBehindADeadConnection(t *testing.T, srv *zktest.Server, c *zk.Client, g *gate, set func()) {
	t.Helper()
	require.NoError(t, c.Sync(inTime(t), "/"))
	synctest.Wait()

	open := g.shut()
	asked := make(chan struct{})
	slow := &slowError{asked: sync.OnceFunc(func() { close(asked) }), goOn: make(chan struct{})}
	var callers sync.WaitGroup
	callers.Go(func() {
		_, err := c.Multi(inTime(t), c.Bind(zk.CheckOp("/nowhere", zk.AnyVersion), slow))
		require.ErrorIs(t, err, zk.ErrNoNode)
	})
	synctest.Wait()
	callers.Go(set)
	synctest.Wait()
	open()  // both replies arrive as one
	<-asked // the reader has matched both, and decodes the first

	srv.CutConnections(1)
	time.Sleep(time.Second) // the writer of a heartbeat notices
	close(slow.goOn)
	callers.Wait()
	require.NoError(t, c.Sync(inTime(t), "/"))
}

func dialGated(srv *zktest.Server, g *gate) func(*zk.Config) {
	return func(cfg *zk.Config) {
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := srv.DialContext(ctx, network, addr)
			return gated{nc, g}, err
		}
	}
}

func TestWatch_IsRestoredWhenItsConnectionEndsWhileItIsRegistered(t *testing.T) {
	for name, set := range map[string]func(t *testing.T, c *zk.Client) *zk.Watch{
		"get": func(t *testing.T, c *zk.Client) *zk.Watch {
			_, w, err := c.GetW(inTime(t), "/n")
			require.NoError(t, err)
			return w
		},
		"exists": func(t *testing.T, c *zk.Client) *zk.Watch {
			_, _, w, err := c.ExistsW(inTime(t), "/n")
			require.NoError(t, err)
			return w
		},
		"children": func(t *testing.T, c *zk.Client) *zk.Watch {
			_, _, w, err := c.ChildrenW(inTime(t), "/n")
			require.NoError(t, err)
			return w
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/n", nil))
				var g gate
				c := connect(t, srv, dialGated(srv, &g))
				var w *zk.Watch
				setBehindADeadConnection(t, srv, c, &g, func() { w = set(t, c) })
				require.NoError(t, srv.Create("/n/child", nil))
				require.NoError(t, srv.Set("/n", nil))
				fires(t, w)
			})
		})
	}
}

func TestSubscription_IsRestoredWhenItsConnectionEndsWhileItIsRegistered(t *testing.T) {
	for _, opts := range [][]zk.SubscribeOption{nil, {zk.Recursive()}} {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			require.NoError(t, srv.Create("/n", nil))
			var g gate
			c := connect(t, srv, dialGated(srv, &g))
			var sub *zk.Subscription
			setBehindADeadConnection(t, srv, c, &g, func() { sub = subscribe(t, c, "/n", opts...) })
			require.NoError(t, srv.Set("/n", nil))
			require.Equal(t, []string{"resync /n", "data changed /n"}, next(t, sub, 2))
			require.NoError(t, sub.Close())
		})
	}
}

// An event behind a bad reply is dropped. When the client restores the watch, it
// must not name the event's zxid, nor that of a later reply. Otherwise the server
// would believe that the client has seen the change.
func TestWatch_EventBehindABadReplyFiresOnTheNextConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: []func(*scripted){
			func(c *scripted) {
				require.NoError(t, c.say(good(<-c.requests))) // the watch; zxid 10
				first, second := <-c.requests, <-c.requests
				b := replyTo(first.Xid, 11, proto.OK, []byte{1}) // no answer to a get
				b = append(b, event(50, proto.EventDataChanged, "/n")...)
				b = append(b, replyTo(second.Xid, 50, proto.NoNode, nil)...)
				require.NoError(t, c.say(b))
				c.drain()
			},
			func(c *scripted) {
				c.serve(func(q asked) []byte {
					if q.Op != proto.OpSetWatches {
						return nil
					}
					set := serverproto.DecodeSetWatches(proto.NewReader(q.body), q.Op)
					b := replyTo(q.Xid, 50, proto.OK, nil)
					if set.RelativeZxid < 50 { // as a server decides whether the watch has missed a change
						b = append(b, event(50, proto.EventDataChanged, "/n")...)
					}
					return b
				})
			},
		}}
		c := s.client(t)
		_, w, err := c.GetW(inTime(t), "/n")
		require.NoError(t, err)
		p := c.Pipeline()
		first, second := p.Get(inTime(t), "/n"), p.Get(inTime(t), "/n")
		_, err = first.Wait(inTime(t))
		require.ErrorIs(t, err, zk.ErrProtocol)
		_, err = second.Wait(inTime(t))
		require.ErrorIs(t, err, zk.ErrConnectionLoss)
		fires(t, w)
	})
}

// The same where an event of the same change stands before the bad reply, as with
// a multi that changes two nodes. Servers from 3.9 on say the zxid of an event.
func TestWatch_EventBeforeABadReplyDoesNotHideTheOneBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: []func(*scripted){
			func(c *scripted) {
				require.NoError(t, c.say(good(<-c.requests))) // the watches; zxid 10
				require.NoError(t, c.say(good(<-c.requests)))
				get := <-c.requests
				b := event(50, proto.EventDataChanged, "/a")
				b = append(b, replyTo(get.Xid, 11, proto.OK, []byte{1})...) // no answer to a get
				b = append(b, event(50, proto.EventDataChanged, "/b")...)
				require.NoError(t, c.say(b))
				c.drain()
			},
			func(c *scripted) {
				c.serve(func(q asked) []byte {
					if q.Op != proto.OpSetWatches {
						return nil
					}
					set := serverproto.DecodeSetWatches(proto.NewReader(q.body), q.Op)
					b := replyTo(q.Xid, 50, proto.OK, nil)
					if set.RelativeZxid < 50 {
						b = append(b, event(50, proto.EventDataChanged, set.Data[0])...)
					}
					return b
				})
			},
		}}
		c := s.client(t)
		_, a, err := c.GetW(inTime(t), "/a")
		require.NoError(t, err)
		_, b, err := c.GetW(inTime(t), "/b")
		require.NoError(t, err)
		_, err = c.Pipeline().Get(inTime(t), "/n").Wait(inTime(t))
		require.ErrorIs(t, err, zk.ErrProtocol)
		fires(t, a)
		fires(t, b)
	})
}
