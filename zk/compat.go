package zk

import (
	"fmt"

	"github.com/zookit/zookit/internal/proto"
)

// Compat is a level of servers: what every server of the ensemble can do. See
// Config.Compat.
//
// The client checks the level before it sends anything. A call that needs more fails
// with a *CompatError, which wraps ErrUnimplemented, and the outcome is
// OutcomeNotSent. Without that, a server answers an operation that it does not know
// with ErrUnimplemented and closes the connection, or it closes it without an answer.
// Then all other calls on the connection are lost, too.
//
// docs/servers.md says what is lost at each level, and what the recipes do instead.
type Compat uint8

// The levels, from the newest to the oldest. Each lacks what the levels before it
// lack.
const (
	// Compat3_9 is the default. The client sends every operation.
	Compat3_9 Compat = iota
	// Compat3_8 and Compat3_7 have every operation, too.
	Compat3_8
	Compat3_7
	// Compat3_6 lacks WhoAmI.
	Compat3_6
	// Compat3_5 lacks Subscribe, MultiRead, Ephemerals and CountDescendants.
	Compat3_5
	// Compat3_4 lacks containers, TTL nodes and Reconfig. Watches that are not used any
	// more stay on the server until they fire or the connection ends. The Stat of a
	// Created has no times.
	Compat3_4
	// CompatKeeper is ClickHouse Keeper before 25.11 (November 2025). It lacks what
	// Compat3_4 lacks. No Keeper resumes a session: when the connection is lost, the
	// client's session is over, and the Keeper keeps the ephemeral nodes until its
	// timeout.
	CompatKeeper
)

// String returns the name of the level, for instance "3.4".
func (c Compat) String() string {
	return nameOf(c, "3.9", "3.8", "3.7", "3.6", "3.5", "3.4", "ClickHouse Keeper")
}

// lacks reports whether servers of the level do not know an operation.
func (c Compat) lacks(op *operation) bool { return op.lacking != 0 && c >= op.lacking }

// CompatError says that Config.Compat names servers that lack what a call needs.
// Nothing was sent. It wraps ErrUnimplemented.
type CompatError struct {
	What   string // what is missing, for instance "addWatch" or "container nodes"
	Compat Compat // Config.Compat
	Since  Compat // the oldest level that has it
}

// Error says what is missing, and which servers have it.
func (e *CompatError) Error() string {
	return fmt.Sprintf("Config.Compat is %v: servers of this level have no %s (new in %v)", e.Compat, e.What, e.Since)
}

// Unwrap returns ErrUnimplemented.
func (e *CompatError) Unwrap() error { return ErrUnimplemented }

// compatError says that the level lacks an operation.
func compatError(c Compat, op *operation) error {
	what := op.String()
	switch op {
	case opCreateContainer:
		what = "container nodes"
	case opCreateTTL:
		what = "TTL nodes"
	}
	return &CompatError{What: what, Compat: c, Since: op.lacking - 1}
}

// opPlainCreate is the create of servers without create2. Its reply has no Stat.
var opPlainCreate = define(operation{code: proto.OpCreate, by: byQuorum, noNode: lacksParent, decode: decodePlainCreated})

// creates returns the operation that creates a node of a mode at the client's level.
func (cs *calls) creates(m CreateMode) *operation {
	op := m.operation()
	if op == opCreate && cs.compat.lacks(op) {
		return opPlainCreate
	}
	return op
}

// inMulti changes a create for the client's level. It returns an error if the level
// lacks the kind of node.
func (cs *calls) inMulti(o *proto.MultiOp) error {
	op := opCreate
	switch o.Op {
	case proto.OpCreate2:
		if cs.compat.lacks(op) {
			o.Op = proto.OpCreate
		}
		return nil
	case proto.OpCreateContainer:
		op = opCreateContainer
	case proto.OpCreateTTL:
		op = opCreateTTL
	default:
		return nil
	}
	if cs.compat.lacks(op) {
		return compatError(cs.compat, op)
	}
	return nil
}

// decodePlainCreated decodes the reply to a create without a Stat, and makes the Stat
// that the new node had. An exists behind the create could not: it shows what others
// have made of the node since, or another node at the same path. A caller that took
// that node's version or czxid for those of its own node would change the data of
// others.
//
// The zxid in the header of the reply is that of the create. The request has the rest,
// except for the times.
func decodePlainCreated(cl *call, r *proto.Reader) {
	cl.text = r.String()
	var q proto.Reader
	q.Reset(cl.req.Frame[proto.FrameHeader+8:])
	q.View() // the path
	data := q.View()
	cl.stat = proto.Stat{Czxid: cl.zxid, Mzxid: cl.zxid, Pzxid: cl.zxid, DataLength: int32(len(data))}
	switch lastInt32(cl.req.Frame) {
	case proto.FlagEphemeral, proto.FlagEphemeralSequential:
		cl.stat.EphemeralOwner = cl.session
	}
}
