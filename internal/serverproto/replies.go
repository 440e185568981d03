package serverproto

import "github.com/zookit/zookit/internal/proto"

// AppendConnectResponse appends the answer to a handshake.
func AppendConnectResponse(b []byte, p proto.ConnectResponse) []byte {
	b = proto.AppendInt32(b, p.ProtocolVersion)
	b = proto.AppendInt32(b, p.TimeoutMillis)
	b = proto.AppendInt64(b, p.SessionID)
	b = proto.AppendBuffer(b, p.Password)
	return proto.AppendBool(b, p.ReadOnly)
}

// AppendReplyHeader appends the header of a reply or of an event.
func AppendReplyHeader(b []byte, h proto.ReplyHeader) []byte {
	return proto.AppendInt32(proto.AppendInt64(proto.AppendInt32(b, h.Xid), h.Zxid), int32(h.Err))
}

// AppendStat appends a Stat.
func AppendStat(b []byte, s proto.Stat) []byte {
	b = proto.AppendInt64(b, s.Czxid)
	b = proto.AppendInt64(b, s.Mzxid)
	b = proto.AppendInt64(b, s.Ctime)
	b = proto.AppendInt64(b, s.Mtime)
	b = proto.AppendInt32(b, s.Version)
	b = proto.AppendInt32(b, s.Cversion)
	b = proto.AppendInt32(b, s.Aversion)
	b = proto.AppendInt64(b, s.EphemeralOwner)
	b = proto.AppendInt32(b, s.DataLength)
	b = proto.AppendInt32(b, s.NumChildren)
	return proto.AppendInt64(b, s.Pzxid)
}

// AppendWatchEvent appends the body of an event.
func AppendWatchEvent(b []byte, e proto.WatchEvent) []byte {
	return proto.AppendString(proto.AppendInt32(proto.AppendInt32(b, int32(e.Type)), e.State), e.Path)
}

// AppendMultiResult appends the result of one op of a multi, or the body of the reply
// to such an op alone.
func AppendMultiResult(b []byte, p proto.MultiResult) []byte {
	switch p.Op {
	case proto.OpError:
		return proto.AppendInt32(b, int32(p.Err))
	case proto.OpCreate:
		return proto.AppendString(b, p.Path)
	case proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		return AppendStat(proto.AppendString(b, p.Path), p.Stat)
	case proto.OpSetData:
		return AppendStat(b, p.Stat)
	}
	return b
}

// AppendMultiResponse appends the body of a multi's reply.
func AppendMultiResponse(b []byte, results []proto.MultiResult) []byte {
	for _, p := range results {
		// Each result has a header: its op, that it is not the end, and its error.
		b = proto.AppendBool(proto.AppendInt32(b, int32(p.Op)), false)
		b = proto.AppendInt32(b, int32(p.Err))
		b = AppendMultiResult(b, p)
	}
	return proto.AppendMultiEnd(b)
}
