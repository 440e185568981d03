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
	op   proto.OpCode
	path string       // as the caller gave it, for errors
	req  link.Request // the encoded request, and the link's state of it
	kind callKind

	want   *Session     // the only session in which it may run; nil: that of its submission
	tied   bool         // the caller chose want
	pipe   *Pipeline    // nil outside a pipeline
	future settler      // takes the result; nil: the caller waits for done
	reg    registration // a watch that the reply sets: see registers
	ops    []Op         // of a multi
	paths  []string     // of a setWatches: the watches that it restores

	// Guarded by Client.mu.
	// in is the ordinal of the only session in which the call may run, 0 if it may
	// run in any. It is set when the call is first submitted and never changes,
	// however long the call waits and how often it is sent.
	in    uint64
	proof proof // what an answer proves about the lease

	state atomic.Uint32 // callState
	done  chan struct{} // one token a result

	// The result, written before done and not afterwards.
	outcome Outcome
	err     error
	lost    bool // the connection ended before the reply
	result
}

// result is the content of a reply. Each operation sets fields of its own.
type result struct {
	stat   proto.Stat
	absent bool // exists: there is no such node, which is no error
	data   []byte
	names  []string
	text   string // a path: of the created node, or of the op for which a multi failed
	acl    []proto.ACL
	multi  []proto.MultiResult
	watch  *Watch
}

// callKind says how the client treats an operation.
type callKind struct {
	read     bool // changes nothing: may be submitted again
	confirms bool // an answer involves the leader
	quorum   bool // it is a write, which a quorum acknowledges
	internal bool // the client's own: needs no room in the queue
	awaited  bool // its result is waited for, although it is internal
}

type callState = uint32

const (
	callIdle      callState = iota
	callPending             // it has a place: it waits to be written, or for its reply
	callDone                // the result is there, or about to be
	callAbandoned           // its caller gave up; complete frees it
)

// maxPooledFrame bounds the buffer that a pooled call keeps.
const maxPooledFrame = 4 << 10

// newCall returns a call whose frame ends with the header. Append the body to it.
func (c *Client) newCall(op proto.OpCode, path string) *call {
	cl, ok := c.calls.Get().(*call)
	if !ok {
		cl = new(call)
	}
	cl.op = op
	cl.path = path
	cl.kind = c.kindOf(op)
	cl.req.Owner = cl
	cl.req.Prompt = op == proto.OpSync // the lease needs its answer in time, whatever else comes in
	cl.req.Frame = proto.BeginFrame(cl.req.Frame[:0])
	cl.req.Frame = proto.RequestHeader{Op: op}.Append(cl.req.Frame)
	return cl
}

// pathCall returns a call whose body begins with a path.
func (c *Client) pathCall(op proto.OpCode, path string) *call {
	cl := c.newCall(op, path)
	cl.err = ValidatePath(path)
	cl.req.Frame = c.root.appendPath(cl.req.Frame, path)
	return cl
}

// await prepares a call for a caller that waits for its result.
func (cl *call) await() {
	if cl.done == nil {
		cl.done = make(chan struct{}, 1)
	}
}

// bound reports whether a call may run in one session only. A lone read may run
// in any.
func (cl *call) bound() bool { return !cl.kind.read || cl.pipe != nil || cl.want != nil }

// asInternal marks a call as the client's own. No caller waits for its result.
func (cl *call) asInternal() *call {
	cl.kind.internal, cl.req.Unbound = true, true
	return cl
}

func (c *Client) kindOf(op proto.OpCode) callKind {
	switch op {
	case proto.OpSync:
		return callKind{read: true, confirms: !c.cfg.QuorumLease}
	case proto.OpExists, proto.OpGetData, proto.OpGetACL, proto.OpGetChildren, proto.OpGetChildren2,
		proto.OpAddWatch, proto.OpSetWatches, proto.OpSetWatches2, proto.OpRemoveWatches:
		return callKind{read: true}
	case proto.OpCloseSession:
		return callKind{}
	}
	return callKind{confirms: true, quorum: true}
}

// freeCall gives a pooled call back. The caller has taken its result.
func (c *Client) freeCall(cl *call) {
	frame := cl.req.Frame
	if cap(frame) > maxPooledFrame {
		frame = nil
	}
	done := cl.done
	*cl = call{req: link.Request{Frame: frame}, done: done}
	c.calls.Put(cl)
}

// again prepares a call that was answered or lost for another submission. The
// call keeps the session to which it belongs.
func (cl *call) again() {
	cl.err, cl.outcome, cl.lost, cl.result = nil, 0, false, result{}
	cl.state.Store(callIdle)
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
		e.Err = errBoundExpired
	}
	if cl.op == proto.OpMulti {
		e.Path = cmp.Or(cl.text, cl.path)
	}
	return e
}

// decode decodes the reply. An error says that the bytes are not the protocol.
func (cl *call) decode(h proto.ReplyHeader, r *proto.Reader) error {
	switch {
	case h.Err == proto.OK:
		cl.decodeBody(r)
	case h.Err == proto.NoNode && cl.op == proto.OpExists:
		cl.absent = true
	default:
		cl.refuse(Code(h.Err))
	}
	err := r.Finish()
	if err == nil && h.Err == proto.OK && cl.op == proto.OpMulti {
		err = cl.settleMulti()
	}
	if err != nil {
		return fmt.Errorf("%w: reply to %v %s: %w", ErrProtocol, cl.op, cl.path, err)
	}
	return nil
}

// refuse records the error code of the server.
func (cl *call) refuse(code Code) {
	cl.err, cl.outcome = code, OutcomeRejected
	switch cl.op {
	case proto.OpSetData, proto.OpDelete, proto.OpSetACL:
		if code == ErrBadVersion { // their frames end with the expected version
			cl.err = badVersion(int32(binary.BigEndian.Uint32(cl.req.Frame[len(cl.req.Frame)-4:])))
		}
	}
	if !code.verdict() {
		cl.outcome = OutcomeUnknown
	}
}

func badVersion(expected int32) error {
	return fmt.Errorf("%w: expected version %d", ErrBadVersion, expected)
}

func (cl *call) decodeBody(r *proto.Reader) {
	switch cl.op {
	case proto.OpGetData:
		cl.data = r.Buffer()
		cl.stat.Decode(r)
	case proto.OpExists, proto.OpSetData, proto.OpSetACL:
		cl.stat.Decode(r)
	case proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		cl.text = r.String()
		cl.stat.Decode(r)
	case proto.OpSync:
		r.View() // the path again
	case proto.OpGetChildren2:
		cl.names = r.Strings()
		cl.stat.Decode(r)
	case proto.OpGetACL:
		cl.acl = r.ACLs()
		cl.stat.Decode(r)
	case proto.OpMulti:
		cl.multi = r.MultiResponseOf(len(cl.ops))
	case proto.OpAddWatch, proto.OpRemoveWatches:
		// The reply to an addWatch has an error code as its body, the other has none.
		r.Skip(r.Left())
	}
}
