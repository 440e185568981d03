package zktest

import (
	"maps"

	"github.com/zookit/zookit/internal/proto"
)

// operation says how a member treats one kind of request. Each file with handlers
// begins with a table of its operations: handle_read.go, handle_write.go and
// handle_watch.go.
type operation struct {
	run  func(*call) proto.ErrCode // executes the request and appends the body of its reply
	need need
	// pathless says that the body of the request does not begin with a path.
	pathless bool
}

// need says what a member needs to execute a request.
type need uint8

const (
	needMember need = iota // nothing
	needLeader             // the leader
	needQuorum             // the leader and a quorum, to commit a transaction
)

// operations are all tables in one. A code that the server does not know has no run.
var operations = merged(reads, writes, watchOps)

func merged(tables ...map[proto.OpCode]operation) map[proto.OpCode]operation {
	all := map[proto.OpCode]operation{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// execute runs the current request and appends the body of its reply. Events that
// the request causes are queued before the reply. Server.mu is held.
func (q *call) execute() proto.ErrCode {
	q.startReply()
	switch {
	case q.unauthenticated():
		return proto.SessionClosedRequireSaslAuth
	case q.c.member.minority != nil && q.op.need != needMember && q.h.Op != proto.OpCloseSession:
		return proto.NotReadOnly
	case !q.accepted():
		return proto.Unimplemented
	}
	return q.op.run(q)
}

// accepted reports whether the server knows the operation as a request. (It may know
// it only as part of a multi.)
func (q *call) accepted() bool {
	s := q.c.server
	if q.h.Op == proto.OpCheck && !s.cfg.Version.checkAlone() {
		return false
	}
	return q.op.run != nil && s.cfg.Version.knows(q.h.Op) && !s.disabled(q.h.Op)
}

// unknown reports whether the server does not know the operation. It then closes the
// connection after its answer. A createTTL that Config disables does not count as
// unknown: servers that know it refuse it where it was not enabled, and they keep the
// connection.
func (q *call) unknown() bool {
	op := q.h.Op
	return !q.accepted() && (op != proto.OpCreateTTL || !q.c.server.cfg.Version.knows(op))
}

// disabled reports whether Config disables op.
func (s *Server) disabled(op proto.OpCode) bool {
	switch op {
	case proto.OpAddWatch, proto.OpSetWatches2, proto.OpCreateContainer, proto.OpCreateTTL:
		return s.cfg.DisableWatchAndContainer
	}
	return false
}

// ends reports whether the server closes the connection after this reply.
func (q *call) ends(code proto.ErrCode) bool {
	return q.h.Op == proto.OpCloseSession || q.authenticates() && code != proto.OK ||
		code == proto.SessionClosedRequireSaslAuth || q.unknown()
}
