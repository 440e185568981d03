package zk_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// suspend runs f with a guard of a client whose lease has been renewed by
// heartbeats. sleep suspends the client's system: its own clocks, and with them
// its timers, stand still meanwhile.
func suspend(t *testing.T, f func(srv *zktest.Server, s *zk.Session, guard context.Context, sleep func(time.Duration))) {
	t.Helper()
	var slept atomic.Int64
	defer zk.SetSuspended(func() time.Duration { return time.Duration(slept.Load()) })()
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		guard, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		time.Sleep(2*c.Session().Timeout() + 10*time.Millisecond)
		require.NoError(t, guard.Err())
		f(srv, c.Session(), guard, func(d time.Duration) { slept.Add(int64(d)) })
	})
}

// A look at a guard after a suspend that was longer than the lease finds it
// over, before anything else has happened.
func TestGuard_IsOverAfterASuspend(t *testing.T) {
	suspend(t, func(_ *zktest.Server, s *zk.Session, guard context.Context, sleep func(time.Duration)) {
		sleep(s.Timeout())
		require.Error(t, guard.Err())
		require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
	})
}

// A goroutine that waits for the guard's end is woken at the next heartbeat.
func TestGuard_DoneClosesAfterASuspend(t *testing.T) {
	suspend(t, func(_ *zktest.Server, s *zk.Session, guard context.Context, sleep func(time.Duration)) {
		sleep(s.Timeout())
		start := time.Now()
		select {
		case <-guard.Done():
		case <-time.After(s.Timeout()):
			require.Fail(t, "the guard has not ended")
		}
		require.LessOrEqual(t, time.Since(start), s.Timeout()/12)
		require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
	})
}

// The same while the client looks for a server.
func TestGuard_DoneClosesAfterASuspendWithoutAConnection(t *testing.T) {
	suspend(t, func(srv *zktest.Server, s *zk.Session, guard context.Context, sleep func(time.Duration)) {
		srv.Down(1, true)
		time.Sleep(s.Timeout() / 10)
		require.NoError(t, guard.Err())
		sleep(s.Timeout())
		start := time.Now()
		select {
		case <-guard.Done():
		case <-time.After(s.Timeout()):
			require.Fail(t, "the guard has not ended")
		}
		require.LessOrEqual(t, time.Since(start), s.Timeout()/12)
		require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
		srv.Down(1, false)
	})
}

// A request that was sent before a suspend and answered after it proves nothing
// about the time after its sending.
func TestGuard_AnswersFromBeforeASuspendDoNotRenew(t *testing.T) {
	suspend(t, func(srv *zktest.Server, s *zk.Session, guard context.Context, sleep func(time.Duration)) {
		srv.Delay(1, s.Timeout()/10)
		time.Sleep(s.Timeout())
		require.NoError(t, guard.Err())
		sleep(s.Timeout() / 3)
		time.Sleep(s.Timeout() / 10) // the answers arrive
		require.Error(t, guard.Err())
	})
}

// Suspends that are shorter than the rest of the lease cost nothing, even many of
// them.
func TestGuard_SurvivesShortSuspends(t *testing.T) {
	suspend(t, func(_ *zktest.Server, s *zk.Session, guard context.Context, sleep func(time.Duration)) {
		for range 30 {
			sleep(s.Timeout() / 5)
			require.NoError(t, guard.Err())
			time.Sleep(s.Timeout())
		}
		require.NoError(t, guard.Err())
		require.Zero(t, s.Resumed())
	})
}
