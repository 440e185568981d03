package zk_test

import (
	"context"
	"math"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 15: Connect refuses an impossible timeout and names it, before it dials.
func TestConfig_SessionTimeoutOutOfRangeIsRefused(t *testing.T) {
	for _, ask := range []time.Duration{
		-1, -time.Second, time.Microsecond, time.Millisecond - 1,
		(math.MaxInt32 + 1) * time.Millisecond, math.MaxInt64, math.MinInt64,
	} {
		_, err := zk.Connect(t.Context(), zk.Config{Servers: "h1", SessionTimeout: ask, DialContext: func(context.Context, string, string) (net.Conn, error) {
			panic("dialled")
		}})
		require.ErrorContains(t, err, "SessionTimeout", "%v", ask)
	}
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		for _, ask := range []time.Duration{0, math.MaxInt32 * time.Millisecond} {
			c := connect(t, srv, tp.on(srv), func(cfg *zk.Config) { cfg.SessionTimeout = ask })
			require.Positive(t, c.Session().Timeout())
		}
		require.EqualValues(t, 10_000, tp.frames(0)[0].handshake.TimeoutMillis, "the default")
		require.EqualValues(t, math.MaxInt32, tp.frames(1)[0].handshake.TimeoutMillis)
	})
}

// failures: 15: the client derives every interval from the granted timeout, and not
// from the one that it asked for. If the server grants less, heartbeats still keep
// the session alive, and silence is noticed in a third of the timeout.
func TestSession_IntervalsFollowTheServersTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{MaxSessionTimeout: 2 * time.Second})
		c := connect(t, srv, func(cfg *zk.Config) { cfg.SessionTimeout = 10 * time.Minute })
		id := c.Session().ID()
		time.Sleep(time.Minute)
		require.Equal(t, []int64{id}, srv.Sessions())
		guard, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		start := time.Now()
		srv.Silence(1, true)
		<-guard.Done()
		require.Less(t, time.Since(start), 2*time.Second, "the ensemble may have expired the session then")
		require.Equal(t, zk.StateDisconnected, c.State())
		<-c.Session().Context().Done()
		require.LessOrEqual(t, time.Since(start), 2*time.Second*4/3+time.Millisecond)
		srv.Silence(1, false)
		require.NoError(t, c.Ready(inTime(t)))
	})
}

// failures: 15: with any granted timeout nothing panics, no loop runs hot, and the
// client ends well.
func TestConnect_AbsurdTimeoutsOfTheServerAreHarmless(t *testing.T) {
	for _, millis := range []int32{0, -1, math.MinInt32, 1, 2, 11, 12, math.MaxInt32} {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			srv.OnConnect(func(q zktest.Connect) zktest.Verdict {
				p := proto.ConnectResponse{TimeoutMillis: millis, SessionID: 7, Password: make([]byte, proto.PasswordLen)}
				return zktest.RawReply(serverproto.AppendConnectResponse(nil, p))
			})
			var d dialled
			c := clienttest.Open(t, srv, clienttest.Background, d.on(srv))
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if millis <= 0 {
				require.ErrorIs(t, c.Ready(ctx), context.DeadlineExceeded)
				require.Less(t, len(d.between(start, time.Now())), 100, "no hot loop")
			} else {
				require.NoError(t, c.Ready(ctx))
				_, _, err := c.Exists(ctx, "/n")
				require.NoError(t, err, "timeout %d ms", millis)
				require.Equal(t, time.Duration(millis)*time.Millisecond, c.Session().Timeout())
				time.Sleep(time.Second)
			}
			end, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := c.Close(end); err != nil {
				require.ErrorIs(t, err, zk.ErrUnconfirmed)
			}
			require.Less(t, time.Since(start), 2*time.Minute)
		})
	}
}

// failures: 15: if the timeout leaves no time for a lease, Guard fails at once,
// without round trips.
func TestGuard_IsRefusedWhereTheTimeoutLeavesNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{MaxSessionTimeout: 2 * time.Second})
		c := connect(t, srv, func(cfg *zk.Config) { cfg.TouchDelay = 1500 * time.Millisecond })
		before := srv.Requests()
		_, _, err := c.Session().Guard(inTime(t))
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.ErrorContains(t, err, "2s")
		require.LessOrEqual(t, srv.Requests()-before, int64(2))
	})
}
