package work

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/zookit/zookit/internal/rarely"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/lines"
)

// grace is how long work may run after its context has ended before that is logged. Its
// hold is lost then, and somebody else may have it already: or the hold is kept from the
// others for as long as the work runs.
const grace = 3 * time.Second

// Late says what is logged about work that still runs some seconds after its context has
// ended: Still then, and again less and less often, and Returned when it has returned.
type Late struct {
	Log             lines.Log
	Still, Returned lines.Line
	Attrs           []slog.Attr
}

// Run calls f, the work under ctx, and returns its error. If ctx has ended because the
// hold was released, nothing is logged: the program has done that itself.
func (l Late) Run(ctx context.Context, f func() error) error {
	if !l.Log.Enabled(slog.LevelWarn) {
		return f()
	}
	over, watched := make(chan struct{}), make(chan struct{})
	unbind := context.AfterFunc(ctx, func() {
		defer close(watched)
		if why := context.Cause(ctx); !errors.Is(why, recipes.ErrReleased) {
			l.watch(why, over)
		}
	})
	defer func() { // also if f panics
		close(over)
		if !unbind() {
			<-watched
		}
	}()
	return f()
}

// watch logs until the work is over. Its context has just ended, because of why.
func (l Late) watch(why error, over <-chan struct{}) {
	ended := time.Now()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	for logged := false; ; logged = true {
		select {
		case <-timer.C:
		case <-over:
			if logged {
				l.line(slog.LevelInfo, l.Returned, ended, why)
			}
			return
		}
		l.line(slog.LevelWarn, l.Still, ended, why)
		took := time.Since(ended)
		timer.Reset(rarely.Next(took) - took)
	}
}

func (l Late) line(level slog.Level, line lines.Line, ended time.Time, why error) {
	since := slog.String("since", ended.UTC().Format(time.RFC3339))
	took := slog.Duration("for", time.Since(ended).Round(time.Millisecond))
	l.Log.Line(level, line, append(l.Attrs[:len(l.Attrs):len(l.Attrs)], since, took, lines.Why(why))...)
}
