// Package serverproto is the server's half of the protocol: it decodes requests and
// encodes replies. The records, and the client's half, are in internal/proto.
//
// Only servers use it, all of them for tests: the embedded server of zktest, the
// scripted servers of the client's tests, the fake server of internal/test/ensemble,
// and the stub of the benchmarks.
//
// If the bytes are malformed, a decoder returns zero values for the rest. The
// caller checks the Reader's Err once, after the last decoder.
package serverproto

import "github.com/zookit/zookit/internal/proto"

// DecodeConnectRequest reads a handshake. Clients before 3.4 leave the last field out.
func DecodeConnectRequest(r *proto.Reader) proto.ConnectRequest {
	q := proto.ConnectRequest{
		ProtocolVersion: r.Int32(), LastZxidSeen: r.Int64(), TimeoutMillis: r.Int32(),
		SessionID: r.Int64(), Password: r.Buffer(),
	}
	q.ReadOnly = r.Left() > 0 && r.Bool()
	return q
}

// DecodeRequestHeader reads the header of a request.
func DecodeRequestHeader(r *proto.Reader) proto.RequestHeader {
	return proto.RequestHeader{Xid: r.Int32(), Op: proto.OpCode(r.Int32())}
}

// DecodeSetWatches reads the body of setWatches or setWatches2. Only setWatches2 has
// the last two lists.
func DecodeSetWatches(r *proto.Reader, op proto.OpCode) proto.SetWatches {
	q := proto.SetWatches{RelativeZxid: r.Int64(), Data: r.Strings(), Exist: r.Strings(), Child: r.Strings()}
	if op == proto.OpSetWatches2 {
		q.Persistent, q.Recursive = r.Strings(), r.Strings()
	}
	return q
}

// DecodePathWatch reads the body of exists, getData, getChildren or getChildren2.
func DecodePathWatch(r *proto.Reader) proto.PathWatch {
	return proto.PathWatch{Path: r.String(), Watch: r.Bool()}
}

// DecodePathMode reads the body of addWatch, removeWatches or checkWatches.
func DecodePathMode(r *proto.Reader) proto.PathMode {
	return proto.PathMode{Path: r.String(), Mode: r.Int32()}
}

// DecodeSetACL reads the body of setACL.
func DecodeSetACL(r *proto.Reader) proto.SetACLRequest {
	return proto.SetACLRequest{Path: r.String(), ACL: r.ACLs(), Version: r.Int32()}
}

// DecodeAuth reads the body of auth.
func DecodeAuth(r *proto.Reader) proto.AuthPacket {
	return proto.AuthPacket{Type: r.Int32(), Scheme: r.String(), Auth: r.Buffer()}
}

// DecodeReconfig reads the body of reconfig.
func DecodeReconfig(r *proto.Reader) proto.Reconfig {
	return proto.Reconfig{Joining: r.Buffer(), Leaving: r.Buffer(), NewMembers: r.Buffer(), Version: r.Int64()}
}

// DecodeOp reads the body of a create of any kind, a delete, a setData or a
// check. The layout depends on op.
func DecodeOp(r *proto.Reader, op proto.OpCode) proto.MultiOp {
	o := proto.MultiOp{Op: op, Path: r.String()}
	switch op {
	case proto.OpDelete, proto.OpCheck:
		o.Version = r.Int32()
	case proto.OpSetData:
		o.Data, o.Version = r.Buffer(), r.Int32()
	default:
		o.Data, o.ACL, o.Flags = r.Buffer(), r.ACLs(), r.Int32()
		if op == proto.OpCreateTTL {
			o.TTL = r.Int64()
		}
	}
	return o
}

// DecodeMulti reads the body of a multi. An op that no multi may hold is an
// error.
func DecodeMulti(r *proto.Reader) []proto.MultiOp {
	var ops []proto.MultiOp
	for {
		// Each op has a header. The last header says done, and no op follows it.
		op, done, _ := proto.OpCode(r.Int32()), r.Bool(), r.Int32()
		if r.Err() != nil || done {
			return ops
		}
		switch op {
		case proto.OpDelete, proto.OpCheck, proto.OpSetData,
			proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		default:
			r.Fail("op %d inside a multi", op)
			return nil
		}
		ops = append(ops, DecodeOp(r, op))
	}
}
