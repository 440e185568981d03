package zktest

import (
	"strings"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest/internal/wire"
)

// execute runs the current request and appends the body of its reply. Events that
// the request causes are queued before the reply. Server.mu is held.
func (q *call) execute() proto.ErrCode {
	q.startReply()
	s := q.c.server
	op := q.h.Op
	if s.readOnly && (needOf(op) == needQuorum || op == proto.OpSync) && op != proto.OpCloseSession {
		return proto.NotReadOnly
	}
	if !s.accepts(op) {
		return proto.Unimplemented
	}
	switch op {
	case proto.OpPing:
		return proto.OK
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
	case proto.OpMulti:
		return q.multi()
	case proto.OpSetACL:
		return q.setACL()
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
	case proto.OpReconfig:
		return q.reconfig()
	case proto.OpCloseSession:
		s.endSession(q.c.session, q.c)
		return proto.OK
	}
	return q.write()
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

// Reads do not check the form of a path: no node has a malformed path.

func (q *call) exists() proto.ErrCode {
	req := wire.DecodePathWatch(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	if strings.IndexByte(req.Path, 0) >= 0 {
		return proto.BadArguments
	}
	m := q.c.member
	n := m.view.nodes[req.Path]
	if n != nil && m.server.cfg.Version.existsNeedsRead() && !allowed(n.acl, proto.PermRead, q.c.ids) {
		return proto.NoAuth
	}
	if req.Watch {
		m.data.add(req.Path, q.c, oneShot) // also if the node does not exist
	}
	if n == nil {
		return proto.NoNode
	}
	stat := n.stat()
	q.out = stat.Append(q.out)
	return proto.OK
}

// readable decodes the request and returns the node at its path. The client needs
// one bit of perm.
func (q *call) readable(perm int32) (proto.PathWatch, *node, proto.ErrCode) {
	var req proto.PathWatch
	if q.h.Op == proto.OpGetACL {
		req.Path = q.r.String()
	} else {
		req = wire.DecodePathWatch(&q.r)
	}
	if q.r.Err() != nil {
		return req, nil, proto.MarshallingError
	}
	n := q.c.member.view.nodes[req.Path]
	if n == nil {
		return req, nil, proto.NoNode
	}
	if !allowed(n.acl, perm, q.c.ids) {
		return req, nil, proto.NoAuth
	}
	return req, n, proto.OK
}

func (q *call) getData() proto.ErrCode {
	req, n, code := q.readable(proto.PermRead)
	if code != proto.OK {
		return code
	}
	if req.Watch {
		q.c.member.data.add(req.Path, q.c, oneShot)
	}
	stat := n.stat()
	q.out = stat.Append(proto.AppendBuffer(q.out, n.data))
	return proto.OK
}

// getChildren lists the names in random order, which differs from time to time.
func (q *call) getChildren() proto.ErrCode {
	req, n, code := q.readable(proto.PermRead)
	if code != proto.OK {
		return code
	}
	if req.Watch {
		q.c.member.child.add(req.Path, q.c, oneShot)
	}
	q.out = proto.AppendInt32(q.out, int32(len(n.children)))
	for name := range n.children {
		q.out = proto.AppendString(q.out, name)
	}
	if q.h.Op == proto.OpGetChildren2 {
		stat := n.stat()
		q.out = stat.Append(q.out)
	}
	return proto.OK
}

func (q *call) getACL() proto.ErrCode {
	_, n, code := q.readable(proto.PermRead | proto.PermAdmin)
	if code != proto.OK {
		return code
	}
	stat, acl := n.stat(), n.acl
	if !allowed(acl, proto.PermAdmin, q.c.ids) {
		acl = masked(acl)
	}
	q.out = stat.Append(proto.AppendACLs(q.out, acl))
	return proto.OK
}

// sync answers with the path. There is nothing to wait for: a member that reaches
// the leader sees every committed write already.
func (q *call) sync() proto.ErrCode {
	path := q.r.String()
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	q.out = proto.AppendString(q.out, path)
	return proto.OK
}

func (q *call) auth() proto.ErrCode {
	req := wire.DecodeAuth(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	id, ok := authenticate(req.Scheme, req.Auth, q.c.addr)
	if !ok {
		return proto.AuthFailed
	}
	q.c.addIdentity(id)
	return proto.OK
}

// addIdentity adds an identity to those that the client has proved.
func (c *conn) addIdentity(id identity) {
	for _, known := range c.ids {
		if known == id {
			return
		}
	}
	c.ids = append(c.ids, id)
}
