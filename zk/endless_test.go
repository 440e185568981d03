package zk_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// Some servers never let a loop of the client end. The loop then pauses longer and
// longer.

// A server that ends each session right after its handshake is not asked for the
// next one over and over.
func TestConnect_SessionsThatEndAtOnceAreNoStorm(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(0, 100*time.Microsecond)
		c := connect(t, srv)
		time.Sleep(10 * time.Second)
		first, sessions := c.Session(), 0
		start := time.Now()
		for s := range c.States(t.Context()) {
			if time.Since(start) > time.Minute || sessions > 1000 {
				break
			}
			if s == zk.StateConnected {
				sessions++
				_ = srv.ExpireSession(c.Session().ID())
				if sessions == 1 {
					require.NoError(t, c.Ready(inTime(t)))
				}
				if sessions == 2 {
					require.NotEqual(t, first, c.Session())
					require.LessOrEqual(t, time.Since(start), 10*time.Millisecond, "after a long session the next one is opened at once")
				}
			}
		}
		require.Less(t, sessions, 100, "in %v", time.Since(start))
		require.NoError(t, c.Ready(inTime(t)))
	})
}

// A protected create gets no verdict, and each search for its node finds none. The
// client repeats it with pauses.
func TestProtected_CodesWithoutVerdictAreNoStorm(t *testing.T) {
	for _, code := range []zk.Code{zk.ErrConnectionLoss, zk.ErrOperationTimeout, zk.ErrSystemError, zk.ErrRequestTimeout} {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			srv.Delay(1, 10*time.Microsecond)
			c := connect(t, srv)
			var creates atomic.Int32
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op == "create" {
					creates.Add(1)
					return zktest.Fail(int32(code))
				}
				return zktest.Pass
			})
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := protect.Create(ctx, c, "/n-", nil, zk.EphemeralSequential)
			require.Error(t, err)
			require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
			require.Less(t, creates.Load(), int32(100))
			onNth(srv, "create", 1, zktest.Fail(int32(code)))
			_, err = protect.Create(inTime(t), c, "/n-", nil, zk.EphemeralSequential)
			require.NoError(t, err)
		})
	}
}

// A server that requires SASL accepts the connection and refuses the first request.
// The client reports that and stays in StateAuthFailed. It tries again less and less
// often, and recovers when the server no longer requires SASL.
func TestAuth_ServerThatRequiresSaslIsNamed(t *testing.T) {
	for name, calls := range map[string]bool{"at rest": false, "with calls": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sasl := func(c *scripted) {
					if q, ok := <-c.requests; ok {
						_ = c.say(replyTo(q.Xid, 0, proto.SessionClosedRequireSaslAuth, nil))
					}
				}
				const refusals = 20
				s := &script{play: append(slices.Repeat([]func(*scripted){sasl}, refusals), honest)}
				c := s.client(t)
				if calls {
					_, err := c.Get(inTime(t), "/n")
					require.ErrorIs(t, err, zk.ErrSaslRequired)
				}
				var states []zk.State
				for s := range c.States(inTime(t)) {
					if states = append(states, s); s == zk.StateAuthFailed {
						break
					}
				}
				start := time.Now()
				for range 5 {
					_, err := c.Set(inTime(t), "/n", nil, zk.AnyVersion)
					require.ErrorIs(t, err, zk.ErrAuthFailed)
					require.ErrorIs(t, err, zk.ErrSaslRequired)
					require.ErrorContains(t, err, "SASL")
					require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
					require.ErrorIs(t, c.Ready(inTime(t)), zk.ErrSaslRequired)
					require.Equal(t, zk.StateAuthFailed, c.State())
					time.Sleep(time.Second)
				}
				s.mu.Lock()
				require.Less(t, s.dials, refusals)
				s.mu.Unlock()
				for s := range c.States(inTime(t)) {
					require.Contains(t, []zk.State{zk.StateAuthFailed, zk.StateExpired, zk.StateConnected}, s)
					if s == zk.StateConnected {
						break
					}
				}
				require.Greater(t, time.Since(start), 5*time.Second)
				require.Equal(t, refusals+1, s.dials)
				require.NoError(t, c.Sync(inTime(t), "/"))
			})
		})
	}
}
