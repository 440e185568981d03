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

// readyName is the node that says that a round is on.
const readyName = "ready"

// readyMark is the first line of what a ready of ours holds. The names of the
// members follow, one a line.
const readyMark = "zookit round"

// memberName is what members are called: a UUID, which Curator writes with
// dashes, as we do, and kazoo without. Other names are no members' and are left
// alone.
var memberName = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$`)

// round is a round that was opened.
type round struct {
	id    int64    // czxid of its ready
	names []string // its members, sorted; nil if Curator or kazoo opened it and did not say
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

// has reports whether a member is let in by the round.
func (r *round) has(name string) bool {
	_, ok := slices.BinarySearch(r.names, name)
	return ok
}

// of returns those of members who belong to the round, in order.
func (r *round) of(members []string) []string {
	return slices.DeleteFunc(slices.Clone(members), func(m string) bool { return !r.has(m) })
}

// infer fills in the members of a round that Curator or kazoo opened: those who
// are there and whose nodes are older than its ready.
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

// view is what one look at the directory showed, read in this order: the
// directory, ready, the members.
//
// The order is what the transactions rest on, which all set the directory's data
// to what it is, at the version of the view. A member that a ready names and that
// is not in the list, which is read later, has gone, and its name does not come
// again. And no ready has come or gone by our doing between the view and a
// transaction that succeeds, since that would have raised the version.
type view struct {
	dir     zk.Node
	round   *round   // nil: there is no ready
	members []string // sorted
}

// look reads a view. With watch it also sets a watch on ready, which the caller
// stops.
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
		w.Stop() // it went between the two: the watch has fired
		if err := again.Soon(ctx, context.Background()); err != nil {
			return nil, nil, err
		}
	}
}

// set is the op with which every transaction of ours begins.
func (d *Double) set(v view) zk.Op {
	return zk.SetOp(d.dir, v.dir.Data, zk.Version(v.dir.Stat.Version))
}

// lookAgain returns nil if a transaction failed because something has changed
// since the view, or ended without a verdict: then the next look shows. If that
// happens over and over it pauses.
func (m *member) lookAgain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return ctxerr.Of(ctx)
	case ctx.Err() != nil:
		return giveUp(ctx, err)
	case openEnded(err), errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNoNode),
		errors.Is(err, zk.ErrNodeExists), errors.Is(err, zk.ErrSessionExpired):
		return m.again.Soon(ctx, m.s.Context())
	}
	return err
}
