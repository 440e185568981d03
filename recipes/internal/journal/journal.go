// Package journal logs the life of a hold and calls the hooks that observe it: the
// wait for it, its grant, and its release or loss.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/observe"
	"github.com/zookit/zookit/recipes/internal/work"
	"github.com/zookit/zookit/zk"
)

// Words are a recipe's lines about the events of its holds.
type Words struct {
	Granted, Released lines.Line
	HandedOver        error // the cause of a release that is logged as handed over; may be nil
}

// Journal is for one directory of one recipe.
type Journal struct {
	lines.Log
	Recipe string // the first word of every message
	Dir    string
	Words  Words
	Level  slog.Level // of a grant and a release

	c     *zk.Client
	Hooks *observe.Hooks
	holds bool // a hook observes acquisitions and holds
}

// New returns the Journal of a recipe of the client. Without a logger it is the
// client's.
func New(c *zk.Client, logger *slog.Logger, recipe, dir string, words Words) Journal {
	hooks := observe.Of(c)
	return Journal{
		Log: lines.New(observe.Logger(c, logger), recipe), Recipe: recipe, Dir: dir, Words: words, Level: slog.LevelDebug,
		c: c, Hooks: hooks, holds: hooks.Acquisitions(),
	}
}

// WithoutHooks is for waits that end without a hold: it calls no hook.
func (j Journal) WithoutHooks() Journal {
	j.Hooks, j.holds = nil, false
	return j
}

// Grant is a hold that is granted.
type Grant struct {
	Session *zk.Session // which owns the node
	Node    string
	Token   int64
	Attrs   []slog.Attr // others for the log
	Resumed bool        // it was taken over from another process
}

// attrs returns the attributes of the lines about a hold.
func (g Grant) attrs(dir string) []slog.Attr {
	attrs := append([]slog.Attr{slog.String("dir", dir)}, g.Attrs...)
	return append(attrs, slog.String("node", g.Node), slog.Int64("token", g.Token), slog.String("session", label(g.Session.ID())))
}

// Hold is a hold that was granted. A nil Hold is neither logged nor observed.
type Hold struct {
	j       *Journal
	ctx     context.Context // of the hold
	granted Grant
	told    chan struct{} // closed when the end of the hold is logged and observed
}

// lastID is the ID of the newest acquisition.
var lastID atomic.Uint64

// Grant logs that a hold was granted: at level Info if it was waited for long. ctx is
// the hold's context. When it ends, Grant logs that the holder released the hold, or
// that it was lost and why. wait is the wait for the hold, and may be nil. The hooks are
// called too.
func (j *Journal) Grant(ctx context.Context, wait *Wait, g Grant) *Hold {
	if !j.holds && !j.Enabled(slog.LevelWarn) {
		return nil
	}
	level := j.Level
	if wait.long() {
		level = max(level, slog.LevelInfo)
	}
	if j.Enabled(level) {
		attrs := append(g.attrs(j.Dir), wait.waited()...)
		if g.Resumed {
			attrs = append(attrs, slog.Bool("resumed", true))
		}
		j.Line(level, j.Words.Granted, attrs...)
	}
	granted := recipes.Granted{Node: g.Node, Token: g.Token}
	if j.holds {
		granted.Acquisition = wait.of(j)
		granted.Waited = time.Since(granted.Began)
		j.Hooks.Granted(granted)
	}
	h, start := &Hold{j: j, ctx: ctx, granted: g, told: make(chan struct{})}, time.Now()
	context.AfterFunc(ctx, func() {
		defer close(h.told)
		held, why := time.Since(start), context.Cause(ctx)
		j.ended(g, held, why)
		if errors.Is(why, recipes.ErrReleased) {
			why = nil
		}
		j.Hooks.HoldEnded(recipes.HoldEnded{Granted: granted, Held: held, Err: why})
	})
	return h
}

// ended logs the end of a hold.
func (j *Journal) ended(g Grant, held time.Duration, why error) {
	line, level, own := j.ending(why)
	if !j.Enabled(level) {
		return
	}
	attrs := append(g.attrs(j.Dir), slog.Duration("held", held.Round(time.Microsecond)))
	if !own {
		attrs = append(attrs, lines.Why(why))
	}
	j.Line(level, line, attrs...)
}

// ending returns the line about a hold that has ended because of why, and its level. own
// says that the holder has ended it.
func (j *Journal) ending(why error) (line lines.Line, level slog.Level, own bool) {
	switch {
	case errors.Is(why, recipes.ErrDetached):
		return lines.Detached, j.Level, true
	case j.Words.HandedOver != nil && errors.Is(why, j.Words.HandedOver):
		return lines.HandedOver, j.Level, true
	case errors.Is(why, recipes.ErrReleased):
		return j.Words.Released, j.Level, true
	case errors.Is(why, zk.ErrClosed):
		return lines.EndedWithClient, max(j.Level, slog.LevelInfo), false
	}
	return lines.Lost, slog.LevelWarn, false
}

// label names a session as the lines of package zk do, and the log of the servers.
func label(session int64) string { return fmt.Sprintf("%#x", uint64(session)) }

// Ended returns when the end is logged and the hooks have returned. The caller has ended
// the hold's context.
func (h *Hold) Ended() {
	if h != nil {
		<-h.told
	}
}

// Late says what is logged about work under the hold that runs on after its context has
// ended.
func (h *Hold) Late() work.Late {
	if h == nil {
		return work.Late{}
	}
	return work.Late{
		Log: h.j.Log, Still: lines.WorkStillRuns, Returned: lines.WorkReturnedLate,
		Attrs: h.granted.attrs(h.j.Dir),
	}
}
