package zk_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A server that grants a shorter timeout at the resume makes the lease shorter than
// it was when the guard began. The guard ends in that shorter time.
func TestGuard_EndsInTimeWhenTheTimeoutGetsShorter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guarded, resumed := make(chan struct{}), make(chan time.Time, 1)
		s := &script{
			timeout: []time.Duration{time.Minute, 6 * time.Second},
			play: []func(*scripted){
				func(c *scripted) { <-guarded },
				func(c *scripted) { resumed <- time.Now(); c.drain() },
			},
		}
		c := s.client(t, func(cfg *zk.Config) { cfg.SessionTimeout = time.Minute })
		guard, release, err := c.Session().Guard(inTime(t))
		require.NoError(t, err)
		defer release()
		close(guarded)
		<-guard.Done()
		require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
		require.Less(t, time.Since(<-resumed), 6*time.Second, "the ensemble may have expired the session then")
		require.Equal(t, 6*time.Second, c.Session().Timeout())
	})
}

// An answer that leaves the outcome of its request open does not renew the lease,
// also when it stands in the items of a multi.
func TestGuard_QuorumLeaseIsNotRenewedWithoutAVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: []func(*scripted){func(c *scripted) {
			c.serve(func(q asked) []byte {
				if q.Op != proto.OpMulti {
					return nil
				}
				return replyTo(q.Xid, 10, proto.OK, serverproto.AppendMultiResponse(nil,
					[]proto.MultiResult{{Op: proto.OpError, Err: proto.SessionMoved}}))
			})
		}}}
		start := time.Now()
		c := s.client(t, func(cfg *zk.Config) { cfg.QuorumLease = true })
		guard, release, err := c.Session().Guard(inTime(t))
		require.NoError(t, err)
		defer release()
		<-guard.Done()
		require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
		require.Less(t, time.Since(start), 6*time.Second, "the ensemble may have expired the session then")
	})
}

// inquisitive is a context of a user that asks the client for its state whenever one
// of its methods is called.
type inquisitive struct {
	context.Context
	c      *zk.Client
	locked *atomic.Bool // the client did not answer
}

func (i inquisitive) Done() <-chan struct{} { i.ask(); return i.Context.Done() }
func (i inquisitive) Err() error            { i.ask(); return i.Context.Err() }
func (i inquisitive) Value(key any) any     { i.ask(); return i.Context.Value(key) }

func (i inquisitive) ask() {
	if i.locked.Load() {
		return
	}
	answered := make(chan struct{})
	go func() {
		i.c.State()
		close(answered)
	}()
	select {
	case <-answered:
	case <-time.After(5 * time.Second):
		i.locked.Store(true)
	}
}

// The methods of a guard's parent may call the client. The client does not call them
// under its lock, neither when a guard begins nor when it ends. The test runs in real
// time, because a bubble does not notice a goroutine that waits for a lock.
func TestGuard_ParentMayCallTheClient(t *testing.T) {
	for name, end := range map[string]func(*zktest.Server, *zk.Client, context.CancelFunc, context.CancelFunc){
		"released":    func(_ *zktest.Server, _ *zk.Client, release, _ context.CancelFunc) { release() },
		"parent ends": func(_ *zktest.Server, _ *zk.Client, _, cancel context.CancelFunc) { cancel() },
		"session expires": func(srv *zktest.Server, c *zk.Client, _, _ context.CancelFunc) {
			_ = srv.ExpireSession(c.Session().ID())
		},
		"lease lapses":  func(srv *zktest.Server, _ *zk.Client, _, _ context.CancelFunc) { srv.Silence(1, true) },
		"client closes": func(_ *zktest.Server, c *zk.Client, _, _ context.CancelFunc) { _ = c.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			srv := zktest.Start(t, zktest.Config{Servers: 1})
			c := connect(t, srv, func(cfg *zk.Config) { cfg.SessionTimeout = time.Second })
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			parent := inquisitive{ctx, c, &atomic.Bool{}}
			guard, release, err := c.Session().Guard(parent)
			require.NoError(t, err)
			require.False(t, parent.locked.Load(), "Guard calls its parent under the lock")
			end(srv, c, release, cancel)
			<-guard.Done()
			c.State() // the goroutine that ended the guard has unlocked the client
			require.Error(t, guard.Err())
			require.False(t, parent.locked.Load(), "the end of a guard calls its parent under the lock")
			srv.Silence(1, false)
		})
	}
}

