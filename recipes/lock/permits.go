package lock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Permits is the hold on all permits of one Acquire. Its methods may be called by
// many goroutines.
type Permits struct {
	g   *contend.Grant
	log *journal.Hold
}

// Context ends when one of the permits may be lost, before another contender can get
// it. Its causes are those of Held.Context.
func (p *Permits) Context() context.Context { return p.g.Context() }

// Token is the fencing token. It is higher than the token of all permits that were
// granted before. All permits of an Acquire have one token, the czxid of the ticket.
func (p *Permits) Token() int64 { return p.g.Token() }

// Len is the number of permits.
func (p *Permits) Len() int { return len(p.g.Paths()) }

// Paths returns the paths of the lease nodes, one for each permit.
func (p *Permits) Paths() []string { return slices.Clone(p.g.Paths()) }

// Check returns ops for Multi of the same client. The Multi then does its other ops
// only if all the permits are still held, and otherwise fails with ErrNotHeld.
func (p *Permits) Check() []zk.Op { return p.g.Checks() }

// Release ends the Context and then gives all permits back; see Held.Release.
func (p *Permits) Release(ctx context.Context) error {
	err := p.g.Release(ctx)
	p.log.Ended()
	return err
}

// Contenders returns the holders and then the waiters, as the client's server sees
// them. It has one entry for each permit that is held, in the order in which they
// were granted. The waiters come in the order of the queue.
func (s *Semaphore) Contenders(ctx context.Context) ([]Contender, error) {
	if err := s.usable(ctx, "contenders"); err != nil {
		return nil, err
	}
	names, _, err := s.c.Children(ctx, s.leases)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return nil, s.wrap(err)
	}
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = zk.Join(s.leases, name)
	}
	holders, err := contend.ReadNodes(ctx, s.c, paths)
	if err != nil {
		return nil, s.wrap(err)
	}
	var out []Contender
	for _, c := range holders {
		out = append(out, Contender{Contender: c, Holder: true, Revoked: contend.IsRevoked(c)})
	}
	slices.SortFunc(out, func(a, b Contender) int {
		return cmp.Or(cmp.Compare(a.Token, b.Token), cmp.Compare(a.Path, b.Path))
	})
	waiting, err := s.queue.Contenders(ctx)
	if err != nil {
		return nil, s.wrap(err)
	}
	for _, c := range waiting {
		out = append(out, Contender{Contender: c})
	}
	return out, nil
}

// String shows a node, how many more there are, the token and whether the permits
// are held.
func (p *Permits) String() string {
	path := p.Paths()[0]
	if more := p.Len() - 1; more > 0 {
		path = fmt.Sprintf("%s and %d more", path, more)
	}
	return show.Hold(p.Context(), path, "token", p.Token(), "held")
}
