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

// Member is a member as its node shows it. Of a node that the reader may not read,
// servers since 3.8.4 and 3.9.2 show the name alone: Err is zk.ErrNoAuth, and
// Session, Czxid and Since are zero.
type Member struct {
	ID      string
	Data    []byte
	Session int64     // its owner's session id
	Czxid   int64     // of its node: another one is another registration
	Since   time.Time // when it was created, by the server's clock
	Err     error     // why Data could not be read (zk.ErrNoAuth, zk.ErrReplyTooLarge); nil as a rule

	mzxid int64
}

// memberOf makes a member of a node. false: it is not ephemeral, and so no member.
// A node of which the server shows nothing is taken for a member: it stands where
// members do.
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

// own returns the member with data that nobody else has.
func (m *Member) own() Member {
	out := *m
	out.Data = bytes.Clone(m.Data)
	return out
}

// Snapshot is the group at one time, and what changed since the snapshot before.
// It never changes, and may be kept or handed to other goroutines. What it gives
// out is the reader's own: Joined, Left and Changed, each list that Members
// returns, and the Data of the members in them.
type Snapshot struct {
	// Joined, Left and Changed are the differences from the snapshot before, by
	// their ids; of the first, all have joined. A member that registered anew in
	// between is in Left and in Joined, with its old and its new Czxid. One that
	// joined and left in between is in neither. Changed are those with new data.
	Joined, Left, Changed []Member
	// Stale says that the ensemble cannot be reached, since Since, or was not yet
	// read again: the members are those last seen.
	Stale bool
	Since time.Time
	// Zxid is that of the newest change that the view is known to contain.
	Zxid int64

	tree *tree
}

// Len is the number of members. It costs nothing.
func (s Snapshot) Len() int { return s.tree.len() }

// Members returns all members, by their ids. Each call makes the list anew, which
// costs time and memory in proportion to the group.
func (s Snapshot) Members() []Member {
	out := make([]Member, 0, s.tree.len())
	s.tree.all(func(m *Member) { out = append(out, m.own()) })
	return out
}

// change is what a read found under an id.
type change struct {
	id    string
	m     Member
	there bool
}

// view is the last known state of a group. Pure.
type view struct {
	known bool
	tree  *tree
	zxid  int64
	stale bool
}

// apply records what was read under some ids. It returns the snapshot, and whether
// there is anything to report: the first view always is, an empty one too, and so
// is one that is not stale any more.
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

// lost marks the view as stale. false: it is already, or there is none.
func (v *view) lost(since time.Time) (Snapshot, bool) {
	if !v.known || v.stale {
		return Snapshot{}, false
	}
	v.stale = true
	return Snapshot{Stale: true, Since: since, Zxid: v.zxid, tree: v.tree}, true
}
