package zktest

import "strconv"

// Version is a release line of Apache ZooKeeper, which the embedded server imitates.
// The package's documentation lists the differences, in "How close it is to Apache
// ZooKeeper".
type Version int

// The known release lines. V3_9 is 3.9.5, and V3_8 is 3.8.0 as in Debian. The zero
// value is V3_9.
const (
	V3_9 Version = iota
	V3_8
)

// String returns the release line, for instance "3.9".
func (v Version) String() string {
	switch v {
	case V3_9:
		return "3.9"
	case V3_8:
		return "3.8"
	}
	return "Version(" + strconv.Itoa(int(v)) + ")"
}

// Each difference between the release lines is a method below.

// eventZxid reports whether an event carries the zxid of its change
// (ZOOKEEPER-4655). Otherwise it carries -1.
func (v Version) eventZxid() bool { return v != V3_8 }

// existsNeedsRead reports whether the server refuses an exists on a node that the
// client may not read (ZOOKEEPER-2590).
func (v Version) existsNeedsRead() bool { return v != V3_8 }

// checkAlone reports whether check is a request too, and not only an op of a multi
// (ZOOKEEPER-2623).
func (v Version) checkAlone() bool { return v == V3_8 }

// create2InMulti reports whether a create2 in a multi is answered with a Stat, and
// flags that no mode has make the whole multi malformed (ZOOKEEPER-4026).
// Otherwise the create2 is executed and answered as a create, and such flags make
// only that op fail.
func (v Version) create2InMulti() bool { return v != V3_8 }

// modesCoexist reports whether a connection can have watches of several modes on
// one path (ZOOKEEPER-4466, 4471, 4472 and 4475). Otherwise a new watch replaces
// the old one.
func (v Version) modesCoexist() bool { return v != V3_8 }

// malformedUsesZxid reports whether a malformed write uses a zxid. A malformed multi
// does in every version.
func (v Version) malformedUsesZxid() bool { return v == V3_8 }
