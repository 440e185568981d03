package acceptance

import (
	"fmt"
	"time"
)

// violation is an error that the sweep has found.
type violation struct {
	name string
	at   time.Duration
	text string
}

func (v *violation) Error() string { return v.name + ": " + v.text }

// sweep checks the events of one lock in order. It fails on two concurrent claims
// that exclude each other, on more permits than there are, on a token that does not
// rise, and on an end without a claim.
func sweep(events []event) error {
	type claim struct {
		owner int
		token int64
	}
	holders := map[claim]event{}
	var last int64 // the newest token that must have risen
	for _, e := range events {
		key := claim{e.owner, e.token}
		own, again := holders[key]
		switch {
		case !e.acquired && !again:
			return found(e, "%d ended a claim (token 0x%x) that it did not have", e.owner, e.token)
		case !e.acquired:
			delete(holders, key)
			continue
		case again && own.reader == e.reader:
			return found(e, "%d acquired twice with token 0x%x", e.owner, e.token)
		case again:
			own.reader = true // a downgrade
			holders[key] = own
			continue
		}
		out := e.permits
		for _, o := range holders {
			if e.name != semaphore && !(e.reader && o.reader) {
				return found(e, "two holders: %d (token 0x%x) and, %v later, %d (token 0x%x)", o.owner, o.token, e.at-o.at, e.owner, e.token)
			}
			out += o.permits
		}
		if out > semaphoreLimit {
			return found(e, "%d permits are out when %d gets %d", out, e.owner, e.permits)
		}
		// Concurrent readers and permits may be reported in another order than they
		// were granted.
		if e.name != semaphore && !e.reader {
			if e.token <= last {
				return found(e, "token 0x%x of %d after 0x%x", e.token, e.owner, last)
			}
			last = e.token
		}
		holders[key] = e
	}
	return nil
}

func found(e event, format string, args ...any) error {
	return &violation{name: e.name, at: e.at, text: fmt.Sprintf(format, args...)}
}
