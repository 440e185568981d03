package zk_test

import (
	"bufio"
	"context"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
)

// failures: 4: requests that are held up on their way reach the server together.
// The gap between two of their arrivals is then longer than the gap between the
// times at which they were sent. T is 24 units of a quarter of a second:
//
//  1. The leader touches the session at 0, in the handshake.
//  2. The heartbeats of 2, 4 and 6 arrive a little before 8, just after the
//     server has answered the leader's PING with nothing to report.
//  3. The heartbeats of 8 to 16 are answered at once.
//  4. The server dies at 16, before it has answered the next PING. So the touch
//     of the handshake is the last one that the leader knows of, and it may
//     expire the session at 24.
func TestGuard_EndsInTimeAfterRequestsWereHeldUp(t *testing.T) {
	for _, quorum := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const unit = 250 * time.Millisecond
			start := time.Now()
			s := &script{play: []func(*scripted){func(c *scripted) {
				for q := range c.requests {
					at, late := time.Since(start), 8*unit-10*time.Millisecond
					if at > 17*unit {
						c.drain()
						return
					}
					if at > unit && at < late {
						time.Sleep(late - at)
					}
					_ = c.say(good(q))
				}
			}}}
			c := s.client(t, func(cfg *zk.Config) { cfg.QuorumLease = quorum })
			guard, release, err := c.Session().Guard(inTime(t))
			require.NoError(t, err)
			defer release()
			<-guard.Done()
			require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
			require.Greater(t, time.Since(start), 17*unit, "it did not end for anything else")
			require.Less(t, time.Since(start), 24*unit, "the leader may expire the session then")
		})
	}
}

// failures: 15: the session was opened with a short timeout, which the next
// leader takes from its log, whatever timeout other servers have granted since.
// So the lease rests on the smallest of all handshakes, the first included.
func TestGuard_UsesTheSmallestTimeoutOfTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guarded, moved := make(chan struct{}), make(chan time.Time, 2)
		s := &script{
			timeout: []time.Duration{4 * time.Second, 20 * time.Second, 20 * time.Second},
			play: []func(*scripted){
				func(c *scripted) {},
				func(c *scripted) { moved <- time.Now() },
				func(c *scripted) {
					moved <- time.Now()
					go func() { <-guarded; c.nc.Close() }()
					c.serve(nil)
				},
			},
		}
		c := s.client(t, func(cfg *zk.Config) { cfg.SessionTimeout = 20 * time.Second })
		<-moved
		last := <-moved
		require.NoError(t, c.Ready(inTime(t)))
		guard, release, err := c.Session().Guard(inTime(t))
		require.NoError(t, err)
		defer release()
		close(guarded) // and from here on the client is cut off
		<-guard.Done()
		require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
		require.Less(t, time.Since(last), 4*time.Second, "the next leader may expire the session then")
		require.NoError(t, c.Session().Context().Err(), "the newest grant decides when the client gives up")
	})
}

// failures: 15: one server has granted a small timeout. The client itself gives
// the session up only when the newest grant is over.
func TestSession_OneSmallGrantDoesNotEndIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const small, large = 4 * time.Second, 20 * time.Second
		var last time.Time
		s := &script{
			timeout: []time.Duration{large, small, large},
			play: []func(*scripted){
				func(c *scripted) {},
				func(c *scripted) {},
				func(c *scripted) { last = time.Now() },
			},
		}
		c := s.client(t, func(cfg *zk.Config) { cfg.SessionTimeout = large })
		session := c.Session()
		<-session.Context().Done()
		require.ErrorIs(t, context.Cause(session.Context()), zk.ErrSessionExpired)
		require.GreaterOrEqual(t, time.Since(last), large)
		require.Equal(t, small, session.Timeout())
	})
}

// limits is two servers of one ensemble whose limits of the session timeout differ.
// A test decides the answer to the handshake of every connection.
type limits struct {
	answer  func(addr string, q proto.ConnectRequest) *proto.ConnectResponse // nil: refuse the connection
	mu      sync.Mutex
	open    []net.Conn
	running sync.WaitGroup
}

