package contend

import (
	"context"
	"errors"

	"github.com/zookit/zookit/zk"
)

// ErrNotWriter: only a writer can become a reader.
var ErrNotWriter = errors.New("not a writer")

// Downgrade makes a writer's place a reader's, at once: no other writer can get
// between. The new node keeps the writer's sequence and so its place in the
// queue; the token stays the writer's. Of a place that was downgraded before it
// does nothing.
func (g *Grant) Downgrade(ctx context.Context) error {
	if g.p.q.kind != Write {
		return ErrNotWriter
	}
	return g.exchange(ctx, func() (*Exchange, error) {
		if g.Path() != g.p.path {
			return nil, nil
		}
		q, guid := g.p.q, zk.NewGUID()
		name := q.read.prefix(guid) + g.p.name[len(g.p.name)-sequenceDigits:]
		return &Exchange{
			Dir:   q.dir,
			Marks: []string{q.read.mark(guid)},
			Ops:   []zk.Op{zk.CreateOp(zk.Join(q.dir, name), q.data, zk.Ephemeral, q.createOptions(g.p.s)...)},
		}, nil
	})
}

// Shared reports whether others can hold together with us: we are a reader, or a
// writer that was downgraded.
func (g *Grant) Shared() bool { return IsShared(g.Path()) }

// sequenceDigits is the length of a sequence that a place can have.
const sequenceDigits = 10
