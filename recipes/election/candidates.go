package election

import (
	"context"
	"slices"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/contend"
)

// Leader is who leads, or is about to.
type Leader = recipes.Contender

// Leader returns who is first, as the client's server sees it; ErrNoLeader if
// there is no candidate.
func (e *Election) Leader(ctx context.Context) (Leader, error) {
	if err := e.usable("leader"); err != nil {
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

// Candidate is one who leads or waits to. Its Data is its ID, until it leads and
// proclaims something else.
type Candidate struct {
	recipes.Contender
	Leader   bool // first in the queue: leads, or is about to, or to stand aside
	Priority int
	Foreign  bool // of another library: has no priority, and lets nobody pass
}

// Candidates returns all candidates in the order of the queue, as the client's
// server sees it. One that goes while it is read is left out, and one whose node
// may not be read has its Err.
func (e *Election) Candidates(ctx context.Context) ([]Candidate, error) {
	if err := e.usable("candidates"); err != nil {
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

// choose decides, when our turn has come, whether we let another pass: the one
// whom the last leader named, or one of a higher priority. Equals never stand
// aside for each other, and everyone who does goes behind the one for whom it
// does, so that with every step fewer are ahead of that one.
func (e *Election) choose(t contend.Turn) contend.Choice {
	c := contend.Choice{Higher: higher(t.Behind, e.cfg.Priority)}
	if t.Next != t.Own {
		c.Named = slices.Contains(t.Behind, t.Next)
		c.Aside = c.Named || c.Higher > 0
	}
	if c.Aside {
		e.cfg.Logger.Debug("election: lets others pass", "dir", e.dir, "node", t.Own, "named", t.Next, "higher", c.Higher)
	}
	return c
}

// higher counts those behind that have a higher priority, up to the first
// foreign candidate: that one would lead before those behind it.
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
