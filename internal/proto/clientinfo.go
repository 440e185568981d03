package proto

// ClientInfo is one identity of a client, in the reply to whoAmI.
type ClientInfo struct {
	Scheme string
	User   string // the name alone: of a digest without the hash
}

// AppendClientInfos appends a vector of ClientInfos.
func AppendClientInfos(b []byte, infos []ClientInfo) []byte {
	b = AppendInt32(b, int32(len(infos)))
	for _, c := range infos {
		b = AppendString(AppendString(b, c.Scheme), c.User)
	}
	return b
}

// ClientInfos reads a vector of ClientInfos; null is nil.
func (r *Reader) ClientInfos() []ClientInfo {
	n, ok := r.Count(8)
	if !ok {
		return nil
	}
	out := make([]ClientInfo, 0, n)
	for range n {
		out = append(out, ClientInfo{Scheme: r.String(), User: r.String()})
	}
	return out
}
