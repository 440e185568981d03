package journal

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/zk"
)

// longWait is how long a hold is waited for before that is logged at level Info.
const longWait = 3 * time.Second

// Wait is a hold that is being waited for. nil is one that is neither logged nor
// observed. All its methods can be called on nil.
type Wait struct {
	j           *Journal
	acquisition recipes.Acquisition
	attrs       []slog.Attr
	ctx         context.Context // ends when the wait is over
	over        context.CancelFunc
	steps       bool          // the log takes level Debug
	timer       *time.Timer   // logs a long wait; nil if the log does not take that
	logged      chan struct{} // closed when the line of a long wait is logged
	waiting     atomic.Pointer[position]
}

// position is where a contender waits: behind others in the queue, or as the first of it
// for permits.
type position struct {
	node, predecessor string
	first             string // the node at the head of the queue, or the oldest lease; "": not known
	ahead             int
	held, limit       int // of the permits; 0: it waits in the queue
}

// attrs returns the attributes of a position. nil has none.
func (p *position) attrs() []slog.Attr {
	switch {
	case p == nil:
		return nil
	case p.limit > 0:
		return []slog.Attr{slog.String("node", p.node), slog.Int("held", p.held), slog.Int("limit", p.limit)}
	}
	return []slog.Attr{slog.String("node", p.node), slog.String("behind", p.predecessor), slog.Int("ahead", p.ahead)}
}

// Wait begins a wait. If it takes longer than some seconds, that is logged. ctx is that
// of the caller, who calls Over when the wait is over.
func (j *Journal) Wait(ctx context.Context, attrs ...slog.Attr) *Wait {
	logs := j.Enabled(slog.LevelInfo)
	if !logs && !j.holds {
		return nil
	}
	w := &Wait{
		j: j, attrs: append([]slog.Attr{slog.String("dir", j.Dir)}, attrs...),
		acquisition: recipes.Acquisition{ID: lastID.Add(1), Recipe: j.Recipe, Dir: j.Dir, Context: ctx, Began: time.Now()},
		steps:       j.Enabled(slog.LevelDebug),
	}
	j.Hooks.Acquiring(w.acquisition)
	if logs {
		w.ctx, w.over = context.WithCancel(ctx)
		w.logged = make(chan struct{})
		w.timer = time.AfterFunc(longWait, w.logLong)
	}
	return w
}

// logLong logs that the wait is long, and who is first in the queue or has the oldest
// lease.
func (w *Wait) logLong() {
	defer close(w.logged)
	p := w.waiting.Load()
	attrs := p.attrs()
	if p != nil && p.first != "" {
		attrs = append(attrs, w.first(p.first)...)
	}
	w.j.Line(slog.LevelInfo, lines.Waiting, w.with(attrs...)...)
}

// first returns the attributes of the node at the head of the queue: the holder as a
// rule. The node's data says who that is, if its program has written that there. first
// makes one request.
func (w *Wait) first(path string) []slog.Attr {
	ctx, cancel := context.WithTimeout(w.ctx, time.Second)
	defer cancel()
	n, err := w.j.c.Get(ctx, path)
	if err != nil {
		return []slog.Attr{slog.String("first", path)}
	}
	since := time.UnixMilli(n.Stat.Ctime).UTC().Format(time.RFC3339)
	attrs := []slog.Attr{slog.String("first", path), slog.String("of_session", label(n.Stat.EphemeralOwner)), slog.String("since", since)}
	if text, ok := readable(n.Data); ok {
		attrs = append(attrs, slog.String("data", text))
	}
	return attrs
}

// longestData is how many bytes of a node's data a line has at the most.
const longestData = 200

// readable returns the data of a node for a line, if it is a text.
func readable(data []byte) (text string, ok bool) {
	if len(data) == 0 || !utf8.Valid(data) || bytes.ContainsFunc(data, unicode.IsControl) {
		return "", false
	}
	if len(data) <= longestData {
		return string(data), true
	}
	return strings.ToValidUTF8(string(data[:longestData]), "") + "…", true
}

// of returns the acquisition of the wait. A hold that was taken over without a wait has
// one of its own.
func (w *Wait) of(j *Journal) recipes.Acquisition {
	if w == nil {
		return recipes.Acquisition{ID: lastID.Add(1), Recipe: j.Recipe, Dir: j.Dir, Context: context.Background(), Began: time.Now()}
	}
	return w.acquisition
}

// long reports whether the wait has been long.
func (w *Wait) long() bool { return w != nil && time.Since(w.acquisition.Began) >= longWait }

// with returns the attributes of the wait and then others.
func (w *Wait) with(attrs ...slog.Attr) []slog.Attr {
	return append(slices.Clip(w.attrs), attrs...)
}

// Behind records that node waits for ahead contenders. They have these names in dir: that
// of the first in the queue, and that of its predecessor, which is watched.
func (w *Wait) Behind(node, dir, first, predecessor string, ahead int) {
	if w == nil {
		return
	}
	p := &position{node: node, predecessor: zk.Join(dir, predecessor), first: zk.Join(dir, first), ahead: ahead}
	w.waiting.Store(p)
	if w.j.holds {
		w.j.Hooks.Queued(recipes.Queued{Acquisition: w.acquisition, Node: node, Predecessor: p.predecessor, Ahead: ahead})
	}
	if w.steps {
		w.j.Line(slog.LevelDebug, lines.WatchesPredecessor, w.with(p.attrs()...)...)
	}
}

// Full records that node is first in the queue and waits for permits: held of them are
// held, and limit is how many there are. oldest is the path of the oldest lease, or "".
func (w *Wait) Full(node, oldest string, held, limit int) {
	if w != nil {
		w.waiting.Store(&position{node: node, first: oldest, held: held, limit: limit})
	}
}

// WatchEnded logs what the watch on the node of another contender, by its name in dir,
// has reported.
func (w *Wait) WatchEnded(dir, of, what string) {
	if w != nil && w.steps {
		w.j.Line(slog.LevelDebug, lines.WatchEnded, w.with(slog.String("of", zk.Join(dir, of)), slog.String("what", what))...)
	}
}

// Listed logs that node has listed the queue, and how many contenders it waits for.
func (w *Wait) Listed(node string, ahead int) {
	if w != nil && w.steps {
		w.j.Line(slog.LevelDebug, lines.QueueListed, w.with(slog.String("node", node), slog.Int("ahead", ahead))...)
	}
}

// Over ends the wait. A wait that ends with an error is logged as given up: at level
// Info if it was long, as its beginning was.
func (w *Wait) Over(err error) {
	if w == nil {
		return
	}
	level := slog.LevelDebug
	if w.timer != nil {
		w.over()
		if !w.timer.Stop() {
			<-w.logged
			level = slog.LevelInfo
		}
	}
	if err == nil {
		return
	}
	waited := time.Since(w.acquisition.Began)
	attrs := append(w.with(w.waiting.Load().attrs()...), slog.Duration("waited", waited.Round(time.Microsecond)), lines.Why(err))
	w.j.Line(level, lines.GaveUp, attrs...)
	w.j.Hooks.GaveUp(recipes.GaveUp{Acquisition: w.acquisition, Waited: waited, Err: err})
}

// waited returns the attribute of the line about a grant: how long it was waited for.
func (w *Wait) waited() []slog.Attr {
	if w == nil {
		return nil
	}
	return []slog.Attr{slog.Duration("waited", time.Since(w.acquisition.Began).Round(time.Microsecond))}
}
