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
// server sees it. One that goes while it is read is left out.
func (e *Election) Candidates(ctx context.Context) ([]Candidate, error) {
	list, err := e.queue.Contenders(ctx)
	if err != nil {
		return nil, e.wrap(err)
	}
	out := make([]Candidate, len(list))
	for i, c := range list {
		p, ours := contend.Priority(c.Name())
		out[i] = Candidate{Contender: c, Leader: i == 0, Priority: int(p), Foreign: !ours}
	}
	return out, nil
}

// mostAside bounds how often a candidate stands aside in one campaign. A
// candidate of a high priority that crashes and comes back over and over could
// otherwise keep all others from leading.
const mostAside = 8

// standsAside decides, when our turn has come in one campaign, whether we let
// another pass: the one whom the last leader named, or one of a
// higher priority whom no foreign candidate would keep waiting all the same.
// Equals never stand aside for each other, and everyone who does goes behind the
// one for whom it does, so that with every step fewer are ahead of that one.
func (e *Election) standsAside(t contend.Turn, times int) bool {
	aside := times < mostAside && t.Next != t.Own && (slices.Contains(t.Behind, t.Next) || higher(t.Behind, e.cfg.Priority))
	if aside {
		e.cfg.Logger.Debug("election: stands aside", "dir", e.dir, "node", t.Own, "named", t.Next)
	}
	return aside
}

// higher reports whether one of those behind has a higher priority, and only our
// own before it.
func higher(behind []string, priority int) bool {
	for _, name := range behind {
		p, ours := contend.Priority(name)
		if !ours {
			return false
		}
		if int(p) > priority {
			return true
		}
	}
	return false
}
