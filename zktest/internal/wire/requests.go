// Package wire decodes the requests of clients. Only the embedded server needs
// these decoders. The records, their encoders and the rest of the protocol are in
// internal/proto.
//
// If the bytes are malformed, a decoder returns zero values for the rest. The
// caller checks the Reader's Err once, after the last decoder.
package wire

import "github.com/zookit/zookit/internal/proto"

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

// Reconfig is the body of reconfig: changes of the list of members, or a new
// list.
type Reconfig struct {
	Joining    string
	Leaving    string
	NewMembers string
	Version    int64 // of the configuration to change; -1 is any
}

// DecodeReconfig reads the body of reconfig.
func DecodeReconfig(r *proto.Reader) Reconfig {
	return Reconfig{Joining: r.String(), Leaving: r.String(), NewMembers: r.String(), Version: r.Int64()}
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
