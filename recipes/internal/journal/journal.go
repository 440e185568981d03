// Package journal logs the life of a hold: the wait for it, its grant, and its
// release or loss.
package journal

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/zookit/zookit/recipes"
)

// Words are a recipe's words for the events of its holds.
type Words struct{ Granted, Released string }

// Journal logs for one directory of one recipe. It must have a Logger. One that
// discards everything costs almost nothing.
type Journal struct {
	Logger *slog.Logger
	Recipe string // the first word of every message
	Dir    string
	Words  Words
}

// Hold is a hold that was granted. A nil Hold is not logged.
type Hold struct{ logged chan struct{} }

// Grant logs that a hold was granted. ctx is the hold's context. When it ends, Grant
// logs that the holder released the hold, or that it was lost and why. wait is the
// wait for the hold, and may be nil.
func (j Journal) Grant(ctx context.Context, wait *Wait, attrs ...slog.Attr) *Hold {
	if !j.Logger.Enabled(context.Background(), slog.LevelWarn) {
		return nil
	}
	attrs = append([]slog.Attr{slog.String("dir", j.Dir)}, attrs...)
	j.log(slog.LevelDebug, j.Words.Granted, append(slices.Clip(attrs), wait.waited()...))
	h, start := &Hold{logged: make(chan struct{})}, time.Now()
	context.AfterFunc(ctx, func() {
		defer close(h.logged)
		attrs := append(attrs, slog.Duration("held", time.Since(start)))
		if why := context.Cause(ctx); errors.Is(why, recipes.ErrReleased) {
			j.log(slog.LevelDebug, j.Words.Released, attrs)
		} else {
			j.log(slog.LevelWarn, "lost", append(attrs, slog.Any("why", why)))
		}
	})
	return h
}

// log logs what has happened to a hold.
func (j Journal) log(level slog.Level, what string, attrs []slog.Attr) {
	j.Logger.LogAttrs(context.Background(), level, j.Recipe+": "+what, attrs...)
}

// Ended returns when the end is logged. The caller has ended the hold's context.
func (h *Hold) Ended() {
	if h != nil {
		<-h.logged
	}
}
