package zktest

import (
	"maps"
	"slices"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// multiRead executes several reads. Each succeeds or fails alone. None sets a watch,
// even if it asks for one: Apache ZooKeeper ignores that field here.
func (q *call) multiRead() proto.ErrCode {
	ops := serverproto.DecodeMultiRead(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	results := make([]proto.ReadResult, len(ops))
	for i, o := range ops {
		results[i] = q.readOne(o)
	}
	q.out = serverproto.AppendMultiReadResponse(q.out, results)
	return proto.OK
}

func (q *call) readOne(o proto.ReadOp) proto.ReadResult {
	n, code := q.nodeFor(o.Path, proto.PermRead)
	if code != proto.OK {
		return proto.ReadResult{Op: proto.OpError, Err: code}
	}
	if o.Op == proto.OpGetChildren {
		return proto.ReadResult{Op: o.Op, Names: slices.Collect(maps.Keys(n.children))}
	}
	return proto.ReadResult{Op: o.Op, Data: n.data, Stat: n.stat()}
}
