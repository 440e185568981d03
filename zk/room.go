package zk

import "github.com/zookit/zookit/zk/internal/link"

// room bounds the calls that are queued or unanswered: each of them has a place.
// When all places are taken, further calls wait in line. A place that becomes free
// goes to the call that has waited longest. So while a call is in line, no place is
// free, and no call overtakes another one.
//
// Internal calls need no place. Otherwise calls that wait for an answer could keep
// a heartbeat from being sent.
//
// room is data alone. It wakes no goroutine and has no lock.
type room struct {
	places int // Config.MaxInFlight
	taken  int
	line   link.Queue
}

// enter gives a call a place. If none is free, the call joins the line, and enter
// returns false.
func (r *room) enter(cl *call) bool {
	switch {
	case cl.internal:
		return true
	case r.taken < r.places:
		r.taken++
		return true
	}
	r.line.Push(&cl.req)
	return false
}

// leave gives back the place of a call. It returns the call from the line that has
// it now, nil if no call waits.
func (r *room) leave(cl *call) (next *call) {
	if cl.internal {
		return nil
	}
	head := r.line.Head()
	if head == nil {
		r.taken--
		return nil
	}
	r.line.Remove(head)
	return callOf(head)
}

// giveUp takes a call out of the line. It returns false if the call is not in it:
// the call has got a place, or was turned away.
func (r *room) giveUp(cl *call) bool { return r.line.Remove(&cl.req) }

// turnAway takes all calls that pick accepts out of the line, in order.
func (r *room) turnAway(pick func(*call) bool) []*call {
	var out []*call
	for _, q := range r.line.RemoveFunc(func(q *link.Request) bool { return pick(callOf(q)) }) {
		out = append(out, callOf(q))
	}
	return out
}
