package journal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/zookit/zookit/recipes"
)

// lateAfter is how long the work under a hold may go on after the hold was lost before
// that is logged.
const lateAfter = 3 * time.Second

// Working is called when work under the hold begins. If the hold is lost and the work
// goes on for three seconds, a line says so at level Warn: another contender may hold by
// then. A second line at level Info says when the work has returned. The caller calls
// done when it has.
func (h *Hold) Working() (done func()) {
	if h == nil {
		return func() {}
	}
	returned, logged := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(h.ctx, func() {
		defer close(logged)
		h.logLateWork(returned)
	})
	return func() {
		close(returned)
		if !stop() {
			<-logged
		}
	}
}

// logLateWork is called when the hold's context has ended. It returns when the work has
// returned.
func (h *Hold) logLateWork(returned <-chan struct{}) {
	lost, why := time.Now(), context.Cause(h.ctx)
	if errors.Is(why, recipes.ErrReleased) {
		return
	}
	late := time.NewTimer(lateAfter)
	defer late.Stop()
	select {
	case <-returned:
		return
	case <-late.C:
	}
	after := func() []slog.Attr {
		return append(h.granted.attrs(h.j.Dir), slog.Duration("after", time.Since(lost)))
	}
	h.j.log(slog.LevelWarn, "the work goes on although the hold is lost", append(after(), slog.Any("why", why)))
	<-returned
	h.j.log(slog.LevelInfo, "the work under the lost hold has returned", after())
}
