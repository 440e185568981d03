package presence

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// write is a set of our node whose reply was lost. It names version, which the node had
// before it.
type write struct {
	content
	version int32
}

// store writes the newest data into our node, and retries until it is stored. It
// reads the node's czxid and version, and the set names that version. So it never
// writes to a node of another session. And a delayed set cannot overwrite newer
// data:
//
//  1. The set of old data is lost with its connection.
//  2. store reads the version again, and sets the newer data.
//  3. If the old set runs now, it fails with BadVersion.
func (n *Node) store(guard context.Context, r registration) error {
	policy := n.cfg.BackOff()
	for {
		d := n.latest()
		err := n.set(guard, r, d)
		switch {
		case err == nil:
			n.lostSets = nil // they fail with BadVersion if they run now
			n.keepData(d)
		case guard.Err() != nil:
			return context.Cause(guard)
		case errors.Is(err, ErrDeleted), errors.Is(err, zk.ErrSessionExpired), errors.Is(err, zk.ErrClosed):
			return err
		case errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNoNode):
			// Someone changed or deleted the node after we read it: read it again.
			continue
		case refused.ForNow(err):
			if err := xsync.Pause(guard, policy.NextBackOff()); err != nil {
				return err
			}
			continue
		case errors.Is(err, zk.ErrTooLarge), zk.OutcomeOf(err) == zk.OutcomeRejected:
			if err := n.refuse(guard, r, d, refused.Explain(err)); err != nil {
				return err
			}
		case zk.OutcomeOf(err) == zk.OutcomeNotSent:
			return err // the server has refused the credentials
		default:
			continue // the reply was lost
		}
		if !n.behind() {
			return nil
		}
	}
}

func (n *Node) set(ctx context.Context, r registration, d content) error {
	p := n.k.c.Pipeline()
	at, err := p.Exists(ctx, r.path).Wait(ctx)
	switch {
	case r.s.Context().Err() != nil:
		return context.Cause(r.s.Context()) // the pipeline may be bound to the next session
	case err != nil:
		return err
	case !at.Exists, at.Stat.Czxid != r.czxid:
		return ErrDeleted
	}
	_, err = p.Set(ctx, r.path, d.data, zk.Version(at.Stat.Version)).Wait(ctx)
	if err != nil && zk.OutcomeOf(err) == zk.OutcomeUnknown &&
		!slices.ContainsFunc(n.lostSets, func(w write) bool { return w.number == d.number }) {
		n.lostSets = append(n.lostSets, write{d, at.Stat.Version}) // the first of them has the lowest version
	}
	return err
}

// refuse drops d, which the server has refused for the reason why. If sets were lost
// before, it first finds out what has become of them:
//
//  1. The set of d takes effect, and its reply is lost.
//  2. Somebody takes the right to write the node away.
//  3. The second set of d is refused. The server has d all the same.
//
// If it cannot find out, the outcome is unknown, and the Node keeps the data for its
// next registration. refuse returns an error if this registration has ended.
func (n *Node) refuse(guard context.Context, r registration, d content, why error) error {
	last, stored, err := n.lastWritten(guard, r)
	if err != nil {
		return err
	}
	switch {
	case stored:
		n.keepData(last)
	case last.number != 0:
		n.keepUnsure(last)
	}
	switch {
	case last.number != d.number:
		n.dropData(d, why)
	case !stored:
		n.notStored(d, pace.Left("update", why))
	}
	return nil
}

// lastWritten returns the newest data of a lost set that has taken effect, or may have.
// The number of the data is 0 if there is none. stored says that our node has the data.
func (n *Node) lastWritten(guard context.Context, r registration) (last content, stored bool, err error) {
	if len(n.lostSets) == 0 {
		return content{}, false, nil
	}
	at, err := n.read(guard, r)
	readable := err == nil
	switch {
	case guard.Err() != nil:
		return content{}, false, context.Cause(guard)
	case readable:
		// After the sync of read, none of them can take effect any more.
		defer func() { n.lostSets = nil }()
	case errors.Is(err, ErrDeleted), errors.Is(err, zk.ErrSessionExpired), errors.Is(err, zk.ErrClosed):
		return content{}, false, err
	}
	for _, w := range slices.Backward(n.lostSets) {
		if at.Stat.Czxid == r.czxid && at.Stat.Version == w.version {
			continue // it has not taken effect
		}
		return w.content, readable && bytes.Equal(at.Data, w.data), nil
	}
	return content{}, false, nil
}

// read reads our node after a sync. It reads the data only if a lost set may have
// changed it. The server may refuse that, and then the Stat has a Czxid nevertheless.
func (n *Node) read(ctx context.Context, r registration) (at zk.Node, err error) {
	policy := n.cfg.BackOff()
	for {
		at, err = n.readOnce(ctx, r)
		if err == nil || !refused.ForNow(err) || xsync.Pause(ctx, policy.NextBackOff()) != nil {
			return at, err
		}
	}
}

func (n *Node) readOnce(ctx context.Context, r registration) (at zk.Node, err error) {
	if err := n.k.c.Sync(ctx, r.path); err != nil {
		return at, err
	}
	stat, there, err := n.k.c.Exists(ctx, r.path)
	switch {
	case err != nil:
		return at, err
	case !there, stat.Czxid != r.czxid:
		return at, ErrDeleted
	}
	at.Stat = stat
	if !slices.ContainsFunc(n.lostSets, func(w write) bool { return w.version != stat.Version }) {
		return at, nil
	}
	now, err := n.k.c.Get(ctx, r.path)
	switch {
	case errors.Is(err, zk.ErrNoNode), err == nil && now.Stat.Czxid != r.czxid:
		return at, ErrDeleted
	case err != nil:
		return at, err
	}
	return now, nil
}
