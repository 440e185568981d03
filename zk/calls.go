package zk

import (
	"sync"

	"github.com/zookit/zookit/internal/proto"
)

// maxPooledFrame bounds the buffer that a pooled call keeps.
const maxPooledFrame = 4 << 10

// calls makes the calls of a client. Each sub-client has its own (at.go).
type calls struct {
	core   *core
	root   chroot
	within chroot // of a sub-client: root without the chroot of the client that it belongs to

	quorumLease bool   // Config.QuorumLease
	compat      Compat // Config.Compat

	// pool keeps free calls. Each client has its own and shares it with its sub-clients,
	// since a channel must not be carried from one testing/synctest bubble into another.
	pool *sync.Pool
}

// newCall returns a call whose frame ends with the header. Append the body to it.
func (cs *calls) newCall(op *operation, path string) *call {
	cs.made()
	cl, ok := cs.pool.Get().(*call)
	if !ok {
		cl = new(call)
	}
	cl.from = cs
	cl.op = op
	cl.path = path
	cl.confirms = op.by == byQuorum || op.by == byLeader && !cs.quorumLease
	cl.req.Owner = cl
	cl.req.Prompt = op.prompt
	cl.req.Frame = proto.BeginFrame(cl.req.Frame[:0])
	cl.req.Frame = proto.RequestHeader{Op: op.code}.Append(cl.req.Frame)
	return cl
}

// pathCall returns a call whose body begins with a path.
func (cs *calls) pathCall(op *operation, path string) *call {
	cl := cs.newCall(op, path)
	cl.err = ValidatePath(path)
	cl.req.Frame = cs.root.appendPath(cl.req.Frame, path)
	return cl
}

// readCall returns the call of a read with a watch flag.
func (cs *calls) readCall(op *operation, path string, watch bool) *call {
	cl := cs.pathCall(op, path)
	cl.req.Frame = proto.AppendBool(cl.req.Frame, watch)
	if watch {
		cl.reg.Path = cs.root.full(path)
	}
	return cl
}

// writeCall returns the call of a write that can be part of a Multi, too. err is the
// fault that was found in it. The parameter is a MultiOp and no Op, because an Op's
// data would escape to the heap.
func (cs *calls) writeCall(op *operation, path string, wire proto.MultiOp, err error) *call {
	cl := cs.newCall(op, path)
	cl.err = err
	cl.req.Frame = wire.AppendRest(cs.root.appendPath(cl.req.Frame, path))
	return cl
}

// made panics for the zero Client, which has no calls.
func (cs *calls) made() {
	if cs == nil {
		panic(zeroClient)
	}
}

// heartbeat returns the request that renews the lease: a sync, which the leader
// answers; or a write that changes nothing, which a quorum acknowledges.
func (cs *calls) heartbeat() *call {
	if cs.quorumLease {
		return cs.multiCall([]Op{CheckOp("/", AnyVersion)})
	}
	return cs.pathCall(opSync, "/")
}

// free gives a call back to the pool. The caller has taken its result.
func (cl *call) free() {
	frame := cl.req.Frame
	if cap(frame) > maxPooledFrame {
		frame = nil
	}
	from, done, kept := cl.from, cl.done, cl.parts
	if kept != nil {
		*kept = parts{}
	}
	*cl = call{}
	cl.req.Frame, cl.done, cl.parts = frame, done, kept
	from.pool.Put(cl)
}
