package zk

import "github.com/zookit/zookit/internal/proto"

// EventType says what happened to a node.
type EventType int32

// Event types. EventResync does not come from the server: it says that the
// subscription has a gap before it. Read everything again that you need.
const (
	EventCreated         = EventType(proto.EventCreated)
	EventDeleted         = EventType(proto.EventDeleted)
	EventDataChanged     = EventType(proto.EventDataChanged)
	EventChildrenChanged = EventType(proto.EventChildrenChanged)
	EventResync          = EventType(-100)
)

// String returns the type's name.
func (t EventType) String() string {
	if t == EventResync {
		return "resync"
	}
	return nameOf(t, "no event", "created", "deleted", "data changed", "children changed")
}

// Event is one change of one node.
type Event struct {
	Type EventType
	Path string // without the chroot; of a resync: the subscription's
	Zxid int64  // of the change, from servers 3.9 on; 0 where the server does not say
}
