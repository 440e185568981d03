package zk_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

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
