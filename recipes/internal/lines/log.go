package lines

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/internal/rarely"
)

// Log logs for one recipe, whose name begins each message. A panic of the log handler
// goes no further: a hold must not end because its end cannot be logged, and many lines
// are logged on goroutines where a panic would end the program.
type Log struct {
	logger *slog.Logger
	recipe string
}

// New returns the Log of a recipe.
func New(logger *slog.Logger, recipe string) Log { return Log{logger, recipe} }

// Enabled reports whether the logger takes lines of a level. The zero Log takes none.
func (l Log) Enabled(level slog.Level) (takes bool) {
	if l.logger == nil {
		return false
	}
	defer func() { _ = recover() }()
	return l.logger.Enabled(context.Background(), level)
}

// Line logs a line.
func (l Log) Line(level slog.Level, line Line, attrs ...slog.Attr) {
	if !l.Enabled(level) {
		return
	}
	var caller [1]uintptr
	runtime.Callers(2, caller[:]) // without Callers and Line
	r := slog.NewRecord(time.Now(), level, l.recipe+": "+string(line), caller[0])
	r.AddAttrs(attrs...)
	defer func() { _ = recover() }()
	_ = l.logger.Handler().Handle(context.Background(), r)
}

// Why is the attribute that names the reason, on one line.
func Why(err error) slog.Attr { return slog.Any("why", oneline.Flat(err)) }

// Troubles logs failures of something that is tried again and again: the first at once,
// and then less and less often. A failure for another reason than the one in the log is
// logged too, unless a line is younger than newReason. The zero value has seen none.
type Troubles struct {
	failures rarely.Failures
	logged   time.Time // when the last line was logged
	why      string    // its reason
}

// newReason keeps reasons that differ at each try from being a line each.
const newReason = time.Minute

// Failed logs a failure: first for the first one, and still for later ones.
func (t *Troubles) Failed(l Log, first, still Line, err error, attrs ...slog.Attr) {
	now, why := time.Now(), err.Error()
	due := t.failures.More(now) || why != t.why && now.Sub(t.logged) >= newReason
	if !due {
		return
	}
	t.logged, t.why = now, why
	if t.failures.Count == 1 {
		l.Line(slog.LevelWarn, first, append(attrs, Why(err))...)
		return
	}
	l.Line(slog.LevelWarn, still, append(attrs, slog.Int("tries", t.failures.Count), t.duration(), Why(err))...)
}

// Over logs that there are no failures any more, if there were.
func (t *Troubles) Over(l Log, line Line, attrs ...slog.Attr) {
	if t.failures.Count > 0 {
		l.Line(slog.LevelInfo, line, append(attrs, slog.Int("tries", t.failures.Count), t.duration())...)
	}
	t.Forget()
}

// Forget forgets the failures.
func (t *Troubles) Forget() { *t = Troubles{} }

func (t *Troubles) duration() slog.Attr {
	return slog.Duration("for", t.failures.For(time.Now()))
}
