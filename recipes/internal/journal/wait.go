package journal

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/zk"
)

// longWait is how long a hold is waited for before that is logged at level Info.
const longWait = time.Second

// Wait is a hold that is being waited for. nil is one that is not logged. All its
// methods can be called on nil.
type Wait struct {
	j       Journal
	attrs   []any
	start   time.Time
	steps   bool // the log takes level Debug
	timer   *time.Timer
	logged  chan struct{} // closed when the line of a long wait is logged
	waiting atomic.Pointer[position]
}

// position is where a contender waits.
type position struct {
	node, predecessor string
	ahead             int
}

// attrs returns the attributes of a position. nil has none.
func (p *position) attrs() []any {
	if p == nil {
		return nil
	}
	return []any{"node", p.node, "behind", p.predecessor, "ahead", p.ahead}
}

// Wait begins a wait. If it takes longer than a second, that is logged. The caller
// calls Over when the wait is over.
func (j Journal) Wait(attrs ...any) *Wait {
	if !j.Logger.Enabled(context.Background(), slog.LevelInfo) {
		return nil
	}
	w := &Wait{
		j: j, attrs: append([]any{"dir", j.Dir}, attrs...), start: time.Now(),
		steps: j.Logger.Enabled(context.Background(), slog.LevelDebug), logged: make(chan struct{}),
	}
	w.timer = time.AfterFunc(longWait, func() {
		defer close(w.logged)
		w.j.Logger.Info(j.Recipe+": waiting", w.with(w.waiting.Load().attrs())...)
	})
	return w
}

// with returns the attributes of the wait and then others.
func (w *Wait) with(attrs []any) []any {
	return append(slices.Clip(w.attrs), attrs...)
}

// Behind records that node waits for the node of this name in dir, its predecessor, and
// for ahead contenders in all. The predecessor is watched.
func (w *Wait) Behind(node, dir, predecessor string, ahead int) {
	if w == nil {
		return
	}
	p := &position{node, zk.Join(dir, predecessor), ahead}
	w.waiting.Store(p)
	if w.steps {
		w.j.Logger.Debug(w.j.Recipe+": watches predecessor", w.with(p.attrs())...)
	}
}

// WatchEnded logs what the watch on the node of another contender, by its name in dir,
// has reported.
func (w *Wait) WatchEnded(dir, of, what string) {
	if w != nil && w.steps {
		w.j.Logger.Debug(w.j.Recipe+": watch ended", w.with([]any{"of", zk.Join(dir, of), "what", what})...)
	}
}

// Listed logs that node has listed the queue, and how many contenders it waits for.
func (w *Wait) Listed(node string, ahead int) {
	if w != nil && w.steps {
		w.j.Logger.Debug(w.j.Recipe+": queue listed", w.with([]any{"node", node, "ahead", ahead})...)
	}
}

// Over ends the wait. A wait that ends with an error is logged as given up: at level
// Info if it was long, as its beginning was.
func (w *Wait) Over(err error) {
	if w == nil {
		return
	}
	level := slog.LevelDebug
	if !w.timer.Stop() {
		<-w.logged
		level = slog.LevelInfo
	}
	if err != nil {
		attrs := append(w.with(w.waiting.Load().attrs()), "waited", time.Since(w.start), "why", err)
		w.j.Logger.Log(context.Background(), level, w.j.Recipe+": gave up", attrs...)
	}
}

// waited returns the attribute of the line about a grant: how long it was waited for.
func (w *Wait) waited() []slog.Attr {
	if w == nil {
		return nil
	}
	return []slog.Attr{slog.Duration("waited", time.Since(w.start))}
}
