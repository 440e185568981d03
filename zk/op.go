package zk

import "github.com/zookit/zookit/internal/proto"

// Op is one op of a Multi. CreateOp, DeleteOp, SetOp and CheckOp make them, and
// copy what they are given; Client.Bind ties one to a client.
type Op struct {
	owner   *calls // of the client that may run it; nil: any client may, below its own chroot
	wire    proto.MultiOp
	path    string // as the caller gave it
	kind    OpKind
	session *Session // of a create with InSession
	alias   error    // errors.Is finds it beside the code when this op fails
	err     error    // why it cannot be run
}

// OpKind says what an op does.
type OpKind uint8

// The kinds of ops.
const (
	OpCreate OpKind = iota + 1
	OpDelete
	OpSet
	OpCheck
)

// String returns the kind's name.
func (k OpKind) String() string { return nameOf(k, "no op", "create", "delete", "set", "check") }

// CheckOp changes nothing and fails the multi unless the node exists with
// version v. Mind that a node that was deleted and created again has version 0
// again.
func CheckOp(path string, v Version) Op {
	return pathOp(OpCheck, path, proto.MultiOp{Op: proto.OpCheck, Version: int32(v)})
}

func pathOp(kind OpKind, path string, wire proto.MultiOp) Op {
	return Op{kind: kind, path: path, wire: wire, err: ValidatePath(path)}
}

// OpState says what became of one op of a multi.
type OpState uint8

// The states of an op. A multi is all or nothing: either all its ops are
// OpDone, or one is OpFailed, those before it OpRolledBack, those after OpNotRun.
const (
	OpUnknown OpState = iota // the multi ended without a verdict of the server
	OpDone
	OpFailed
	OpRolledBack
	OpNotRun
)

// String returns the state's name.
func (s OpState) String() string {
	return nameOf(s, "unknown", "done", "failed", "rolled back", "not run")
}

// OpResult is what became of one op of a multi.
type OpResult struct {
	Kind OpKind
	Path string // of a create that was done: with its sequence suffix
	// Sequence is the number in that suffix, as in Created.
	Sequence int32
	Stat     Stat // of a set, or of a create: a container or TTL node, and any other on a server from 3.9 on
	State    OpState
	Err      error // of the op that failed
}
