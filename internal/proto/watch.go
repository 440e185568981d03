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

// StateSyncConnected is the state of every event that tells of a node.
const StateSyncConnected int32 = 3

// WatchEvent is the body of a reply with xid -1.
type WatchEvent struct {
	Type  EventType
	State int32
	Path  string
}

// Decode takes the record.
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

// Types of removeWatches and checkWatches. The last two are known since 3.9,
// and there the first two mean one-shot watches only.
const (
	RemoveChildren   int32 = 1
	RemoveData       int32 = 2
	RemoveAny        int32 = 3
	RemovePersistent int32 = 4
	RemoveRecursive  int32 = 5
)

// PathMode is the body of addWatch (a mode), and of removeWatches and
// checkWatches (a type).
type PathMode struct {
	Path string
	Mode int32
}

// Append appends the record.
func (q *PathMode) Append(b []byte) []byte { return AppendInt32(AppendString(b, q.Path), q.Mode) }

// SetWatches registers watches again after a reconnect. The two last lists
// exist only in setWatches2.
type SetWatches struct {
	RelativeZxid int64
	Data         []string
	Exist        []string
	Child        []string
	Persistent   []string
	Recursive    []string
}

// Append appends the record as op wants it.
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
