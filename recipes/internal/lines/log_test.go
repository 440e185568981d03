package lines_test

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

	"github.com/zookit/zookit/recipes/internal/lines"
)

// panicking is a log handler that panics: in Enabled, or in Handle.
type panicking struct{ inEnabled bool }

func (p panicking) Enabled(context.Context, slog.Level) bool {
	if p.inEnabled {
		panic("in Enabled")
	}
	return true
}
func (panicking) Handle(context.Context, slog.Record) error { panic("in Handle") }
func (p panicking) WithAttrs([]slog.Attr) slog.Handler      { return p }
func (p panicking) WithGroup(string) slog.Handler           { return p }

// A log handler that panics ends nothing.
func TestLog_HandlerPanics(t *testing.T) {
	for _, inEnabled := range []bool{false, true} {
		log := lines.New(slog.New(panicking{inEnabled}), "lock")
		require.NotPanics(t, func() { log.Line(slog.LevelError, lines.Lost) })
		require.Equal(t, !inEnabled, log.Enabled(slog.LevelError))
	}
}

// A line begins with the recipe, names the place that logs it, and has its reason on one
// line. The zero Log takes no line.
func TestLog_Line(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{AddSource: true})).With("app", "a")
	lines.New(logger, "lock").Line(slog.LevelWarn, lines.Lost, lines.Why(errors.Join(errors.New("one"), errors.New("two"))))
	lines.New(logger, "lock").Line(slog.LevelDebug, lines.Granted)
	require.Regexp(t, `^time=\S+ level=WARN source=\S+/log_test.go:\d+ msg="lock: lost" app=a why="one; two"\n$`, out.String())
	var none lines.Log
	require.False(t, none.Enabled(slog.LevelError))
	none.Line(slog.LevelError, lines.Lost)
}

// Failures are logged less and less often. A new reason is logged too, but not within a
// minute of another line.
func TestTroubles_Failed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := lines.New(slog.New(slog.NewTextHandler(&out, nil)), "discovery")
		var troubles lines.Troubles
		start, due := time.Now(), []time.Duration(nil)
		for range 20 * 60 {
			before := out.Len()
			reason := time.Since(start).Truncate(time.Second)
			if reason > 4*time.Minute {
				reason = 4 * time.Minute // it is the same from now on
			}
			troubles.Failed(log, lines.CheckFailed, lines.CheckStillFails, errors.New(reason.String()))
			if out.Len() > before {
				due = append(due, time.Since(start))
			}
			time.Sleep(time.Second)
		}
		s, m := time.Second, time.Minute
		require.Equal(t, []time.Duration{0, 10 * s, m, 2 * m, 3 * m, 4 * m, 6 * m, 11 * m, 16 * m}, due)
		require.Equal(t, 1, strings.Count(out.String(), string(lines.CheckFailed)))
		out.Reset()
		troubles.Over(log, lines.CheckPasses)
		troubles.Over(log, lines.CheckPasses)
		require.Regexp(t, `^time=\S+ level=INFO msg="discovery: health check passes again" tries=1200 for=20m0s\n$`, out.String())
	})
}
