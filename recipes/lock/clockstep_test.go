package lock_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// steppedClock tells a test binary that its wall clock jumps.
const steppedClock = "ZOOKIT_STEPPED_CLOCK"

// failures: 67: all that is measured by time works with a wall clock that jumps by up
// to twelve hours in either direction from one reading to the next, while the
// monotonic clock goes on. The tests that are started here are built with such a
// time.Now. Code that compares, stores or waits by the wall clock fails in them. (They
// run in real time: in a bubble time.Now has no monotonic part.)
func TestLock_ClockStepsChangeNothing(t *testing.T) {
	if os.Getenv(steppedClock) != "" {
		t.Fatal("the tests under a stepped clock must not start themselves")
	}
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	code, err := os.ReadFile(source)
	require.NoError(t, err)
	const read, step = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n",
		"\tif mono != 0 {\n\tsec += int64(uint64(runtimeNano()^mono)*0x9e3779b97f4a7c15>>32)%86400 - 43200\n\t}\n"
	stepped := strings.Replace(string(code), read, read+step, 1)
	require.NotEqual(t, string(code), stepped, "time.Now looks different in %s", runtime.Version())

	dir := t.TempDir()
	replaced, overlay := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(replaced, []byte(stepped), 0o600))
	list, err := json.Marshal(map[string]map[string]string{"Replace": {source: replaced}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, list, 0o600))

	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-overlay="+overlay, "-run",
		"TestClockJumps|TestLock_KeepsTime", "-v", "-timeout=2m", ".")
	cmd.Env = append(os.Environ(), steppedClock+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, ran := range []string{"TestClockJumps", "TestLock_KeepsTime"} {
		require.Contains(t, string(out), "--- PASS: "+ran)
	}
}

// TestLock_KeepsTime tests in real time what a lock does by the clock. A hold lasts
// over several session timeouts. A waiter waits as long as its context says. The
// Context of a holder that is cut off ends before the end of its session, and the
// next contender gets the lock after it.
func TestLock_KeepsTime(t *testing.T) {
	const timeout = 3 * time.Second // real time: on a busy machine a short lease lapses
	inRealTime(t, 2, func(t *testing.T, srv *zktest.Server) {
		at := func(server int) *zk.Client {
			return connect(t, srv, func(cfg *zk.Config) {
				cfg.Servers, cfg.SessionTimeout = strings.Split(srv.ConnectString(), ",")[server-1], timeout
			})
		}
		holder, other := at(1), at(2)
		session := holder.Session()
		h, err := lock.New(holder, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*timeout)
		defer cancel()
		_, err = lock.New(other, "/l", lock.Config{}).Acquire(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		took := time.Since(start)
		require.GreaterOrEqual(t, took, 3*timeout)
		require.Less(t, took, 6*timeout)
		require.NoError(t, h.Context().Err())
		require.Equal(t, session, holder.Session())

		next := acquire(t.Context(), other)
		srv.Silence(1, true)
		start = time.Now()
		<-h.Context().Done()
		require.ErrorIs(t, context.Cause(h.Context()), zk.ErrLeaseLapsed)
		require.Empty(t, next, "reported too late")
		require.Greater(t, time.Since(start), timeout/4)
		two := <-next
		require.NoError(t, two.err)
		require.Less(t, time.Since(start), 4*timeout)
		srv.Silence(1, false)
		require.NoError(t, two.h.Release(t.Context()))
		require.NoError(t, h.Release(t.Context()))
	})
}

// TestClockJumps shows that the clock of the test above does jump, and that
// without it this one does not.
func TestClockJumps(t *testing.T) {
	var least, most time.Duration
	for range 1000 {
		start := time.Now()
		end := time.Now()
		require.Less(t, end.Sub(start), time.Minute, "the monotonic clock")
		wall := end.Round(0).Sub(start.Round(0))
		least, most = min(least, wall), max(most, wall)
	}
	if os.Getenv(steppedClock) != "" {
		require.Less(t, least, -time.Hour)
		require.Greater(t, most, time.Hour)
		return
	}
	require.Greater(t, least, -time.Minute)
	require.Less(t, most, time.Minute)
}
