package serverproto

import "github.com/zookit/zookit/internal/proto"

// DecodeMultiRead reads the body of a multiRead. An op that is no read is an error.
func DecodeMultiRead(r *proto.Reader) []proto.ReadOp {
	var ops []proto.ReadOp
	for {
		op, done, _ := proto.OpCode(r.Int32()), r.Bool(), r.Int32()
		if r.Err() != nil || done {
			return ops
		}
		if op != proto.OpGetData && op != proto.OpGetChildren {
			r.Fail("op %d inside a multiRead", op)
			return nil
		}
		ops = append(ops, proto.ReadOp{Op: op, PathWatch: DecodePathWatch(r)})
	}
}

// AppendMultiReadResponse appends the body of a multiRead's reply.
func AppendMultiReadResponse(b []byte, results []proto.ReadResult) []byte {
	for _, p := range results {
		b = proto.AppendBool(proto.AppendInt32(b, int32(p.Op)), false)
		b = proto.AppendInt32(b, int32(p.Err))
		switch p.Op {
		case proto.OpError:
			b = proto.AppendInt32(b, int32(p.Err))
		case proto.OpGetData:
			b = AppendStat(proto.AppendBuffer(b, p.Data), p.Stat)
		case proto.OpGetChildren:
			b = proto.AppendStrings(b, p.Names)
		}
	}
	return proto.AppendMultiEnd(b)
}
