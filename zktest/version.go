package zktest

import "strconv"

// Version is the release line of Apache ZooKeeper that the embedded server
// behaves like. "How close it is" in the package's documentation lists what the
// lines differ in.
type Version int

// The lines that are known. V3_8 is 3.8.0 as Debian has it, and V3_9 is 3.9.5.
// The zero value is V3_9.
const (
	V3_9 Version = iota
	V3_8
)

// String returns the line, for instance "3.9".
func (v Version) String() string {
	switch v {
	case V3_9:
		return "3.9"
	case V3_8:
		return "3.8"
	}
	return "Version(" + strconv.Itoa(int(v)) + ")"
}

// The differences between the lines, each under a name of its own.

// eventZxid reports whether an event carries the zxid of its change
// (ZOOKEEPER-4655). Otherwise it is -1.
func (v Version) eventZxid() bool { return v != V3_8 }

// existsNeedsRead reports whether exists is refused on a node that the client
// may not read (ZOOKEEPER-2590).
func (v Version) existsNeedsRead() bool { return v != V3_8 }

// checkAlone reports whether check is an op outside a multi too
// (ZOOKEEPER-2623).
func (v Version) checkAlone() bool { return v == V3_8 }

// create2InMulti reports whether a create2 inside a multi stays one, with a Stat
// in its answer, and flags that no mode has make the whole multi malformed
// (ZOOKEEPER-4026). Otherwise it is a create, which is answered without a Stat,
// and such flags are the failure of one op.
func (v Version) create2InMulti() bool { return v != V3_8 }

// modesCoexist reports whether a session keeps watches of several modes on one
// path (ZOOKEEPER-4466, 4471, 4472 and 4475). Otherwise the newest replaces
// what there was.
func (v Version) modesCoexist() bool { return v != V3_8 }

// malformedUsesZxid reports whether a write that cannot be read uses a zxid up.
// A multi does in every version.
func (v Version) malformedUsesZxid() bool { return v == V3_8 }
