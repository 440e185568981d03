package zk_test

import (
	"context"
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
