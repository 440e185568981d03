// Package journal logs the life of a hold: the wait for it, its grant, and its
// release or loss.
package journal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/zookit/zookit/recipes"
)

// longWait is the length of a wait from which on it is logged.
const longWait = time.Second

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

// Wait is called when the wait for a hold begins, and logs a wait of more than a
// second. The caller must call done when the wait is over.
func (j Journal) Wait(attrs ...any) (done func()) {
	if !j.Logger.Enabled(context.Background(), slog.LevelInfo) {
		return func() {}
	}
	logged := make(chan struct{})
	t := time.AfterFunc(longWait, func() {
		defer close(logged)
		j.Logger.Info(j.Recipe+": waiting", append([]any{"dir", j.Dir}, attrs...)...)
	})
	return func() {
		if !t.Stop() {
			<-logged
		}
	}
}

// Hold is a hold that was granted. A nil Hold is not logged.
type Hold struct{ logged chan struct{} }

// Grant logs that a hold was granted. ctx is the hold's context. When it ends, Grant
// logs that the holder released the hold, or that it was lost and why.
func (j Journal) Grant(ctx context.Context, attrs ...any) *Hold {
	if !j.Logger.Enabled(context.Background(), slog.LevelWarn) {
		return nil
	}
	attrs = append([]any{"dir", j.Dir}, attrs...)
	j.Logger.Debug(j.Recipe+": "+j.Words.Granted, attrs...)
	h, start := &Hold{logged: make(chan struct{})}, time.Now()
	context.AfterFunc(ctx, func() {
		defer close(h.logged)
		attrs := append(attrs, "held", time.Since(start))
		if why := context.Cause(ctx); errors.Is(why, recipes.ErrReleased) {
			j.Logger.Debug(j.Recipe+": "+j.Words.Released, attrs...)
		} else {
			j.Logger.Warn(j.Recipe+": lost", append(attrs, "why", why)...)
		}
	})
	return h
}

// Ended returns when the end is logged. The caller has ended the hold's context.
func (h *Hold) Ended() {
	if h != nil {
		<-h.logged
	}
}
