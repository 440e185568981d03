package work_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/work"
)

// late returns a Late, and what it has logged with the time of each line.
func late() (work.Late, *bytes.Buffer) {
	out := new(bytes.Buffer)
	start := time.Now()
	handler := slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Duration("at", time.Since(start))
		}
		return a
	}})
	return work.Late{
		Log: lines.New(slog.New(handler), "lock"), Still: lines.WorkStillRuns, Returned: lines.WorkReturnedLate,
		Attrs: []slog.Attr{slog.String("dir", "/l")},
	}, out
}

// Work that runs on after its context has ended is logged after three seconds, and then
// less and less often, until it has returned.
func TestLate_LogsWorkThatRunsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, out := late()
		ctx, cancel := context.WithCancelCause(t.Context())
		errWork := errors.New("of the work")
		err := l.Run(ctx, func() error {
			time.Sleep(time.Hour)
			cancel(errLost)
			time.Sleep(7 * time.Minute)
			return errWork
		})
		require.Equal(t, errWork, err)
		still := func(at, took string) string {
			return `at=` + at + ` level=WARN msg="lock: the work still runs although its context has ended" dir=/l since=2000-01-01T01:00:00Z for=` + took + ` why=lost`
		}
		require.Equal(t, []string{
			still("1h0m3s", "3s"), still("1h0m10s", "10s"), still("1h1m0s", "1m0s"), still("1h6m0s", "6m0s"),
			`at=1h7m0s level=INFO msg="lock: the work has returned, after its context had ended" dir=/l since=2000-01-01T01:00:00Z for=7m0s why=lost`,
		}, strings.Split(strings.TrimSpace(out.String()), "\n"))
	})
}

// Work that returns soon after the end of its context, or before it, is not logged, nor is
// work that has released the hold itself. A panic of the work goes on.
func TestLate_LogsNoWorkThatReturnsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, out := late()
		ctx, cancel := context.WithCancel(t.Context())
		require.NoError(t, l.Run(ctx, func() error {
			time.Sleep(time.Hour)
			return nil
		}))
		require.PanicsWithValue(t, "in the work", func() {
			_ = l.Run(ctx, func() error {
				cancel()
				time.Sleep(2 * time.Second)
				panic("in the work")
			})
		})
		released, release := context.WithCancelCause(t.Context())
		require.NoError(t, l.Run(released, func() error {
			release(recipes.ErrReleased)
			time.Sleep(time.Hour)
			return nil
		}))
		time.Sleep(time.Hour)
		require.Empty(t, out.String())
	})
}
