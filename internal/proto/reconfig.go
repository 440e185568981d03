package proto

// ReconfigRequest is the body of reconfig: changes, or a whole new list of
// members. Its reply is that of getData.
type ReconfigRequest struct {
	Joining    string
	Leaving    string
	NewMembers string
	Version    int64 // of the configuration to be changed; -1 is any
}

// Append appends the record.
func (q *ReconfigRequest) Append(b []byte) []byte {
	b = AppendString(AppendString(AppendString(b, q.Joining), q.Leaving), q.NewMembers)
	return AppendInt64(b, q.Version)
}

// Decode takes the record.
func (q *ReconfigRequest) Decode(r *Reader) {
	q.Joining = r.String()
	q.Leaving = r.String()
	q.NewMembers = r.String()
	q.Version = r.Int64()
}
