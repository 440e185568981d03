package zktest

import "github.com/zookit/zookit/internal/proto"

// need says what a member needs to execute a request.
type need uint8

const (
	needMember need = iota // nothing
	needLeader             // the leader
	needQuorum             // the leader and a quorum, to commit a transaction
)

func needOf(op proto.OpCode) need {
	switch op {
	case proto.OpSync:
		return needLeader
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL,
		proto.OpDelete, proto.OpSetData, proto.OpSetACL, proto.OpCheck, proto.OpMulti,
		proto.OpReconfig, proto.OpCloseSession:
		return needQuorum
	}
	return needMember
}

// execute runs the current request and appends the body of its reply. Events that
// the request causes are queued before the reply. Server.mu is held.
func (q *call) execute() proto.ErrCode {
	q.startReply()
	s, op := q.c.server, q.h.Op
	switch {
	case s.readOnly && needOf(op) != needMember && op != proto.OpCloseSession:
		return proto.NotReadOnly
	case !s.accepts(op):
		return proto.Unimplemented
	case needOf(op) == needQuorum:
		return q.executeWrite()
	}
	return q.executeRead()
}

// executeWrite runs a transaction.
func (q *call) executeWrite() proto.ErrCode {
	switch q.h.Op {
	case proto.OpMulti:
		return q.multi()
	case proto.OpSetACL:
		return q.setACL()
	case proto.OpReconfig:
		return q.reconfig()
	case proto.OpCloseSession:
		q.c.server.endSession(q.c.session, q.c)
		return proto.OK
	}
	return q.write()
}

// executeRead runs a request that does not change the tree.
func (q *call) executeRead() proto.ErrCode {
	switch q.h.Op {
	case proto.OpExists:
		return q.exists()
	case proto.OpGetData:
		return q.getData()
	case proto.OpGetChildren, proto.OpGetChildren2:
		return q.getChildren()
	case proto.OpGetACL:
		return q.getACL()
	case proto.OpSync:
		return q.sync()
	case proto.OpAuth:
		return q.auth()
	case proto.OpSetWatches, proto.OpSetWatches2:
		return q.setWatches()
	case proto.OpAddWatch:
		return q.addWatch()
	case proto.OpRemoveWatches:
		return q.removeWatches()
	case proto.OpCheckWatches:
		return q.checkWatches()
	}
	return proto.OK // a ping
}

// unknown reports whether the server does not know op. It then closes the
// connection after its answer. createTTL does not count as unknown: servers that
// know it may refuse it too, and they keep the connection.
func (s *Server) unknown(op proto.OpCode) bool {
	return !s.accepts(op) && op != proto.OpCreateTTL
}

// accepts reports whether the server knows op as a request. (It may know an op
// only as part of a multi.)
func (s *Server) accepts(op proto.OpCode) bool {
	if op == proto.OpCheck && !s.cfg.Version.checkAlone() {
		return false
	}
	return s.implements(op)
}

// implements reports whether the server knows op, and Config does not disable it.
func (s *Server) implements(op proto.OpCode) bool {
	switch op {
	case proto.OpAddWatch, proto.OpSetWatches2, proto.OpCreateContainer, proto.OpCreateTTL:
		return !s.cfg.DisableWatchAndContainer
	case proto.OpPing, proto.OpSync, proto.OpMulti, proto.OpAuth, proto.OpCloseSession,
		proto.OpExists, proto.OpGetData, proto.OpGetChildren, proto.OpGetChildren2, proto.OpGetACL,
		proto.OpCreate, proto.OpCreate2, proto.OpDelete, proto.OpSetData, proto.OpSetACL, proto.OpCheck,
		proto.OpSetWatches, proto.OpRemoveWatches, proto.OpCheckWatches, proto.OpReconfig:
		return true
	}
	return false
}

// ends reports whether the server closes the connection after this reply.
func (q *call) ends(code proto.ErrCode) bool {
	op := q.h.Op
	return op == proto.OpCloseSession || op == proto.OpAuth && code != proto.OK || q.c.server.unknown(op)
}
