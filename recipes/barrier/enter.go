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
// A round is opened by a transaction that checks that the nodes of as many
// members as there are parties are there, and creates ready with their names. So
// at one instant all were there and no round was on. Who is not named is not let
// in. Names are GUIDs and do not come again.
//
// A ready is deleted in two cases: by the last member of its round, together
// with its own node (leave.go), or when none of its members is there any more,
// since they crashed. "None is there" is seen before the transaction and stays
// true; that the ready which it deletes is the one that was seen is what must be
// proved, since ready has the same name in every round:
//
//	A sees ready of round 1, and that its members have gone
//	                 B deletes it; C and D come and open round 2
//	A deletes ready: of round 2, while C is let in and D has not seen it yet
//
// Therefore every transaction of ours, the opening one too, sets the data of the
// directory to what it is, at the version that was read before ready was. B's
// delete raised it, and A's fails.
//
// The directory can be a container, which the server removes between rounds, and
// its version then begins again: in a new directory with one round open it is 1,
// and so it was in the old one. Therefore every transaction also checks the node
// of the member who makes it (or deletes it), and reads the version only after
// that node was created: while a directory has a child it is not removed, so it
// is still the same. Who has no node changes nothing.
//
// Waiting members watch ready alone. That is enough, because of all members
// there the one that came last sees all the others in its first look, and opens;
// and if another round was on then, its end wakes everybody. So a join wakes
// nobody and an opened round wakes each once.

// enter waits until a round lets us in.
func (m *member) enter(ctx context.Context) (*Entry, error) {
	if err := m.watchOwn(ctx); err != nil {
		return nil, err
	}
	for {
		if m.own.Fired() || m.own.Err() != nil {
			m.own.Stop()
			if err := m.watchOwn(ctx); err != nil {
				return nil, err
			}
		}
		r, err := m.step(ctx)
		if err == nil {
			err = m.over() // what was seen since may be the next session's
		}
		switch {
		case err != nil:
			return nil, err
		case r != nil:
			return m.entry(ctx, r)
		}
	}
}

// step looks once and does what is to do: open a round, remove what a crashed
// one left, or wait. It returns the round that lets us in, nil to look again.
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
		return nil, err // what others keep in the directory takes the room
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

// open lets the members in who came first.
func (m *member) open(ctx context.Context, v view) (*round, error) {
	d, names := m.d, v.members
	if len(names) > d.parties {
		var err error
		if names, err = d.first(ctx, names, d.parties); names == nil {
			return nil, err
		}
		if !slices.Contains(names, m.name) {
			return nil, fmt.Errorf("%w: %d of %d", ErrTooMany, len(v.members), d.parties)
		}
	}
	done, err := d.c.Multi(ctx, d.opening(v, names)...) // our own name is among them
	if err != nil {
		return nil, m.lookAgain(ctx, refused.ExplainMulti(done, err))
	}
	return &round{id: done[0].Stat.Mzxid, names: names}, nil // one transaction, one zxid
}

// sweep removes the ready of a round none of whose members is there.
func (m *member) sweep(ctx context.Context, v view) error {
	done, err := m.d.c.Multi(ctx, zk.CheckOp(m.path, zk.AnyVersion), m.d.set(v),
		zk.DeleteOp(zk.Join(m.d.dir, readyName), zk.AnyVersion))
	return m.lookAgain(ctx, refused.ExplainMulti(done, err))
}

// wait returns nil when it is time to look again: ready came or went, the other
// member, if there is one, has gone, or something happened to our own node.
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
	case <-m.s.Context().Done():
	case <-ctx.Done():
		return ctxerr.Of(ctx)
	}
	return nil
}