// noAnswer is a handshake's answer that gets lost.
var noAnswer = &proto.ConnectResponse{}

func (l *limits) dial(_ context.Context, _, addr string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answer(addr, proto.ConnectRequest{}) == nil {
		return nil, syscall.ECONNREFUSED
	}
	client, server := net.Pipe()
	l.open = append(l.open, server)
	l.running.Go(func() { l.serve(addr, server) })
	return client, nil
}

func (l *limits) serve(addr string, nc net.Conn) {
	defer nc.Close()
	c := &scripted{nc: nc, in: bufio.NewReader(nc), requests: make(chan asked, 1<<16)}
	body, err := proto.ReadFrame(c.in, nil, 1<<20)
	if err != nil {
		return
	}
	c.hello = serverproto.DecodeConnectRequest(proto.NewReader(body))
	l.mu.Lock()
	p := l.answer(addr, c.hello)
	l.mu.Unlock()
	if p == noAnswer {
		c.read()
		return
	}
	if p != nil && c.say(proto.EndFrame(serverproto.AppendConnectResponse(proto.BeginFrame(nil), *p), 0)) == nil {
		l.running.Go(c.read)
		c.serve(nil)
	}
}

// become changes what the servers do, and closes every connection.
func (l *limits) become(answer func(addr string, q proto.ConnectRequest) *proto.ConnectResponse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = answer
	for _, nc := range l.open {
		nc.Close()
	}
	l.open = nil
}

// granted is the answer that grants a session a timeout.
func granted(id int64, timeout time.Duration) *proto.ConnectResponse {
	return &proto.ConnectResponse{SessionID: id, TimeoutMillis: int32(timeout.Milliseconds()), Password: make([]byte, proto.PasswordLen)}
}

// failures: 15: a handshake that was sent and not answered may have reached its
// server, which then gave the session the timeout of its own limit. The client
// knows that limit from an earlier session.
func TestGuard_AllowsForAHandshakeWithoutAnswer(t *testing.T) {
	for _, quorum := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const small, large = 4 * time.Second, 20 * time.Second
			type hello = proto.ConnectRequest
			type welcome = *proto.ConnectResponse
			l := &limits{answer: func(addr string, _ hello) welcome {
				if addr == "a:1" {
					return granted(1, small)
				}
				return nil
			}}
			cfg := zk.Config{Servers: "a:1,b:1", DialContext: l.dial, SessionTimeout: large, QuorumLease: quorum}
			c, err := zk.Connect(inTime(t), cfg)
			require.NoError(t, err)
			defer func() {
				ended, end := context.WithCancel(t.Context())
				end()
				require.ErrorIs(t, c.Close(ended), zk.ErrUnconfirmed)
				l.become(func(string, hello) welcome { return nil })
				l.running.Wait()
			}()
			first := c.Session()
			l.become(func(addr string, q hello) welcome {
				switch {
				case addr == "a:1":
					return nil
				case q.SessionID == 1:
					return &proto.ConnectResponse{Password: make([]byte, proto.PasswordLen)} // expired
				}
				return granted(2, large)
			})
			<-first.Context().Done()
			require.NoError(t, c.Ready(inTime(t)))
			guard, release, err := c.Session().Guard(inTime(t))
			require.NoError(t, err)
			defer release()
			time.Sleep(large)
			require.NoError(t, guard.Err())

			var reached time.Time
			l.become(func(addr string, q hello) welcome {
				if addr == "b:1" {
					return nil
				}
				if reached.IsZero() && q.SessionID == 2 {
					reached = time.Now()
				}
				return noAnswer
			})
			<-guard.Done()
			require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
			l.mu.Lock()
			defer l.mu.Unlock()
			require.Less(t, time.Since(reached), small, "the leader may expire the session then")
			require.Greater(t, time.Since(reached), small/2, "and not sooner than need be")
		})
	}
}
