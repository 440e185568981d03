package zktest

import (
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// multi executes all ops, or none. Each op is checked against what those before
// it are going to do. The header of the reply says OK in either case; the items
// tell.
func (q *call) multi() proto.ErrCode {
	s := q.c.server
	zxid := s.nextZxid()
	ops := q.r.MultiRequest()
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	for i := range ops {
		var ok bool
		if ops[i].Op, ok = opInMulti(&ops[i]); !ok {
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
// the flags decide, and create2 is no more than create, so its answer has no
// Stat. TTL flags with an op that has no TTL cannot be read.
func opInMulti(o *proto.MultiOp) (op proto.OpCode, ok bool) {
	switch o.Op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		switch {
		case hasTTL(o.Flags):
			return proto.OpCreateTTL, o.Op == proto.OpCreateTTL
		case o.Flags == proto.FlagContainer:
			return proto.OpCreateContainer, true
		}
		return proto.OpCreate, true
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
