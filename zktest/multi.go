package zktest

import (
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// multi executes all ops or none. Each op is checked against the state that the
// ops before it will leave. The reply's header says OK even if the multi fails:
// the error is in the items.
func (q *call) multi() proto.ErrCode {
	s := q.c.server
	zxid := s.nextZxid() // used even if the ops are malformed
	ops := serverproto.DecodeMulti(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	for i := range ops {
		var ok bool
		if ops[i].Op, ok = s.cfg.Version.opInMulti(&ops[i]); !ok {
			return proto.MarshallingError // the whole multi fails
		}
	}
	p := q.prep()
	p.pending = make(map[string]record)
	txns := make([]txn, len(ops)) // none is applied before all are valid
	for i := range ops {
		x, code := p.op(&ops[i])
		if code == proto.OK && s.disabled(ops[i].Op) {
			code = proto.Unimplemented
		}
		if code != proto.OK {
			q.out = serverproto.AppendMultiResponse(q.out, failedMulti(len(ops), i, code))
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
			results[i].Op = proto.OpCreate2 // as servers answer both
			results[i].Path, results[i].Stat = x.path, n.stat()
		}
	}
	q.out = serverproto.AppendMultiResponse(q.out, results)
	return proto.OK
}

// opInMulti returns the op as which a server executes an op of a multi. If ok is
// false, the multi is malformed: the version does not know the op, for instance. For a
// create the flags decide:
//
//   - TTL flags are valid only in a createTTL, where there are TTL nodes.
//   - Container flags make any create a createContainer, where there are containers.
//   - A createTTL without TTL flags is a create.
//   - Up to 3.8 any other create is a plain create. If no mode has its flags, that
//     op fails, but the multi is not malformed.
//   - Later any other create stays what it is. If no mode has its flags, the multi
//     is malformed.
func (v Version) opInMulti(o *proto.MultiOp) (op proto.OpCode, ok bool) {
	if !v.knows(o.Op) {
		return 0, false
	}
	switch o.Op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		switch {
		case hasTTL(o.Flags) && v.knows(proto.OpCreateTTL):
			return proto.OpCreateTTL, o.Op == proto.OpCreateTTL
		case o.Flags == proto.FlagContainer && v.knows(proto.OpCreateContainer):
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

// failedMulti returns the reply to a multi of n ops in which the op at index bad
// failed.
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
