package barrier

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/zk"
)

// readyName is the name of the node that is there while a round is open.
const readyName = "ready"

// readyMark is the first line of the data of a ready node that this package has
// created. The names of the members follow, one in each line.
const readyMark = "zookit round"

// memberName matches the names of members. A name is a UUID, which Curator and this
// package write with dashes, and kazoo without. Nodes of other names are ignored.
var memberName = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$`)

// round is a round that was opened.
type round struct {
	id    int64    // czxid of its ready
	names []string // its members, sorted; nil if Curator or kazoo opened it
}

func encodeRound(names []string) []byte {
	return []byte(readyMark + "\n" + strings.Join(names, "\n"))
}

func decodeRound(id int64, data []byte) *round {
	r := &round{id: id}
	if rest, ok := strings.CutPrefix(string(data), readyMark+"\n"); ok {
		r.names = strings.Split(rest, "\n")
		slices.Sort(r.names)
	}
	return r
}

// has reports whether the round lets a member in.
func (r *round) has(name string) bool {
	_, ok := slices.BinarySearch(r.names, name)
	return ok
}

// of returns the members that belong to the round, in order.
func (r *round) of(members []string) []string {
	return slices.DeleteFunc(slices.Clone(members), func(m string) bool { return !r.has(m) })
}

// infer sets the members of a round that Curator or kazoo opened: all members whose
// nodes are there and are older than the ready node.
func (d *Double) infer(ctx context.Context, r *round, members []string) error {
	names := []string{}
	for _, name := range members {
		stat, ok, err := d.c.Exists(ctx, zk.Join(d.dir, name))
		if err != nil {
			return err
		}
		if ok && stat.Czxid < r.id {
			names = append(names, name)
		}
	}
	r.names = names
	return nil
}

// view is what we read of the directory, in this order: the directory, ready, the
// members.
//
// The transactions depend on that order. All of them set the directory's data to what
// it is, at the version of the view. So two things hold when a transaction succeeds:
//
//   - A member that ready names and that is not in the list is gone for ever. The list
//     is read after ready, and no other node gets the same name.
//   - No transaction of this package has created or deleted a ready since the view,
//     because it would have raised the version.
type view struct {
	dir     zk.Node
	round   *round   // nil: there is no ready
	members []string // sorted
}

// look reads a view. With watch it also sets a watch on ready, which the caller must
// stop.
func (d *Double) look(ctx context.Context, watch bool) (v view, w *zk.Watch, err error) {
	if v.dir, err = d.c.Get(ctx, d.dir); err != nil {
		return v, nil, err
	}
	if v.round, w, err = d.readRound(ctx, watch); err != nil {
		return v, nil, err
	}
	names, _, err := d.c.Children(ctx, d.dir)
	if err != nil {
		w.Stop()
		return v, nil, err
	}
	v.members = slices.DeleteFunc(names, func(n string) bool { return !memberName.MatchString(n) })
	slices.Sort(v.members)
	return v, w, nil
}

func (d *Double) readRound(ctx context.Context, watch bool) (*round, *zk.Watch, error) {
	path := zk.Join(d.dir, readyName)
	var again pace.Retries
	for {
		var w *zk.Watch
		if watch {
			_, ok, set, err := d.c.ExistsW(ctx, path)
			if err != nil || !ok {
				return nil, set, err
			}
			w = set
		}
		n, err := d.c.Get(ctx, path)
		switch {
		case err == nil:
			return decodeRound(n.Stat.Czxid, n.Data), w, nil
		case !errors.Is(err, zk.ErrNoNode):
			w.Stop()
			return nil, nil, err
		case !watch:
			return nil, nil, nil
		}
		w.Stop() // ready was deleted between the two reads
		if err := again.Soon(ctx, context.Background()); err != nil {
			return nil, nil, err
		}
	}
}

// set returns the op that every transaction of this package has, see view.
func (d *Double) set(v view) zk.Op {
	return zk.SetOp(d.dir, v.dir.Data, zk.Version(v.dir.Stat.Version))
}

// lookAgain returns nil if the caller must read again. A transaction may have failed
// because something has changed since the view, or its outcome may be unknown. If
// that happens over and over, lookAgain pauses.
func (m *member) lookAgain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return ctxerr.Of(ctx)
	case ctx.Err() != nil:
		return giveUp(ctx, err)
	case openEnded(err), errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNoNode),
		errors.Is(err, zk.ErrNodeExists), errors.Is(err, zk.ErrSessionExpired):
		return m.again.Soon(ctx, m.node.Session.Context())
	}
	return err
}
