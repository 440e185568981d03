package settle

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/zk"
)

// ErrNoChange ends an Update without a write, and without an error, if its function returns
// it.
var ErrNoChange = errors.New("no change")

// UpdateConfig says how Update settles. The zero value is right for any data.
type UpdateConfig struct {
	// Unique says that no two writes of this node have equal data, or that it does not
	// matter who has written it. Data with an id or a time in it is unique, and the
	// number of a counter is not. Then Update knows its own write by its data.
	Unique bool
}

// Update changes the data of a node: it reads the node, calls f with the data and the
// Stat, and writes the data that f returns if the node is still the same. If another
// client was faster it begins again, with pauses. It returns the node as it was written.
//
// f may be called several times, and must not keep or change old. If it returns an error,
// Update returns that error as it is. ErrNoChange ends the Update: the result is then the
// node as it was read.
//
// If the reply to the write is lost, Update reads the node after a sync:
//
//   - The node is unchanged, by its czxid and version. The write has not run. Update
//     repeats it.
//   - The node has the next version, and the data of the write. With Unique, Update
//     has succeeded. Otherwise another client may have written the same, so that a counter
//     would lose a step: ErrUnsettled.
//   - Anything else: the write may have run and another one after it, or not:
//     ErrUnsettled.
func Update(ctx context.Context, c *zk.Client, path string, f func(old []byte, stat zk.Stat) ([]byte, error), cfg UpdateConfig) (zk.Node, error) {
	if f == nil {
		return zk.Node{}, unsent("update", path, fmt.Errorf("%w: nil function", zk.ErrBadArguments))
	}
	s := newSettler(ctx, c, "update", path)
	node, err := c.Get(ctx, path)
	for {
		if err != nil {
			return zk.Node{}, err
		}
		data, err := f(node.Data, node.Stat)
		if err == ErrNoChange {
			return node, nil
		}
		if err != nil {
			return zk.Node{}, err
		}
		stat, err := s.swap(data, node.Stat.Version, node.Stat.Czxid, cfg.Unique)
		if err == nil {
			return zk.Node{Data: data, Stat: stat}, nil
		}
		if zk.OutcomeOf(err) != zk.OutcomeRejected || !errors.Is(err, zk.ErrBadVersion) {
			return zk.Node{}, err
		}
		if err := s.wait(err); err != nil {
			return zk.Node{}, err
		}
		node, err = s.read()
		if err != nil {
			return zk.Node{}, err
		}
	}
}

// Set sets the data of a node that has version v, as zk.Client.Set does. If the reply is
// lost, Set reads the node after a sync:
//
//   - The node has version v. The write has not run. Set repeats it.
//   - The node has the next version, and the data of the write. Set has succeeded. (If
//     another client has written the same data at the same version instead, that is no
//     difference to the node. For a counter use Update.)
//   - Anything else: the write may have run and another one after it, or not:
//     ErrUnsettled.
//
// zk.AnyVersion is refused with zk.ErrBadArguments: a write that is repeated could undo
// what another client has written meanwhile.
func Set(ctx context.Context, c *zk.Client, path string, data []byte, v zk.Version) (zk.Stat, error) {
	if v < 0 {
		return zk.Stat{}, unsent("set", path, fmt.Errorf("%w: version %d: settle.Set needs the version of the node", zk.ErrBadArguments, v))
	}
	return newSettler(ctx, c, "set", path).swap(data, int32(v), 0, true)
}

// swap sets the data of a node at a version, and settles lost replies. czxid is that of
// the node, 0 if it is not known. OutcomeRejected says that no try has run.
func (s *settler) swap(data []byte, version int32, czxid int64, unique bool) (zk.Stat, error) {
	for {
		session := s.c.Session()
		stat, err := s.c.Set(s.ctx, s.path, data, zk.Version(version))
		inSession := session == s.c.Session() // else it is not known in which session it was sent
		switch {
		case err == nil:
			return stat, nil
		case zk.OutcomeOf(err) == zk.OutcomeRejected && !s.doubt.Open():
			return stat, err
		case zk.OutcomeOf(err) == zk.OutcomeRejected && !errors.Is(err, zk.ErrBadVersion):
			return stat, s.unsettled(err)
		case zk.OutcomeOf(err) != zk.OutcomeRejected && !s.retries(err):
			return stat, s.doubt.Of(err)
		}
		s.doubt.Note(err)
		if s.doubt.Open() {
			node, ran, err := s.hasRun(data, version, czxid, unique)
			if err != nil || ran {
				return node.Stat, err
			}
			if inSession && over(s.c, session) {
				s.doubt.Settle()
			}
		}
		if err := s.wait(err); err != nil {
			return stat, err
		}
	}
}

// hasRun reads the node, and reports whether a write of swap has run whose reply was
// lost. It returns an error if the node does not tell.
func (s *settler) hasRun(data []byte, version int32, czxid int64, unique bool) (node zk.Node, ran bool, err error) {
	node, err = s.read()
	switch {
	case errors.Is(err, zk.ErrNoNode):
		return node, false, s.unsettled(err)
	case err != nil:
		return node, false, s.doubt.Of(err)
	}
	same := czxid == 0 || node.Stat.Czxid == czxid
	switch {
	case same && node.Stat.Version == version:
		return node, false, nil
	case same && unique && node.Stat.Version == version+1 && bytes.Equal(node.Data, data):
		return node, true, nil
	}
	err = fmt.Errorf("%w: the write expected version %d, and the node has version %d", zk.ErrBadVersion, version, node.Stat.Version)
	return zk.Node{}, false, s.unsettled(err)
}

// over reports whether a request that was sent in a session before a sync cannot run any
// more after it: the session goes on, and its servers keep the order of its requests; or
// the ensemble has confirmed its end. A session that the client has given up by its own
// clock may still have requests on their way.
func over(c *zk.Client, s *zk.Session) bool {
	if s == nil {
		return false
	}
	return s == c.Session() && s.Context().Err() == nil || s.Gone()
}
