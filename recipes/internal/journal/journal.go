// Package journal logs the lives of holds: that one is waited for, granted, lost
// and released.
package journal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/zookit/zookit/recipes"
)

// longWait is how long a hold is waited for before that is logged.
const longWait = time.Second

// Words are what a recipe calls what happens to its holds.
type Words struct{ Granted, Released string }

// Journal logs for one directory of one recipe. It must have a Logger; one that
// discards everything costs next to nothing.
type Journal struct {
	Logger *slog.Logger
	Recipe string // with which every message begins
	Dir    string
	Words  Words
}

// Wait notes that a hold is being waited for, which is logged if it takes longer
// than a second. The caller calls done when the wait is over.
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

// Hold is a hold that was granted. nil is one that is not logged.
type Hold struct{ logged chan struct{} }

// Grant logs a hold that was granted, and its end when ctx, its context, ends: as
// released, if the holder gave it up, and else as lost, with the reason.
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
