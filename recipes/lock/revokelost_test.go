package lock_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The holder is notified that its node's data has changed, and reads it. The read
// fails without a reply, or the connection is lost. The holder still sees the
// request.
func TestLock_RevocationOutlivesAFailedRead(t *testing.T) {
	const systemError, connectionLoss, operationTimeout, throttled = -1, -4, -7, -127
	for name, verdict := range map[string]zktest.Verdict{
		"system error":      zktest.Fail(systemError),
		"connection loss":   zktest.Fail(connectionLoss),
		"operation timeout": zktest.Fail(operationTimeout),
		"throttled":         zktest.Fail(throttled),
		"cut before":        zktest.CutBefore,
		"reply lost":        zktest.DropReplyAndCut,
	} {
		for times := int32(1); times <= 3; times++ {
			t.Run(fmt.Sprint(name, times), func(t *testing.T) {
				inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
					c := connect(t, srv)
					h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
					require.NoError(t, err)
					time.Sleep(time.Second)
					var gets atomic.Int32
					srv.OnRequest(func(r zktest.Request) zktest.Verdict {
						if r.Op == "get" && r.Session == c.Session().ID() && gets.Add(1) <= times {
							return verdict
						}
						return zktest.Pass
					})
					require.NoError(t, lock.New(connect(t, srv), "/l", lock.Config{}).Revoke(t.Context()))
					time.Sleep(5 * time.Second)
					require.Greater(t, gets.Load(), int32(0), "the holder did not read its node")
					select {
					case <-h.Revoked():
					default:
						t.Errorf("not asked to release; reads: %d", gets.Load())
					}
					require.NoError(t, h.Context().Err())
					require.NoError(t, h.Release(t.Context()))
				})
			})
		}
	}
}

// The connection is lost during the read, and on the next one the server refuses the
// credential for a while, so that the client fails every call at once. The holder sees
// the request when the server accepts the credential again.
func TestLock_RevocationOutlivesARefusedCredential(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var calls atomic.Int64
		c := connect(t, srv, func(cfg *zk.Config) {
			busy(cfg, &calls)
			cfg.SessionTimeout = 40 * time.Second
		})
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		other := lock.New(connect(t, srv), "/l", lock.Config{})
		time.Sleep(time.Second)
		var refused atomic.Bool
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch {
			case r.Op == "get" && r.Session == c.Session().ID() && refused.CompareAndSwap(false, true):
				return zktest.CutBefore
			case r.Op == "auth" && refused.Load():
				return zktest.Fail(int32(zk.ErrAuthFailed))
			}
			return zktest.Pass
		})
		require.NoError(t, other.Revoke(t.Context()))
		time.Sleep(time.Second)
		require.Equal(t, zk.StateAuthFailed, c.State())
		require.Less(t, calls.Load(), int64(100), "calls that failed at once")
		srv.OnRequest(nil)
		untilConnected(t, c)
		time.Sleep(time.Second)
		require.NoError(t, h.Context().Err())
		select {
		case <-h.Revoked():
		default:
			t.Error("not asked to release")
		}
		require.NoError(t, h.Release(t.Context()))
	})
}
