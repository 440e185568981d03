package watchtable

import "github.com/zookit/zookit/internal/proto"

// Kind is the kind of change for which a one-shot watch waits.
type Kind uint8

// The kinds of one-shot watches.
const (
	Data  Kind = iota // set by get, or by exists on a node that is there
	Exist             // set by exists on a node that is not there
	Child             // set by children
	kinds
)

// Count has a number for each kind of one-shot watch.
type Count [kinds]int

// Mode is the lasting watch that the server has on a path.
type Mode uint8

// The modes. A subscription is Persistent or Recursive.
const (
	None Mode = iota
	Persistent
	Recursive
)

// Reason says why a watch or a subscription is over.
type Reason uint8

// The reasons.
const (
	Waiting Reason = iota // it is not over
	Fired                 // its event is there; only of a one-shot watch
	Stopped               // its holder needs it no longer
	Lost                  // the server refused it, or can no longer feed it
	Expired               // its session is over; only of a one-shot watch
	Closed                // the client is closed
)

// Event is one change of one node.
type Event struct {
	Type proto.EventType
	Path string // with the chroot
	Zxid int64  // 0 where the server does not say
}

// Watch is a one-shot watch. It fires or ends once. There may be very many, so it
// is small. Its zero value, with a Holder, is ready for Table.Set.
type Watch[H any] struct {
	Holder H // what the client keeps with it, for Host.Notify

	on     *entry[H]
	prev   *Watch[H] // in the list of its path and kind
	next   *Watch[H]
	zxid   int64  // of the event, which is on the watch's own path
	order  uint32 // in which the watches of a table fire or end
	kind   Kind
	typ    int8 // of the event
	reason Reason
}

// Reason returns why the watch is over, Waiting while it is not.
func (w *Watch[H]) Reason() Reason { return w.reason }

// Path returns the path of a watch that is or was in the table, with the chroot.
func (w *Watch[H]) Path() string { return w.on.path }

// Event returns the event of a watch that has fired, and none of another.
func (w *Watch[H]) Event() Event {
	if w.reason != Fired {
		return Event{}
	}
	return Event{Type: proto.EventType(w.typ), Path: w.on.path, Zxid: w.zxid}
}

// FiredBefore reports whether w has fired, and v has not fired or ended before
// that.
func (w *Watch[H]) FiredBefore(v *Watch[H]) bool {
	return w.reason == Fired && (v.reason == Waiting || int32(v.order-w.order) > 0)
}

// Subscriber gets what a subscription yields. It must not call the table.
type Subscriber interface {
	Push(Event)
	Resync()    // events may be missing from here on
	End(Reason) // nothing follows
}

// Subscription is one holder of a lasting watch. Set its fields and do not change
// them when it is registered.
type Subscription struct {
	Path string // with the chroot
	Mode Mode
	To   Subscriber

	next *Subscription // on its path
	over bool
}

// Over reports whether the subscription has ended.
func (s *Subscription) Over() bool { return s.over }

func (s *Subscription) end(why Reason) {
	s.over = true
	s.To.End(why)
}
