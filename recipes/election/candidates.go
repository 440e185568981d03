package election

import (
	"context"
	"log/slog"
	"slices"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/zk"
)

// Leader is the candidate that leads, or is about to.
type Leader = recipes.Contender

// Leader returns the first candidate, as the client's server sees it, or ErrNoLeader
// if there is no candidate.
func (e *Election) Leader(ctx context.Context) (Leader, error) {
	if err := e.usable(ctx, "leader"); err != nil {
		return Leader{}, err
	}
	l, ok, err := e.queue.First(ctx)
	if err == nil && !ok {
		err = ErrNoLeader
	}
	if err != nil {
		return Leader{}, e.wrap(err)
	}
	return l, nil
}

// Candidate is the leader or a candidate that waits. Its Data is its ID, until it
// leads and calls Proclaim.
type Candidate struct {
	recipes.Contender
	Leader   bool // first in the queue: it leads, or is about to lead or stand aside
	Priority int
	Foreign  bool // of another library: it has no priority and never stands aside
}

// Candidates returns all candidates in the order of the queue, as the client's
// server sees it. A candidate whose node is deleted in the meantime is left out. A
// candidate whose node may not be read has its Err.
func (e *Election) Candidates(ctx context.Context) ([]Candidate, error) {
	if err := e.usable(ctx, "candidates"); err != nil {
		return nil, err
	}
	list, err := e.queue.Contenders(ctx)
	if err != nil {
		return nil, e.wrap(err)
	}
	out := candidates(list)
	for i := range out {
		out[i].Leader = i == 0
	}
	return out, nil
}

func candidates(list []recipes.Contender) []Candidate {
	out := make([]Candidate, len(list))
	for i, c := range list {
		p, ours := contend.Priority(c.Name())
		out[i] = Candidate{Contender: c, Priority: int(p), Foreign: !ours}
	}
	return out
}

// choose decides, when our turn has come, whether we stand aside for another
// candidate: the one that the last leader named, or one of a higher priority.
// Candidates of equal priority never stand aside for each other. A candidate that
// stands aside goes behind the other one. So with each step fewer candidates are
// ahead of that one.
func (e *Election) choose(t contend.Turn) contend.Choice {
	c := contend.Choice{Higher: higher(t.Behind, e.cfg.Priority)}
	if t.Next != t.Own {
		c.Named = slices.Contains(t.Behind, t.Next)
		c.Aside = c.Named || c.Higher > 0
	}
	if c.Aside {
		e.logAside(t, c)
	}
	return c
}

// logAside logs that our candidate stands aside: for the one that the last leader named,
// or for candidates of a higher priority.
func (e *Election) logAside(t contend.Turn, c contend.Choice) {
	attrs := []slog.Attr{slog.String("dir", e.dir), slog.String("node", zk.Join(e.dir, t.Own)), slog.Int("higher", c.Higher)}
	if c.Named {
		attrs = append(attrs, slog.String("named", zk.Join(e.dir, t.Next)))
	}
	e.log.Line(slog.LevelDebug, lines.StandsAside, attrs...)
}

// higher counts the candidates behind us that have a higher priority, up to the
// first foreign candidate: that one would lead before the candidates behind it.
func higher(behind []string, priority int) int {
	n := 0
	for _, name := range behind {
		p, ours := contend.Priority(name)
		if !ours {
			break
		}
		if int(p) > priority {
			n++
		}
	}
	return n
}
