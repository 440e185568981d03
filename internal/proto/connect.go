package proto

// PasswordLen is the length of a session password.
const PasswordLen = 16

// ConnectRequest opens or resumes a session. It has no request header.
type ConnectRequest struct {
	ProtocolVersion int32
	LastZxidSeen    int64
	TimeoutMillis   int32
	SessionID       int64
	Password        []byte
	ReadOnly        bool // the client accepts a server without quorum
}

// Append appends the record.
func (q *ConnectRequest) Append(b []byte) []byte {
	b = AppendInt32(b, q.ProtocolVersion)
	b = AppendInt64(b, q.LastZxidSeen)
	b = AppendInt32(b, q.TimeoutMillis)
	b = AppendInt64(b, q.SessionID)
	b = AppendBuffer(b, q.Password)
	return AppendBool(b, q.ReadOnly)
}

// ConnectResponse answers a ConnectRequest. If the client wanted to resume a
// session that has expired, TimeoutMillis is 0 or negative.
type ConnectResponse struct {
	ProtocolVersion int32
	TimeoutMillis   int32
	SessionID       int64
	Password        []byte
	ReadOnly        bool
}

// Decode reads the record. Servers before 3.4 leave the last field out.
func (p *ConnectResponse) Decode(r *Reader) {
	p.ProtocolVersion = r.Int32()
	p.TimeoutMillis = r.Int32()
	p.SessionID = r.Int64()
	p.Password = r.Buffer()
	p.ReadOnly = r.Left() > 0 && r.Bool()
}
