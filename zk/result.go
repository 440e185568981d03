package zk

import (
	"context"
	"sync/atomic"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/proto"
)

// Watched is the result of a read that set a watch.
type Watched[R any] struct {
	Value R
	Watch *Watch // nil where the server sets none
}

// AccessList is the result of GetACL.
type AccessList struct {
	ACL  []ACL
	Stat Stat
}

// taker takes the result out of a call that has ended, also with an error.
type taker[R any] func(*Client, *call) R

// run runs a call to its end and takes its result.
func run[R any](ctx context.Context, c *Client, cl *call, take taker[R]) (r R, _ error) {
	alive, err := c.do(ctx, cl)
	if alive {
		r = take(c, cl)
		c.freeCall(cl)
	}
	return r, err
}

// Future is a result that is on its way.
type Future[R any] struct {
	take taker[R]
	// op and path are for the error of a caller that gives up waiting.
	op   proto.OpCode
	path string

	// done is nil until a caller waits, then the channel that callers wait on, and
	// alwaysClosed once the result is there. Most results come before any caller
	// waits, and need no channel.
	done atomic.Pointer[chan struct{}]

	// Written before done says so, and not afterwards.
	result R
	err    error
}

var alwaysClosed = func() *chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return &ch
}()

// settler is the method of a Future that complete calls.
type settler interface{ settle(c *Client, cl *call) }

// enqueue submits a call and returns its Future.
func enqueue[R any](ctx context.Context, p *Pipeline, cl *call, take taker[R]) *Future[R] {
	f := &Future[R]{take: take, op: cl.op, path: cl.path}
	cl.pipe, cl.future = p, f
	if _, err := p.c.submit(ctx, cl); err != nil {
		p.c.complete(cl)
	}
	return f
}

// settle takes the result out of a call that has ended.
func (f *Future[R]) settle(c *Client, cl *call) {
	f.result = f.take(c, cl)
	f.err = cl.failure()
	if ch := f.done.Swap(alwaysClosed); ch != nil {
		close(*ch)
	}
}

// Done returns a channel that is closed when the result is there.
func (f *Future[R]) Done() <-chan struct{} {
	if ch := f.done.Load(); ch != nil {
		return *ch
	}
	ch := make(chan struct{})
	if f.done.CompareAndSwap(nil, &ch) {
		return ch
	}
	return *f.done.Load() // another caller has made the channel, or the result has come
}

// Wait returns the result when it is there, to as many callers as ask. If ctx
// ends first, its cause comes back with OutcomeUnknown: giving up waiting does
// not undo the request.
func (f *Future[R]) Wait(ctx context.Context) (none R, _ error) {
	if f.done.Load() != alwaysClosed {
		select {
		case <-f.Done():
		case <-ctx.Done():
			if f.done.Load() != alwaysClosed {
				return none, &OpError{Op: f.op.String(), Path: f.path, Outcome: OutcomeUnknown, Err: ctxerr.Of(ctx)}
			}
		}
	}
	return f.result, f.err
}

func takeNode(_ *Client, cl *call) Node { return Node{Data: cl.data, Stat: Stat(cl.stat)} }

func takeListing(_ *Client, cl *call) Listing { return Listing{Names: cl.names, Stat: Stat(cl.stat)} }

func takeExistence(_ *Client, cl *call) Existence {
	return Existence{Exists: cl.err == nil && !cl.absent, Stat: Stat(cl.stat)}
}

func takeCreated(c *Client, cl *call) Created {
	return Created{Path: c.root.strip(cl.text), Stat: Stat(cl.stat)}
}

func takeStat(_ *Client, cl *call) Stat { return Stat(cl.stat) }

func takeACL(_ *Client, cl *call) AccessList {
	return AccessList{ACL: userACL(cl.acl), Stat: Stat(cl.stat)}
}

func takeNothing(*Client, *call) struct{} { return struct{}{} }

// The takers of reads that set a watch.

func takeNodeW(c *Client, cl *call) Watched[Node] { return Watched[Node]{takeNode(c, cl), cl.watch} }

func takeListingW(c *Client, cl *call) Watched[Listing] {
	return Watched[Listing]{takeListing(c, cl), cl.watch}
}

func takeExistenceW(c *Client, cl *call) Watched[Existence] {
	return Watched[Existence]{takeExistence(c, cl), cl.watch}
}
