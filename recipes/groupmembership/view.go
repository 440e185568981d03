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

// Snapshot is the group at one time, and what changed since the snapshot before.
type Snapshot struct {
	Members []Member // by their ids; the reader's own
	// Joined and Left are the differences from the snapshot before; of the first,
	// all have joined. A member that registered anew in between is in both, with
	// its old and its new Czxid. Changed are those with new data.
	Joined, Left, Changed []Member
	// Stale says that the ensemble cannot be reached, since Since, or was not yet
	// read again: the members are those last seen.
	Stale bool
	Since time.Time
	// Zxid is that of the newest change that the view is known to contain.
	Zxid int64
}

// change is what a read found under an id.
type change struct {
	id    string
	m     Member
	there bool
}

// view is the last known state of a group. Pure.
type view struct {
	known   bool
	members []Member // by id; never changed in place
	zxid    int64
	stale   bool
	since   time.Time
}

// apply takes in what was read under some ids; with all, there is nobody else. It
// returns the snapshot, and whether there is anything to tell: the first view
// always is, an empty one too, and so is one that is not stale any more.
func (v *view) apply(read []change, all bool, zxid int64) (Snapshot, bool) {
	slices.SortFunc(read, func(a, b change) int { return cmp.Compare(a.id, b.id) })
	var s Snapshot
	next := make([]Member, 0, len(v.members)+len(read))
	old := v.members
	gone := func(m Member) { s.Left = append(s.Left, m) }
	for _, c := range read {
		for len(old) > 0 && old[0].ID < c.id {
			if all {
				gone(old[0])
			} else {
				next = append(next, old[0])
			}
			old = old[1:]
		}
		var was Member
		had := len(old) > 0 && old[0].ID == c.id
		if had {
			was, old = old[0], old[1:]
		}
		switch {
		case had && (!c.there || was.Czxid != c.m.Czxid):
			gone(was)
			fallthrough
		case !had:
			if c.there {
				s.Joined = append(s.Joined, c.m)
			}
		case was.mzxid != c.m.mzxid || !bytes.Equal(was.Data, c.m.Data) || (was.Err == nil) != (c.m.Err == nil):
			s.Changed = append(s.Changed, c.m)
		}
		if c.there {
			next = append(next, c.m)
			zxid = max(zxid, c.m.mzxid)
		}
	}
	for _, m := range old {
		if all {
			gone(m)
		} else {
			next = append(next, m)
		}
	}
	news := !v.known || v.stale || len(s.Joined)+len(s.Left)+len(s.Changed) > 0
	*v = view{known: true, members: next, zxid: max(v.zxid, zxid)}
	s.Members, s.Zxid = slices.Clone(next), v.zxid
	return s, news
}

// lost marks the view as stale. false: it is already, or there is none.
func (v *view) lost(since time.Time) (Snapshot, bool) {
	if !v.known || v.stale {
		return Snapshot{}, false
	}
	v.stale, v.since = true, since
	return Snapshot{Members: slices.Clone(v.members), Stale: true, Since: since, Zxid: v.zxid}, true
}
