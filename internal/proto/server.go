package proto

// This file decodes requests and encodes replies. The client does not use it.
// Several servers share it: the embedded server, the scripted servers of the
// client's tests, the fake server of internal/test/ensemble, and the stub of the
// benchmarks. The decoders that only the embedded server needs are in
// zktest/internal/wire.

// Decode reads the record. Clients before 3.4 leave the last field out.
func (q *ConnectRequest) Decode(r *Reader) {
	q.ProtocolVersion = r.Int32()
	q.LastZxidSeen = r.Int64()
	q.TimeoutMillis = r.Int32()
	q.SessionID = r.Int64()
	q.Password = r.Buffer()
	q.ReadOnly = r.Left() > 0 && r.Bool()
}

// Append appends the record.
func (p *ConnectResponse) Append(b []byte) []byte {
	b = AppendInt32(b, p.ProtocolVersion)
	b = AppendInt32(b, p.TimeoutMillis)
	b = AppendInt64(b, p.SessionID)
	b = AppendBuffer(b, p.Password)
	return AppendBool(b, p.ReadOnly)
}

// Decode reads the record.
func (h *RequestHeader) Decode(r *Reader) {
	h.Xid = r.Int32()
	h.Op = OpCode(r.Int32())
}

// Append appends the record.
func (h ReplyHeader) Append(b []byte) []byte {
	return AppendInt32(AppendInt64(AppendInt32(b, h.Xid), h.Zxid), int32(h.Err))
}

// Append appends the record.
func (s *Stat) Append(b []byte) []byte {
	b = AppendInt64(b, s.Czxid)
	b = AppendInt64(b, s.Mzxid)
	b = AppendInt64(b, s.Ctime)
	b = AppendInt64(b, s.Mtime)
	b = AppendInt32(b, s.Version)
	b = AppendInt32(b, s.Cversion)
	b = AppendInt32(b, s.Aversion)
	b = AppendInt64(b, s.EphemeralOwner)
	b = AppendInt32(b, s.DataLength)
	b = AppendInt32(b, s.NumChildren)
	return AppendInt64(b, s.Pzxid)
}

// Append appends the record.
func (e *WatchEvent) Append(b []byte) []byte {
	return AppendString(AppendInt32(AppendInt32(b, int32(e.Type)), e.State), e.Path)
}

// Decode reads the record. Only setWatches2 has the last two lists.
func (q *SetWatches) Decode(r *Reader, op OpCode) {
	q.RelativeZxid = r.Int64()
	q.Data = r.Strings()
	q.Exist = r.Strings()
	q.Child = r.Strings()
	if op == OpSetWatches2 {
		q.Persistent = r.Strings()
		q.Recursive = r.Strings()
	}
}

// Append appends the body.
func (p *MultiResult) Append(b []byte) []byte {
	switch p.Op {
	case OpError:
		return AppendInt32(b, int32(p.Err))
	case OpCreate:
		return AppendString(b, p.Path)
	case OpCreate2, OpCreateContainer, OpCreateTTL:
		return p.Stat.Append(AppendString(b, p.Path))
	case OpSetData:
		return p.Stat.Append(b)
	}
	return b
}

// AppendMultiResponse appends the body of a multi's reply.
func AppendMultiResponse(b []byte, results []MultiResult) []byte {
	for i := range results {
		p := &results[i]
		b = p.Append(multiHeader{op: p.Op, err: p.Err}.append(b))
	}
	return AppendMultiEnd(b)
}
