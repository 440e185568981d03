package barrier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// How a round is opened, and why it is safe.
//
// One transaction opens a round. It checks the nodes of as many members as there are
// parties, and creates ready with their names. So at one moment all of them were
// there, and no other round was open. A member that is not named is not let in.
// Names are GUIDs, and no two nodes ever have the same.
//
// A ready is deleted in two cases. The last member of its round deletes it together
// with its own node (leave.go). Or its members have crashed: another member lists the
// directory, sees none of them, and deletes ready. They cannot come back, so that is
// still true when the transaction runs. But ready has the same name in every round,
// and this must not happen:
//
//  1. A reads ready of round 1, and lists no member of it.
//  2. B deletes ready. C and D join and open round 2.
//  3. A deletes ready. It is that of round 2, in which C is and which D has not seen.
//
// Therefore every transaction, the opening one too, sets the data of the directory to
// what it is, at the version that was read before ready was read. B's delete has
// raised the version, so A's delete fails.
//
// The directory can be a container. The server removes it between rounds, and the
// version of the new directory starts again at 0: it can have the value that it had in
// the old directory. Therefore every transaction also checks or deletes the node of
// its own member, and the member reads the version only after that node was created.
// The server does not remove a directory that has a child, so it is still the same
// directory. A member whose node is gone changes nothing.
//
// A waiting member watches ready alone. That is enough. The member that joins last
// sees all the others in its first list, and opens the round. If another round was
// open at that time, its end wakes all members. So a join wakes nobody, and an opened
// round wakes each member once.

// enter waits until a round lets us in.
func (m *member) enter(ctx context.Context) (*Entry, error) {
	var err error
	if m.own, err = m.node.Watch(ctx); err != nil {
		return nil, err
	}
	for {
		if m.own.Fired() || m.own.Err() != nil {
			// Read the node even if the watch says that it was deleted: when the session
			// ends, the server may report that first.
			if m.own, err = m.node.Watch(ctx); err != nil {
				return nil, err
			}
		}
		r, err := m.step(ctx)
		if err == nil {
			err = m.over() // the reads may have been made in the next session
		}
		switch {
		case err != nil:
			return nil, err
		case r != nil:
			return m.entry(ctx, r)
		}
	}
}

// step reads the directory once. It then opens a round, removes the ready of a
// crashed one, or waits. It returns the round that lets us in, or nil if the caller
// must call step again.
func (m *member) step(ctx context.Context) (*round, error) {
	v, ready, err := m.d.look(ctx, true)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, m.gone()
	}
	if err != nil {
		return nil, err
	}
	defer ready.Stop()
	if err := m.d.possible(v.dir.Data); err != nil {
		return nil, err // the directory's data takes room in the transaction
	}
	if _, ok := slices.BinarySearch(v.members, m.name); !ok {
		return nil, m.gone()
	}
	r := v.round
	if r != nil && r.names == nil {
		if err := m.d.infer(ctx, r, v.members); err != nil {
			return nil, err
		}
	}
	switch {
	case r == nil && len(v.members) < m.d.parties:
		return nil, m.wait(ctx, ready, "")
	case r == nil:
		return m.open(ctx, v)
	case r.has(m.name):
		return r, nil
	}
	if in := r.of(v.members); len(in) > 0 {
		return nil, m.wait(ctx, ready, in[0])
	}
	return nil, m.sweep(ctx, v)
}

// open opens a round for the members that joined first.
func (m *member) open(ctx context.Context, v view) (*round, error) {
	d, names := m.d, v.members
	if len(names) > d.parties {
		var err error
		if names, err = d.first(ctx, names, d.parties); names == nil {
			return nil, err
		}
		if !slices.Contains(names, m.name) {
			return nil, fmt.Errorf("%w: %d members for %d parties, and this one came too late", ErrTooMany, len(v.members), d.parties)
		}
	}
	done, err := d.c.Multi(ctx, d.opening(v, names)...) // our own name is among them
	if err != nil {
		return nil, m.lookAgain(ctx, refused.ExplainMulti(done, err))
	}
	return &round{id: done[0].Stat.Mzxid, names: names}, nil // one transaction, one zxid
}

// sweep deletes the ready of a round of which no member is there.
func (m *member) sweep(ctx context.Context, v view) error {
	done, err := m.d.c.Multi(ctx, zk.CheckOp(m.node.Path, zk.AnyVersion), m.d.set(v),
		zk.DeleteOp(zk.Join(m.d.dir, readyName), zk.AnyVersion))
	return m.lookAgain(ctx, refused.ExplainMulti(done, err))
}

// wait returns nil when something has changed: ready was created or deleted, the node
// of the other member was deleted, or our own node has changed. other may be empty.
func (m *member) wait(ctx context.Context, ready *zk.Watch, other string) error {
	var otherC <-chan zk.Event
	if other != "" {
		_, ok, w, err := m.d.c.ExistsW(ctx, zk.Join(m.d.dir, other))
		defer w.Stop()
		if err != nil || !ok {
			return err
		}
		otherC = w.C()
	}
	m.again.Reset()
	select {
	case <-ready.C():
	case <-otherC:
	case <-m.own.C():
	case <-m.node.Session.Context().Done():
	case <-ctx.Done():
		return ctxerr.Of(ctx)
	}
	return nil
}
