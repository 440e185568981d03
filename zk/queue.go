package zk

// callQueue is a list of requests in order: those that wait for a place, those
// that wait to be written, and those handed to Write and not answered, whose
// replies come in its order. A call is in one of the three at most. A linked list
// because a call whose context ends is taken out of the middle. Guarded by
// Client.mu.
type callQueue struct {
	head, tail *call
	bytes      int // encoded size of all
	calls      int // how many
}

func (q *callQueue) empty() bool { return q.head == nil }

func (q *callQueue) push(cl *call) {
	cl.prev, cl.next = q.tail, nil
	if q.tail != nil {
		q.tail.next = cl
	} else {
		q.head = cl
	}
	q.tail = cl
	q.bytes += len(cl.frame)
	q.calls++
}

// pushHead puts a call before all others.
func (q *callQueue) pushHead(cl *call) {
	cl.prev, cl.next = nil, q.head
	if q.head != nil {
		q.head.prev = cl
	} else {
		q.tail = cl
	}
	q.head = cl
	q.bytes += len(cl.frame)
	q.calls++
}

// pushFront puts calls, in their order, before all others.
func (q *callQueue) pushFront(calls []*call) {
	for cl := q.head; cl != nil; cl = cl.next {
		calls = append(calls, cl)
	}
	*q = callQueue{}
	for _, cl := range calls {
		q.push(cl)
	}
}

func (q *callQueue) remove(cl *call) {
	if cl.prev != nil {
		cl.prev.next = cl.next
	} else {
		q.head = cl.next
	}
	if cl.next != nil {
		cl.next.prev = cl.prev
	} else {
		q.tail = cl.prev
	}
	cl.prev, cl.next = nil, nil
	q.bytes -= len(cl.frame)
	q.calls--
}
