package proto

// Reconfig is the body of reconfig: changes of the list of members, or a new list.
// In each field nil is null, and differs from empty: a server takes the request for a
// new list unless NewMembers is null.
type Reconfig struct {
	Joining    []byte
	Leaving    []byte
	NewMembers []byte
	Version    int64 // of the configuration to change; -1 is any
}

// Append appends the body.
func (q *Reconfig) Append(b []byte) []byte {
	b = AppendBuffer(AppendBuffer(AppendBuffer(b, q.Joining), q.Leaving), q.NewMembers)
	return AppendInt64(b, q.Version)
}
