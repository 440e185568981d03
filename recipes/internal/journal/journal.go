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
	"github.com/zookit/zookit/recipes/internal/observe"
	"github.com/zookit/zookit/zk"
)

// Words are a recipe's words for the events of its holds. Without one for a release it
// is the text of the cause.
type Words struct{ Granted, Released string }

// Journal is for one directory of one recipe.
type Journal struct {
	Logger *slog.Logger
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
		Logger: observe.Logger(c, logger), Recipe: recipe, Dir: dir, Words: words, Level: slog.LevelDebug,
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
	if !j.holds && !j.Logger.Enabled(context.Background(), slog.LevelWarn) {
		return nil
	}
	level := j.Level
	if wait.long() {
		level = max(level, slog.LevelInfo)
	}
	if j.Logger.Enabled(context.Background(), level) {
		j.log(level, j.Words.Granted, append(g.attrs(j.Dir), wait.waited()...))
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

// ended logs the end of a hold: that the holder has ended it, that it ended with the
// client, or that it was lost.
func (j *Journal) ended(g Grant, held time.Duration, why error) {
	level, what := j.Level, j.Words.Released
	if what == "" || errors.Is(why, recipes.ErrDetached) {
		what = why.Error()
	}
	lost := !errors.Is(why, recipes.ErrReleased)
	switch {
	case errors.Is(why, zk.ErrClosed):
		level, what = max(level, slog.LevelInfo), "ended with the client"
	case lost:
		level, what = slog.LevelWarn, "lost"
	}
	if !j.Logger.Enabled(context.Background(), level) {
		return
	}
	attrs := append(g.attrs(j.Dir), slog.Duration("held", held))
	if lost {
		attrs = append(attrs, slog.Any("why", why))
	}
	j.log(level, what, attrs)
}

// label names a session as the lines of package zk do, and the log of the servers.
func label(session int64) string { return fmt.Sprintf("%#x", uint64(session)) }

// log logs what has happened to a hold.
func (j *Journal) log(level slog.Level, what string, attrs []slog.Attr) {
	j.Logger.LogAttrs(context.Background(), level, j.Recipe+": "+what, attrs...)
}

// Ended returns when the end is logged and the hooks have returned. The caller has ended
// the hold's context.
func (h *Hold) Ended() {
	if h != nil {
		<-h.told
	}
}
