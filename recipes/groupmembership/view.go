package groupmembership

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/zookit/zookit/zk"
)

// Member is a member as its node shows it. If the reader may not read the node,
// servers since 3.8.4 and 3.9.2 show only the name. Err is then zk.ErrNoAuth, and
// Session, Czxid and Since are zero.
type Member struct {
	ID      string
	Data    []byte
	Session int64     // id of the session that owns the node
	Czxid   int64     // of the node; each registration has its own
	Since   time.Time // when the node was created, by the server's clock
	// Err is why Data could not be read: zk.ErrNoAuth or zk.ErrReplyTooLarge.
	// Usually it is nil.
	Err error

	mzxid int64
}

// memberOf makes a member of a node. It returns false if the node is not ephemeral,
// and so no member. A node without a Stat counts as a member, because it is in the
// place of members.
func memberOf(id string, data []byte, stat zk.Stat, err error) (Member, bool) {
	const container = math.MinInt64
	if err != nil && stat.Czxid == 0 {
		return Member{ID: strings.Clone(id), Err: err}, true
	}
	m := Member{
		ID: strings.Clone(id), Data: data, Session: stat.EphemeralOwner, Czxid: stat.Czxid,
		Since: time.UnixMilli(stat.Ctime), Err: err, mzxid: stat.Mzxid,
	}
	return m, stat.EphemeralOwner != 0 && stat.EphemeralOwner != container
}

// own returns a copy of the member that shares no data.
func (m *Member) own() Member {
	out := *m
	out.Data = bytes.Clone(m.Data)
	return out
}

// Snapshot is the group at one time, with the changes since the snapshot before. It
// is immutable, and other goroutines may use it. The reader owns Joined, Left and
// Changed, each list that Members returns, and the Data of the members in them.
type Snapshot struct {
	// Joined, Left and Changed are the differences from the snapshot before, in the
	// order of ids. In the first snapshot, all members have joined. A member that
	// has registered again is in Left with its old Czxid, and in Joined with its
	// new one. A member that joined and left in between is in neither. Changed are
	// the members with new data.
	Joined, Left, Changed []Member
	// Stale says that since Since the ensemble could not be reached, or the group
	// was not read again yet. The members are then those that were seen last.
	Stale bool
	Since time.Time
	// Zxid is the zxid of the newest change that the view is known to contain.
	Zxid int64

	tree *tree
}

// Len returns the number of members, in constant time.
func (s Snapshot) Len() int { return s.tree.len() }

// Members returns all members, in the order of their ids. Each call makes a new
// list, which costs time and memory in proportion to the group.
func (s Snapshot) Members() []Member {
	out := make([]Member, 0, s.tree.len())
	s.tree.all(func(m *Member) { out = append(out, m.own()) })
	return out
}

// change is the result of a read: the member under an id, or its absence.
type change struct {
	id    string
	m     Member
	there bool
}

// view is the last known state of a group. It does no I/O.
type view struct {
	known bool
	tree  *tree
	zxid  int64
	stale bool
}

// apply records the members that were read. It returns the snapshot, and whether
// Watch must report it. Watch reports the first view, even an empty one, each
// change, and the end of staleness.
func (v *view) apply(read []change, zxid int64) (Snapshot, bool) {
	slices.SortFunc(read, func(a, b change) int { return cmp.Compare(a.id, b.id) })
	var s Snapshot
	var joined []*Member
	next := v.tree
	for _, c := range read {
		was := next.find(c.id)
		if was != nil && (!c.there || was.Czxid != c.m.Czxid) {
			s.Left = append(s.Left, was.own())
			next = next.drop(c.id)
			was = nil
		}
		switch {
		case !c.there:
			continue
		case was == nil:
			s.Joined = append(s.Joined, c.m.own())
			joined = append(joined, &c.m)
		case was.mzxid != c.m.mzxid || !bytes.Equal(was.Data, c.m.Data) || (was.Err == nil) != (c.m.Err == nil):
			s.Changed = append(s.Changed, c.m.own())
			next = next.put(&c.m)
		}
		zxid = max(zxid, c.m.mzxid)
	}
	if next == nil {
		next = build(joined)
	} else {
		for _, m := range joined {
			next = next.put(m)
		}
	}
	news := !v.known || v.stale || len(s.Joined)+len(s.Left)+len(s.Changed) > 0
	*v = view{known: true, tree: next, zxid: max(v.zxid, zxid)}
	s.tree, s.Zxid = next, v.zxid
	return s, news
}

// lost marks the view as stale. It returns false if the view is already stale, or
// not known yet.
func (v *view) lost(since time.Time) (Snapshot, bool) {
	if !v.known || v.stale {
		return Snapshot{}, false
	}
	v.stale = true
	return Snapshot{Stale: true, Since: since, Zxid: v.zxid, tree: v.tree}, true
}
