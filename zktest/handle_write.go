package zktest

import (
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// writes are the operations that change the tree or the sessions.
var writes = map[proto.OpCode]operation{
	proto.OpCreate:          {run: (*call).write, need: needQuorum},
	proto.OpCreate2:         {run: (*call).write, need: needQuorum},
	proto.OpCreateContainer: {run: (*call).write, need: needQuorum},
	proto.OpCreateTTL:       {run: (*call).write, need: needQuorum},
	proto.OpDelete:          {run: (*call).write, need: needQuorum},
	proto.OpSetData:         {run: (*call).write, need: needQuorum},
	proto.OpCheck:           {run: (*call).write, need: needQuorum},
	proto.OpSetACL:          {run: (*call).setACL, need: needQuorum},
	proto.OpMulti:           {run: (*call).multi, need: needQuorum},
	proto.OpReconfig:        {run: (*call).reconfig, need: needQuorum, pathless: true},
	proto.OpCloseSession:    {run: (*call).closeSession, need: needQuorum, pathless: true},
}

// nextZxid returns the zxid for a transaction. A transaction that turns out to be
// invalid uses a zxid too: Apache ZooKeeper writes it to the log as an error.
func (s *Server) nextZxid() int64 {
	s.tree.zxid++
	return s.tree.zxid
}

// begin returns the zxid for a write that was decoded. If the write is malformed,
// ok is false. In some versions a malformed write uses a zxid too.
func (q *call) begin() (zxid int64, ok bool) {
	s := q.c.server
	ok = q.r.Err() == nil
	if ok || s.cfg.Version.malformedUsesZxid() {
		zxid = s.nextZxid()
	}
	return zxid, ok
}

func (q *call) prep() prep {
	s := q.c.server
	return prep{
		tree: s.tree, ids: q.c.ids, session: q.c.session.id, version: s.cfg.Version,
		quotas: s.enforcesQuota(), schemes: s.cfg.schemes(),
	}
}

// write executes a single create of any kind, delete, setData or check.
func (q *call) write() proto.ErrCode {
	s := q.c.server
	o := serverproto.DecodeOp(&q.r, q.h.Op)
	zxid, ok := q.begin()
	if !ok {
		return proto.MarshallingError
	}
	p := q.prep()
	x, code := p.op(&o)
	if code != proto.OK {
		return code
	}
	n := s.commit(&x, zxid, time.Now().UnixMilli())
	result := proto.MultiResult{Op: x.op, Path: x.path}
	if n != nil {
		result.Stat = n.stat()
	}
	q.out = serverproto.AppendMultiResult(q.out, result)
	return proto.OK
}

func (q *call) setACL() proto.ErrCode {
	s := q.c.server
	req := serverproto.DecodeSetACL(&q.r)
	zxid, ok := q.begin()
	if !ok {
		return proto.MarshallingError
	}
	p := q.prep()
	x, code := p.setACL(req.Path, req.ACL, req.Version)
	if code != proto.OK {
		return code
	}
	stat := s.commit(&x, zxid, 0).stat()
	q.out = serverproto.AppendStat(q.out, stat)
	return proto.OK
}

func (q *call) closeSession() proto.ErrCode {
	if mi := q.c.member.minority; mi != nil {
		delete(mi.local, q.c.session.id)
		return proto.OK
	}
	q.c.server.endSession(q.c.session, q.c)
	return proto.OK
}

// commit applies a valid transaction and notifies the watches. It returns the
// node, or nil after a delete or a check.
func (s *Server) commit(x *txn, zxid, now int64) *node {
	n, ch := s.tree.apply(x, zxid, now)
	s.publish(ch)
	if len(s.tree.reapable) > 0 {
		s.scheduleReap()
	}
	return n
}
