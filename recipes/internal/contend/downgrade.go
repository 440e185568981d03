package contend

import (
	"context"
	"errors"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// ErrNotWriter: only a writer can become a reader.
var ErrNotWriter = errors.New("not a writer")

// Downgrade makes a writer's grant a reader's in one transaction, so that no other
// writer can get in between. The new node has the writer's sequence number, and so
// the same position in the queue. The token stays the writer's. A grant that was
// downgraded before stays as it is.
func (g *Grant) Downgrade(ctx context.Context) error {
	if g.node.q.kind != Write {
		return ErrNotWriter
	}
	return g.exchange(ctx, func() (*Exchange, error) {
		if g.Path() != g.node.path {
			return nil, nil
		}
		q, guid := g.node.q, protect.NewGUID()
		name := q.read.prefix(guid) + g.node.name[len(g.node.name)-sequenceDigits:]
		return &Exchange{
			Dir:   q.dir,
			Marks: []string{q.read.mark(guid)},
			Ops:   []zk.Op{zk.CreateOp(zk.Join(q.dir, name), q.data, zk.Ephemeral, q.createOptions(g.node.s)...)},
		}, nil
	})
}

// Shared reports whether others can hold at the same time: the grant is a reader's,
// or a writer's that was downgraded.
func (g *Grant) Shared() bool { return IsShared(g.Path()) }

// sequenceDigits is the length of the sequence number in a contender's name.
const sequenceDigits = 10
