package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/watchtable"
)

// operation describes one operation of ZooKeeper to the rest of the client. There
// is one value for each, made by define. It stands in the file of the operation,
// beside the methods of Client and Pipeline and its decoder. No other product file
// lists the operations.
//
// The zero values describe a request that the client's own server executes, and
// whose reply has no body.
//
// A read is answered by the server that the client is connected to. That server may
// lag behind others, but the reads of one client never go back in time. The server
// refuses a read with ErrNoNode or ErrNoAuth. If the connection is lost, the client
// submits a read again until its context ends. If the reply was too slow on two
// connections, the read fails with ErrSlowReply.
//
// A write is never repeated, unless the server was throttled and has said that it
// did not run it. The error of a write has one of these outcomes:
//
//   - OutcomeUnknown: there is no verdict of the server. It may have run or not.
//   - OutcomeNotSent: it did not run, and is safe to repeat. That includes a write
//     whose context ended before it was written: it is withdrawn.
//   - OutcomeRejected: the server refused it.
//
// A write runs in the session in which it was submitted, or not at all. When that
// session ends while the write waits for room, in the queue, or to be sent again
// because the server was throttled, the write fails with ErrSessionExpired,
// OutcomeNotSent. A write that is submitted between two sessions belongs to the next
// one.
type operation struct {
	code proto.OpCode

	// read says that the operation changes nothing. The client repeats it if its
	// reply was lost. Outside a pipeline it may run in any session.
	read bool

	// lacking is the newest level of Config.Compat whose servers do not know the
	// operation. The zero value says that all servers know it.
	lacking Compat

	// by says which servers take part in the answer.
	by answeredBy

	// prompt says that the reply must be handled as soon as it arrives, whatever
	// else arrives with it: the lease depends on it.
	prompt bool

	// noNode says what NoNode means, if the server answers with it.
	noNode noNode

	// versioned says that the frame ends with the version that the node must have.
	// The error about a BadVersion names that version.
	versioned bool

	// watch is the kind of the one-shot watch that the operation can set on a node
	// that exists.
	watch watchtable.Kind

	// decode reads the body of a successful reply, and sets the fields of
	// cl.result. It runs on the reader of the connection and must not keep r. Nil:
	// the body is empty.
	decode func(cl *call, r *proto.Reader)

	// settle is for operations whose reply header says OK even if the server refused
	// them. It finds the verdict in the result that was decoded, and calls refuse. Its
	// error says that the result does not fit the request.
	settle func(cl *call) error
}

// answeredBy says which servers take part in the answer to an operation. The answer
// of the client's own server alone proves nothing about the lease.
type answeredBy uint8

const (
	byOwnServer answeredBy = iota
	byLeader               // renews the lease, unless Config.QuorumLease asks for more
	byQuorum               // a write: a quorum has acknowledged it, or the leader refused it
)

// noNode is the meaning of NoNode.
type noNode uint8

const (
	lacksNode   noNode = iota // the node at the path of the call does not exist
	noError                   // the same, but that is a result and no error
	lacksParent               // the parent of that node does not exist
	lacksAny                  // one of several nodes does not exist
)

// String returns the name of the operation, which OpError.Op has.
func (o *operation) String() string { return o.code.String() }

// operations has the operations by the name that an OpError has. SafeToRetry looks
// there whether one changes nothing.
var operations = map[string]*operation{}

// define returns a new operation.
func define(op operation) *operation {
	operations[op.String()] = &op
	return &op
}

// taker takes the result out of a call that has ended, also with an error.
type taker[R any] func(*call) R

// run runs a call to its end and takes its result. It is the synchronous form of an
// operation.
func run[R any](ctx context.Context, c *Client, cl *call, take taker[R]) (r R, _ error) {
	alive, err := c.runner.do(ctx, cl)
	if alive {
		r = take(cl)
		cl.free()
	}
	return r, err
}

// enqueue submits a call and returns its Future. It is the asynchronous form of an
// operation.
func enqueue[R any](ctx context.Context, p *Pipeline, cl *call, take taker[R]) *Future[R] {
	f := &Future[R]{take: take, op: cl.op, path: cl.path}
	cl.pipe, cl.future = p, f
	if ctx == nil {
		ctx, cl.err = context.Background(), errNilContext // submit refuses the call
	}
	if p.c.core.hooks != nil {
		cl.seen = p.c.core.hooks.observe(ctx, cl)
	}
	if _, err := p.c.runner.submit(ctx, cl); err != nil {
		cl.complete()
	}
	return f
}

// What several operations share.

func decodeStat(cl *call, r *proto.Reader) { cl.stat.Decode(r) }

// ignoreBody is the decoder of replies whose body says nothing. Some servers send
// one where others send none.
func ignoreBody(_ *call, r *proto.Reader) { r.Skip(r.Left()) }

func takeNothing(*call) struct{} { return struct{}{} }

func takeStat(cl *call) Stat { return Stat(cl.stat) }

// takeOther takes a result that has no field of its own. After an error it is the
// zero value.
func takeOther[R any](cl *call) R {
	r, _ := cl.other.(R)
	return r
}
