package zktest

import (
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest/internal/wire"
)

// multi executes all ops, or none. Each op is checked against what those before
// it are going to do. The header of the reply says OK in either case; the items
// tell.
func (q *call) multi() proto.ErrCode {
	s := q.c.server
	zxid := s.nextZxid() // used up even if the ops cannot be read
	ops := wire.DecodeMulti(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	for i := range ops {
		var ok bool
		if ops[i].Op, ok = s.cfg.Version.opInMulti(&ops[i]); !ok {
			return proto.MarshallingError // of the whole multi
		}
	}
	p := q.prep()
	p.pending = make(map[string]record)
	txns := make([]txn, len(ops)) // nothing is applied before all are valid
	for i := range ops {
		x, code := p.op(&ops[i])
		if code == proto.OK && !s.implements(ops[i].Op) {
			code = proto.Unimplemented
		}
		if code != proto.OK {
			q.out = proto.AppendMultiResponse(q.out, failedMulti(len(ops), i, code))
			return proto.OK
		}
		txns[i] = x
	}

	now := time.Now().UnixMilli()
	results := make([]proto.MultiResult, len(ops))
	for i := range txns {
		x := &txns[i]
		n := s.commit(x, zxid, now)
		results[i] = proto.MultiResult{Op: x.op}
		switch x.op {
		case proto.OpCreate:
			results[i].Path = x.path
		case proto.OpCreate2:
			results[i].Path, results[i].Stat = x.path, n.stat()
		case proto.OpSetData:
			results[i].Stat = n.stat()
		case proto.OpCreateContainer, proto.OpCreateTTL:
			results[i].Op = proto.OpCreate2 // the answer to both
			results[i].Path, results[i].Stat = x.path, n.stat()
		}
	}
	q.out = proto.AppendMultiResponse(q.out, results)
	return proto.OK
}

// opInMulti is the kind of op that a create inside a multi turns into. There
// the flags decide: container flags make a container of every create, and a
// createTTL without TTL flags is a create. TTL flags with an op that has no TTL
// cannot be read. Up to 3.8 every other create is no more than create, and flags
// that no mode has are left to the op; later such a multi cannot be read.
func (v Version) opInMulti(o *proto.MultiOp) (op proto.OpCode, ok bool) {
	switch o.Op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		switch {
		case hasTTL(o.Flags):
			return proto.OpCreateTTL, o.Op == proto.OpCreateTTL
		case o.Flags == proto.FlagContainer:
			return proto.OpCreateContainer, true
		case !v.create2InMulti() || o.Op == proto.OpCreateTTL:
			return proto.OpCreate, true
		case o.Flags < proto.FlagPersistent || o.Flags > proto.FlagPersistentSequentialTTL:
			return 0, false
		}
		return o.Op, true
	}
	return o.Op, true
}

// failedMulti is the reply when the op at index bad of n was refused: those
// before it were rolled back, those behind it never tried.
func failedMulti(n, bad int, code proto.ErrCode) []proto.MultiResult {
	results := make([]proto.MultiResult, n)
	for i := range results {
		results[i].Op = proto.OpError
		switch {
		case i == bad:
			results[i].Err = code
		case i > bad:
			results[i].Err = proto.RuntimeInconsistency
		}
	}
	return results
}
