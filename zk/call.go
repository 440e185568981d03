package zk

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/link"
)

// call is one request, from its making to its result. It comes from a pool. It
// goes back when its result has been taken: by the caller, or by the Future that
// the result completes. If the request could not be made, the call has an error
// from the start, and submit refuses it.
type call struct {
	from *calls
	op   *operation
	path string       // as the caller gave it, for errors
	req  link.Request // the encoded request, and the link's state of it

	confirms bool // its answer renews the lease
	internal bool // the client's own: needs no room in the queue
	awaited  bool // its result is waited for, although it is internal
	tied     bool // the caller chose want

	want   *Session     // the only session in which it may run; nil: that of its submission
	pipe   *Pipeline    // nil outside a pipeline
	future settler      // takes the result; nil: the caller waits for done
	reg    registration // a watch that the reply sets: see registers
	parts  *parts       // of a request with several parts; else nil or empty
	auth   *addedAuth   // of an auth: what its acceptance adds

	// Guarded by core.mu.
	// in is the ordinal of the only session in which the call may run, 0 if it may
	// run in any. It is set when the call is first submitted and never changes,
	// however long the call waits and how often it is sent.
	in    uint64
	proof proof // what an answer proves about the lease

	state atomic.Uint32 // callState
	done  chan struct{} // one token a result

	seen *observation // for the hooks; nil if the client has none

	// The result, written before done and not afterwards.
	outcome   Outcome
	lost      bool // the connection ended before the reply
	err       error
	replySize int // in bytes; 0 without a reply
	result
}

// parts is what a request with several parts has beside a call. Frequent calls do
// without it: with a thousand calls in flight, what the garbage collector must visit
// and free must clear is a good part of what a call costs. A call keeps its parts,
// emptied, in the pool.
type parts struct {
	ops   []Op     // of a multi
	reads []ReadOp // of a multiRead
	paths []string // of a setWatches: the watches that it restores

	// The result.
	multi  []proto.MultiResult
	failed string // the path of the op for which a multi failed
}

// result is the content of a reply. An operation sets the fields that it needs. A
// result for which there is no field goes into other. That may cost an allocation,
// so the frequent operations have fields of their own.
type result struct {
	zxid    int64 // of the reply
	session int64 // the session in which the call ran

	stat   proto.Stat
	absent bool // there is no such node, and that is no error
	data   []byte
	names  []string
	text   string // the path of the created node
	watch  *Watch
	other  any
}

type callState = uint32

const (
	callIdle      callState = iota
	callPending             // it has a place: it waits to be written, or for its reply
	callDone                // the result is there, or about to be
	callAbandoned           // its caller gave up; complete frees it
)

// await prepares a call for a caller that waits for its result.
func (cl *call) await() {
	if cl.done == nil {
		cl.done = make(chan struct{}, 1)
	}
}

// bound reports whether a call may run in one session only. A lone read may run
// in any.
func (cl *call) bound() bool { return !cl.op.read || cl.pipe != nil || cl.want != nil }

// asInternal marks a call as the client's own. No caller waits for its result.
func (cl *call) asInternal() *call {
	cl.internal, cl.req.Unbound = true, true
	return cl
}

// again prepares a call that was answered or lost for another submission. The
// call keeps the session to which it belongs.
func (cl *call) again() {
	cl.err, cl.outcome, cl.lost, cl.replySize = nil, 0, false, 0
	cl.dropResult()
	cl.seen.again()
	cl.state.Store(callIdle)
}

// dropResult forgets what the reply brought.
func (cl *call) dropResult() {
	cl.result = result{}
	if cl.parts != nil {
		cl.parts.multi, cl.parts.failed = nil, ""
	}
}

// withParts returns the parts of a call, to be filled in.
func (cl *call) withParts() *parts {
	if cl.parts == nil {
		cl.parts = new(parts)
	}
	return cl.parts
}

// restores returns the paths of the watches that the call restores.
func (cl *call) restores() []string {
	if cl.parts == nil {
		return nil
	}
	return cl.parts.paths
}

// callOf returns the call of a request.
func callOf(r *link.Request) *call { return r.Owner.(*call) }

func (cl *call) opError(o Outcome, err error) *OpError {
	return &OpError{Op: cl.op.String(), Path: cl.path, Outcome: o, Err: err}
}

// failure returns the call's error as users see it, nil if it succeeded.
func (cl *call) failure() error {
	if cl.err == nil {
		return nil
	}
	e := cl.opError(cl.outcome, cl.err)
	if cl.tied && cl.outcome == OutcomeNotSent && cl.err == ErrSessionExpired {
		e.Err = ErrBoundExpired
	}
	if cl.parts != nil {
		e.Path = cmp.Or(cl.parts.failed, cl.path)
	}
	return e
}

// decode decodes the reply. An error says that the bytes are not the protocol.
func (cl *call) decode(h proto.ReplyHeader, r *proto.Reader) error {
	ok := h.Err == proto.OK
	switch {
	case ok && cl.op.decode != nil:
		cl.op.decode(cl, r)
	case ok:
	case h.Err == proto.NoNode && cl.op.noNode == noError:
		cl.absent = true
	default:
		cl.refuse(Code(h.Err))
	}
	err := r.Finish()
	if err == nil && ok && cl.op.settle != nil {
		err = cl.op.settle(cl)
	}
	if err != nil {
		return fmt.Errorf("%w: reply to %v %s: %w", ErrProtocol, cl.op, cl.path, err)
	}
	return nil
}

// refuse records the error code of the server.
func (cl *call) refuse(code Code) {
	cl.err, cl.outcome = code, OutcomeRejected
	if code == ErrNoAuth {
		cl.err = cl.from.core.auth.noAuth()
	}
	if code == ErrBadVersion && cl.op.versioned {
		cl.err = badVersion(lastInt32(cl.req.Frame))
	}
	if cl.auth != nil {
		cl.err = &AuthError{Name: cl.auth.name, Err: code}
	}
	if !code.verdict() {
		cl.outcome = OutcomeUnknown
	}
}

// lastInt32 returns the number with which a frame ends.
func lastInt32(frame []byte) int32 { return int32(binary.BigEndian.Uint32(frame[len(frame)-4:])) }

func badVersion(expected int32) error {
	return fmt.Errorf("%w: expected version %d", ErrBadVersion, expected)
}

// fail completes calls that will get no reply. They have left the queue.
func fail(calls []*call, o Outcome, err error, lost bool) {
	for _, cl := range calls {
		cl.outcome, cl.err, cl.lost = o, err, lost
		if cl.pipe != nil {
			cl.pipe.breakOff(err)
		}
		cl.complete()
	}
}

// complete delivers the result of a call.
func (cl *call) complete() {
	if cl.seen != nil {
		cl.seen.hooks.settled(cl)
	}
	switch {
	case cl.state.Swap(callDone) == callAbandoned:
		if cl.watch != nil {
			cl.watch.Stop()
		}
		cl.free()
	case cl.future != nil:
		cl.future.settle(cl)
		cl.free()
	case cl.internal && !cl.awaited:
		cl.free()
	default:
		cl.done <- struct{}{}
	}
}
