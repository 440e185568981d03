package zktest

import (
	"strconv"

	"github.com/zookit/zookit/internal/proto"
)

// Version is a release line of Apache ZooKeeper, which the embedded server imitates.
// The package's documentation lists the differences, in "How close it is to Apache
// ZooKeeper".
type Version int

// The known release lines, from the newest to the oldest. The zero value is V3_9.
const (
	V3_9 Version = iota // as 3.9.5
	V3_8                // as 3.8.0 of Debian
	V3_7                // as 3.7.2
	V3_6                // as 3.6.4
	V3_5                // as 3.5.10
	V3_4                // as 3.4.14
)

var versionNames = [...]string{V3_9: "3.9", V3_8: "3.8", V3_7: "3.7", V3_6: "3.6", V3_5: "3.5", V3_4: "3.4"}

// Versions returns all release lines that the embedded server imitates, the newest
// first. It is for tests that run on each of them.
func Versions() []Version { return []Version{V3_9, V3_8, V3_7, V3_6, V3_5, V3_4} }

func (v Version) valid() bool { return v >= 0 && int(v) < len(versionNames) }

// String returns the release line, for instance "3.9".
func (v Version) String() string {
	if v.valid() {
		return versionNames[v]
	}
	return "Version(" + strconv.Itoa(int(v)) + ")"
}

// since reports whether v is first or newer.
func (v Version) since(first Version) bool { return v <= first }

// Each difference between the release lines is a method below.

// firstWith has the operations that old release lines do not know, with the first
// line that knows each.
var firstWith = map[proto.OpCode]Version{
	proto.OpCreate2:         V3_5,
	proto.OpReconfig:        V3_5,
	proto.OpCheckWatches:    V3_5,
	proto.OpRemoveWatches:   V3_5,
	proto.OpCreateContainer: V3_5,
	proto.OpCreateTTL:       V3_5,
	proto.OpMultiRead:       V3_6,
	proto.OpGetEphemerals:   V3_6,
	proto.OpCountAll:        V3_6,
	proto.OpSetWatches2:     V3_6,
	proto.OpAddWatch:        V3_6,
	proto.OpWhoAmI:          V3_7,
}

// knows reports whether the server knows an operation that has a handler.
func (v Version) knows(op proto.OpCode) bool {
	first, new := firstWith[op]
	return !new || v.since(first)
}

// eventZxid reports whether an event carries the zxid of its change
// (ZOOKEEPER-4655). Otherwise it carries -1.
func (v Version) eventZxid() bool { return v.since(V3_9) }

// existsNeedsRead reports whether the server refuses an exists on a node that the
// client may not read (ZOOKEEPER-2590).
func (v Version) existsNeedsRead() bool { return v.since(V3_9) }

// aclBeforeNode reports whether a delete is refused for want of a right on the parent
// before the server looks whether the node exists.
func (v Version) aclBeforeNode() bool { return v.since(V3_6) }

// filtersEvents reports whether a client gets no events of nodes that it may not
// read (ZOOKEEPER-4799). Debian has added that to its 3.8.0.
func (v Version) filtersEvents() bool { return v.since(V3_8) }

// checkAlone reports whether check is a request too, and not only an op of a multi
// (ZOOKEEPER-2623).
func (v Version) checkAlone() bool { return !v.since(V3_9) }

// create2InMulti reports whether a create2 in a multi is answered with a Stat, and
// flags that no mode has make the whole multi malformed (ZOOKEEPER-4026).
// Otherwise the create2 is executed and answered as a create, and such flags make
// only that op fail. 3.7.2 has the fix, and 3.8.0 does not.
func (v Version) create2InMulti() bool { return v == V3_9 || v == V3_7 }

// modesCoexist reports whether a connection can have watches of several modes on
// one path (ZOOKEEPER-4466, 4471, 4472 and 4475). Otherwise a new watch replaces
// the old one.
func (v Version) modesCoexist() bool { return v.since(V3_9) }

// checksAllClients reports whether checkWatches counts the watches of other clients
// too.
func (v Version) checksAllClients() bool { return v.since(V3_6) && !v.since(V3_9) }

// malformedUsesZxid reports whether a malformed write uses a zxid. A malformed multi
// does in every version, a malformed reconfig in none.
func (v Version) malformedUsesZxid() bool { return !v.since(V3_9) }
