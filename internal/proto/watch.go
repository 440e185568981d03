package proto

// EventType says what happened to a watched node.
type EventType int32

// Event types of the protocol.
const (
	EventNone                   EventType = -1
	EventCreated                EventType = 1
	EventDeleted                EventType = 2
	EventDataChanged            EventType = 3
	EventChildrenChanged        EventType = 4
	EventDataWatchRemoved       EventType = 5
	EventChildWatchRemoved      EventType = 6
	EventPersistentWatchRemoved EventType = 7
)

// StateSyncConnected is the state in every event about a node.
const StateSyncConnected int32 = 3

// WatchEvent is the body of a reply with xid -1.
type WatchEvent struct {
	Type  EventType
	State int32
	Path  string
}

// Decode reads the record.
func (e *WatchEvent) Decode(r *Reader) {
	e.Type = EventType(r.Int32())
	e.State = r.Int32()
	e.Path = r.String()
}

// Modes of addWatch.
const (
	WatchPersistent          int32 = 0
	WatchPersistentRecursive int32 = 1
)

// Types of removeWatches and checkWatches. The last two exist since 3.9. Since
// then the first two mean one-shot watches only.
const (
	RemoveChildren   int32 = 1
	RemoveData       int32 = 2
	RemoveAny        int32 = 3
	RemovePersistent int32 = 4
	RemoveRecursive  int32 = 5
)

// PathMode is the body of addWatch, removeWatches and checkWatches.
type PathMode struct {
	Path string
	Mode int32 // the mode of addWatch, the type of the other two
}

// Append appends the record.
func (q *PathMode) Append(b []byte) []byte { return AppendInt32(AppendString(b, q.Path), q.Mode) }

// SetWatches is the body of setWatches and setWatches2, which register watches
// again after a reconnect.
type SetWatches struct {
	RelativeZxid int64 // the last zxid that the client has seen
	Data         []string
	Exist        []string
	Child        []string
	Persistent   []string // only in setWatches2
	Recursive    []string // only in setWatches2
}

// Append appends the record. Only setWatches2 has the last two lists.
func (q *SetWatches) Append(b []byte, op OpCode) []byte {
	b = AppendInt64(b, q.RelativeZxid)
	b = AppendStrings(b, q.Data)
	b = AppendStrings(b, q.Exist)
	b = AppendStrings(b, q.Child)
	if op == OpSetWatches2 {
		b = AppendStrings(b, q.Persistent)
		b = AppendStrings(b, q.Recursive)
	}
	return b
}
