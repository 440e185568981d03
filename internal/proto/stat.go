package proto

// StatLen is the size of an encoded Stat.
const StatLen = 68

// Stat describes a node.
type Stat struct {
	Czxid          int64 // zxid of the create
	Mzxid          int64 // zxid of the last change of the data
	Ctime          int64 // milliseconds since 1970, by the server's clock
	Mtime          int64
	Version        int32 // changes of the data
	Cversion       int32 // changes of the list of children
	Aversion       int32 // changes of the ACL
	EphemeralOwner int64 // session id of the owner of an ephemeral node, else 0
	DataLength     int32
	NumChildren    int32
	Pzxid          int64 // zxid of the last change of the list of children
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

// Decode takes the record.
func (s *Stat) Decode(r *Reader) {
	s.Czxid = r.Int64()
	s.Mzxid = r.Int64()
	s.Ctime = r.Int64()
	s.Mtime = r.Int64()
	s.Version = r.Int32()
	s.Cversion = r.Int32()
	s.Aversion = r.Int32()
	s.EphemeralOwner = r.Int64()
	s.DataLength = r.Int32()
	s.NumChildren = r.Int32()
	s.Pzxid = r.Int64()
}
