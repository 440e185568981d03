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

// Permits are the permits of one Acquire while they are held, all together. The
// methods may be called by many goroutines.
type Permits struct {
	g   *contend.Grant
	log *journal.Hold
}

// Context ends when one of the permits may be lost, before the ensemble can give
// it to anybody else. Its causes are those of Held.Context.
func (p *Permits) Context() context.Context { return p.g.Context() }

// Token is higher than that of all permits that were granted before. It is the
// czxid of the ticket, and one for all permits of an Acquire.
func (p *Permits) Token() int64 { return p.g.Token() }

// Len is the number of permits.
func (p *Permits) Len() int { return len(p.g.Paths()) }

// Paths are the nodes of the leases, one a permit.
func (p *Permits) Paths() []string { return slices.Clone(p.g.Paths()) }

// Check returns ops for Multi of the same client: with them the other ops are
// done only if all the permits are still held, and else the Multi fails with
// ErrNotHeld.
func (p *Permits) Check() []zk.Op { return p.g.Checks() }

// Release ends the context and then gives all permits back; see Held.Release.
func (p *Permits) Release(ctx context.Context) error {
	err := p.g.Release(ctx)
	p.log.Ended()
	return err
}

// Contenders returns who holds permits, one entry a permit in the order in which
// they were granted, and then who waits, in the order of the queue, as the
// client's server sees it.
func (s *Semaphore) Contenders(ctx context.Context) ([]Contender, error) {
	if err := s.usable("contenders"); err != nil {
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
