package link

import (
	"encoding/binary"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// Request is one encoded request. From Submit on it belongs to the link, until
// Receive gets its reply, Withdraw removes it, or TakeBack returns it.
type Request struct {
	Owner any    // the Handler's; the link does not use it
	Frame []byte // the whole frame
	// Xid is negative for a request with a reserved xid. Otherwise the link sets it when
	// it writes the request.
	Xid int32

	// Waits says that a goroutine waits for the reply. When it has the reply, it will
	// probably submit its next request.
	Waits bool
	// Prompt says that Silence counts from the send time of this request, even if
	// replies to earlier requests have come in since.
	Prompt bool
	// Unbound exempts the request from SetBounded.
	Unbound bool

	SentAt time.Time // just before it was written
	Cuts   int       // how many connections have ended because its reply came in too slowly

	in         *Queue
	prev, next *Request
}

// putXid writes the xid into the frame.
func (r *Request) putXid() {
	binary.BigEndian.PutUint32(r.Frame[proto.FrameHeader:], uint32(r.Xid))
}

// Queue is a list of requests in their order. A request is in one queue at most.
// Queue is a linked list, because a request can be withdrawn from the middle. A Queue
// has no lock of its own, and must not be copied.
type Queue struct {
	head, tail *Request
	bytes      int // encoded size of all requests
	len        int
}

// Len returns how many requests are in the queue.
func (q *Queue) Len() int { return q.len }

// Head returns the first request, nil if there is none.
func (q *Queue) Head() *Request { return q.head }

// Next returns the request behind r, nil if there is none.
func (r *Request) Next() *Request { return r.next }

// Push puts a request at the end.
func (q *Queue) Push(r *Request) {
	r.in, r.prev, r.next = q, q.tail, nil
	if q.tail != nil {
		q.tail.next = r
	} else {
		q.head = r
	}
	q.tail = r
	q.bytes += len(r.Frame)
	q.len++
}

// PushHead puts a request before all others.
func (q *Queue) PushHead(r *Request) {
	r.in, r.prev, r.next = q, nil, q.head
	if q.head != nil {
		q.head.prev = r
	} else {
		q.tail = r
	}
	q.head = r
	q.bytes += len(r.Frame)
	q.len++
}

// Remove takes a request out. It returns false if the request is not in this
// queue.
func (q *Queue) Remove(r *Request) bool {
	if r.in != q {
		return false
	}
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		q.head = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		q.tail = r.prev
	}
	r.in, r.prev, r.next = nil, nil, nil
	q.bytes -= len(r.Frame)
	q.len--
	return true
}

// cut drops the n requests before r, or all if r is nil. Their encoded size is bytes.
// To remove them one by one would hold the lock of a link for too long.
func (q *Queue) cut(r *Request, n, bytes int) {
	q.head = r
	if r != nil {
		r.prev = nil
	} else {
		q.tail = nil
	}
	q.len -= n
	q.bytes -= bytes
}

// RemoveFunc takes out every request that pick accepts, and returns them in
// their order.
func (q *Queue) RemoveFunc(pick func(*Request) bool) []*Request {
	var out []*Request
	for r := q.head; r != nil; {
		next := r.next
		if pick(r) {
			q.Remove(r)
			out = append(out, r)
		}
		r = next
	}
	return out
}

// Append moves all requests of from to the end of q.
func (q *Queue) Append(from *Queue) {
	for r := from.head; r != nil; r = from.head {
		from.Remove(r)
		q.Push(r)
	}
}

// fifo is a queue of requests that only the first one leaves. It is a ring.
type fifo struct {
	ring  []*Request
	first int
	len   int
	bytes int // encoded size of all requests
}

// keptRing is the largest ring that an empty fifo keeps.
const keptRing = 4 << 10

// head returns the first request, nil if there is none.
func (q *fifo) head() *Request {
	if q.len == 0 {
		return nil
	}
	return q.ring[q.first]
}

// push puts requests at the end. Their encoded size is bytes.
func (q *fifo) push(batch []*Request, bytes int) {
	if need := q.len + len(batch); need > len(q.ring) {
		ring := make([]*Request, max(2*need, 16))
		n := copy(ring, q.ring[q.first:])
		copy(ring[n:], q.ring[:q.first])
		q.ring, q.first = ring, 0
	}
	end := (q.first + q.len) % len(q.ring)
	n := copy(q.ring[end:], batch)
	copy(q.ring, batch[n:])
	q.len += len(batch)
	q.bytes += bytes
}

// pop takes the first request out.
func (q *fifo) pop() *Request {
	r := q.ring[q.first]
	q.ring[q.first] = nil
	q.first++
	if q.first == len(q.ring) {
		q.first = 0
	}
	q.len--
	q.bytes -= len(r.Frame)
	if q.len == 0 && len(q.ring) > keptRing {
		q.ring, q.first = nil, 0
	}
	return r
}
