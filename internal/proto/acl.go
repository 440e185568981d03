package proto

// Permission bits of an ACL.
const (
	PermRead   int32 = 1
	PermWrite  int32 = 2
	PermCreate int32 = 4
	PermDelete int32 = 8
	PermAdmin  int32 = 16
	PermAll    int32 = 31
)

// ACL grants permissions to one identity.
type ACL struct {
	Perms  int32
	Scheme string
	ID     string
}

// AppendACLs appends a vector of ACLs.
func AppendACLs(b []byte, acls []ACL) []byte {
	b = AppendInt32(b, int32(len(acls)))
	for _, a := range acls {
		b = AppendInt32(b, a.Perms)
		b = AppendString(b, a.Scheme)
		b = AppendString(b, a.ID)
	}
	return b
}

// ACLs reads a vector of ACLs; null is nil.
func (r *Reader) ACLs() []ACL {
	n, ok := r.CountACLs()
	if !ok {
		return nil
	}
	out := make([]ACL, 0, n)
	for range n {
		out = append(out, r.ACL())
	}
	return out
}

// CountACLs reads the length of a vector of ACLs. ok is false for null.
func (r *Reader) CountACLs() (n int, ok bool) { return r.Count(12) }

// ACL reads one entry of a vector of ACLs.
func (r *Reader) ACL() ACL { return ACL{Perms: r.Int32(), Scheme: r.String(), ID: r.String()} }

// SetACLRequest is the body of setACL; its reply is a Stat.
type SetACLRequest struct {
	Path    string
	ACL     []ACL
	Version int32
}

// Append appends the record.
func (q *SetACLRequest) Append(b []byte) []byte {
	return AppendInt32(AppendACLs(AppendString(b, q.Path), q.ACL), q.Version)
}

// AuthPacket presents credentials. Its reply is a header without a body.
type AuthPacket struct {
	Type   int32 // always 0
	Scheme string
	Auth   []byte
}

// Append appends the record.
func (q *AuthPacket) Append(b []byte) []byte {
	return AppendBuffer(AppendString(AppendInt32(b, q.Type), q.Scheme), q.Auth)
}
