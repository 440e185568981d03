package zk_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
)

// A follower asks its leader whether a session is valid, and gives the answer to
// the newest handshake of that session. The way to it is slow: the client has
// given up its first handshake, and the answer to that completes the second. The
// leader has touched the session at the first one.
func TestGuard_AHandshakeMayBeCompletedByTheAnswerToAnEarlierOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 20 * time.Second
		type hello = proto.ConnectRequest
		type welcome = *proto.ConnectResponse
		l := &limits{answer: func(string, hello) welcome { return granted(1, timeout) }}
		c, err := zk.Connect(inTime(t), zk.Config{Servers: "a:1", DialContext: l.dial, SessionTimeout: timeout})
		require.NoError(t, err)
		defer func() {
			ended, end := context.WithCancel(t.Context())
			end()
			require.ErrorIs(t, c.Close(ended), zk.ErrUnconfirmed)
			l.running.Wait()
		}()
		guard, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()

		var first, second time.Time // of the handshakes
		l.become(func(_ string, q hello) welcome {
			switch {
			case q.SessionID == 0: // not yet the handshake, but dial
			case first.IsZero():
				first = time.Now()
				return noAnswer
			case second.IsZero():
				second = time.Now()
			}
			return granted(1, timeout)
		})
		time.Sleep(5 * time.Second)
		require.NoError(t, c.Ready(inTime(t)))
		l.become(func(string, hello) welcome { return nil })
		<-guard.Done()
		l.mu.Lock()
		defer l.mu.Unlock()
		require.Greater(t, second.Sub(first), time.Second)
		require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
		require.Less(t, time.Since(first), timeout, "the leader may expire the session then")
	})
}
