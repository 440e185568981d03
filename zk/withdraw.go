package zk

import "github.com/zookit/zookit/zk/internal/link"

// Abandon is called when the caller of a synchronous call gives up.
//
//   - withdrawn: the call was still waiting and was taken out. It was not sent.
//   - abandoned: it may have been sent. complete frees it, and the caller must not
//     touch it.
//   - Both false: the result is there, or about to be.
func (c *core) Abandon(cl *call) (withdrawn, abandoned bool) {
	c.Lock()
	defer c.Unlock()
	if c.conn != nil {
		withdrawn = c.conn.link.Withdraw(&cl.req)
	} else {
		withdrawn = c.queue.Remove(&cl.req)
	}
	if withdrawn {
		c.released(cl)
		return true, false
	}
	return false, cl.state.CompareAndSwap(callPending, callAbandoned)
}

// withdraw takes the calls that are not written yet, and that pick accepts, out of
// the queue, in order. The next step is to fail them, when the core is unlocked.
//
// withdraw marks them as done. Without that, a caller could report OutcomeUnknown
// for a call that was not sent:
//
//  1. withdraw takes the call out of the queue, and the core is unlocked.
//  2. The context of the call ends. Abandon does not find the call in the queue, so
//     it leaves it.
//  3. The call is failed with OutcomeNotSent, but its caller has returned.
func (c *core) withdraw(pick func(*call) bool) []*call {
	picked := func(r *link.Request) bool { return pick(callOf(r)) }
	var requests []*link.Request
	if c.conn != nil {
		requests = c.conn.link.WithdrawFunc(picked)
	} else {
		requests = c.queue.RemoveFunc(picked)
	}
	calls := c.callsOf(requests)
	for _, cl := range calls {
		cl.state.Store(callDone)
	}
	return calls
}

// callsOf returns the calls of requests that will get no reply, and releases them.
func (c *core) callsOf(requests []*link.Request) []*call {
	var calls []*call
	for _, r := range requests {
		cl := callOf(r)
		c.released(cl)
		calls = append(calls, cl)
	}
	return calls
}

// released gives back the place and the registration of a call that leaves the
// queue without a reply.
func (c *core) released(cl *call) {
	c.vacate(cl)
	if cl.registers() {
		c.watches.table.Dropped(&cl.reg)
	}
}

// failLater fails calls when the core is unlocked.
func (c *core) failLater(calls []*call, o Outcome, err error, lost bool) {
	if len(calls) > 0 {
		c.resultsLater(func() { fail(calls, o, err, lost) })
	}
}

// everyCall is the pick that accepts every call.
func everyCall(*call) bool { return true }