// A TouchDelay that leaves no lease is an error, not round trips without end.
func TestGuard_WithoutAnyLeaseIsRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) { cfg.TouchDelay = 5 * time.Second })
		_, _, err := c.Session().Guard(t.Context())
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.ErrorContains(t, err, "TouchDelay")
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
	})
}

// Leased tells whether Guard returns at once.
func TestSession_Leased(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(0, time.Millisecond)
		c := connect(t, srv)
		guard := func() time.Duration {
			start := time.Now()
			_, release, err := c.Session().Guard(t.Context())
			require.NoError(t, err)
			release()
			return time.Since(start)
		}
		require.NoError(t, c.Sync(t.Context(), "/"))
		require.True(t, c.Session().Leased())
		require.Zero(t, guard())
		time.Sleep(c.Session().Timeout()) // pings do not renew the lease
		require.False(t, c.Session().Leased())
		require.NotZero(t, guard())
		require.True(t, c.Session().Leased())
		require.NoError(t, c.Close(t.Context()))
		require.False(t, c.Session().Leased())
	})
}

// doubtful connects a client whose handshakes prove nothing any more: an earlier one was
// left unanswered, and a session timeout has passed since.
func doubtful(t *testing.T, srv *zktest.Server) *zk.Client {
	c := connect(t, srv)
	left := false
	srv.OnConnect(func(zktest.Connect) zktest.Verdict {
		if !left {
			left = true
			return zktest.Hang
		}
		return zktest.Pass
	})
	reconnect(t, srv, c)
	time.Sleep(2 * c.Session().Timeout())
	reconnect(t, srv, c)
	require.False(t, c.Session().Leased())
	return c
}

// reconnect cuts the connection of a client and waits until it has another one.
func reconnect(t *testing.T, srv *zktest.Server, c *zk.Client) {
	before := c.Session().Resumed()
	srv.CutConnections(0)
	for c.Session().Resumed() == before {
		require.NoError(t, t.Context().Err())
		time.Sleep(time.Millisecond)
	}
}

// A lease needs round trips below a tenth of the session timeout. That is enough too
// where an earlier handshake was left unanswered.
func TestGuard_AfterADoubtfulHandshakeOnASlowLink(t *testing.T) {
	for part := time.Duration(11); part < 40; part++ {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := doubtful(t, srv)
			srv.Delay(1, c.Session().Timeout()/part)
			start := time.Now()
			_, release, err := c.Session().Guard(inTime(t))
			require.NoError(t, err, "a round trip of a %dth of the timeout", part)
			defer release()
			require.Less(t, time.Since(start), c.Session().Timeout()/3+3*c.Session().Timeout()/part, "TouchDelay and three round trips")
		})
	}
}

// meddler calls do when a context is made from it for the nth time.
type meddler struct {
	context.Context
	n  *int
	do func()
}

func (m meddler) Done() <-chan struct{} {
	if *m.n--; *m.n == 0 {
		m.do()
	}
	return m.Context.Done()
}

// What was confirmed on a connection proves nothing on the next one. Guard makes its
// round trips again there.
func TestGuard_ConfirmsAnewAfterAReconnect(t *testing.T) {
	for nth := 1; nth <= 40; nth++ {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c, n := doubtful(t, srv), nth
			parent := meddler{inTime(t), &n, func() { reconnect(t, srv, c) }}
			_, release, err := c.Session().Guard(parent)
			require.NoError(t, err, "a reconnect before the lease is looked at for the %dth time", nth)
			release()
		})
	}
}
