package proto

// StatLen is the size of an encoded Stat.
const StatLen = 68

// Stat describes a node.
type Stat struct {
	Czxid          int64 // zxid of the create
	Mzxid          int64 // zxid of the last change of the data
	Ctime          int64 // milliseconds since 1970, by the server's clock
	Mtime          int64 // of the last change of the data, as Ctime
	Version        int32 // changes of the data
	Cversion       int32 // changes of the list of children
	Aversion       int32 // changes of the ACL
	EphemeralOwner int64 // session id of the owner of an ephemeral node, else 0
	DataLength     int32
	NumChildren    int32
	Pzxid          int64 // zxid of the last change of the list of children
}

// Decode reads the record.
func (s *Stat) Decode(r *Reader) {
	b := r.next(StatLen)
	if b == nil {
		return
	}
	s.Czxid = int64At(b, 0)
	s.Mzxid = int64At(b, 8)
	s.Ctime = int64At(b, 16)
	s.Mtime = int64At(b, 24)
	s.Version = int32At(b, 32)
	s.Cversion = int32At(b, 36)
	s.Aversion = int32At(b, 40)
	s.EphemeralOwner = int64At(b, 44)
	s.DataLength = int32At(b, 52)
	s.NumChildren = int32At(b, 56)
	s.Pzxid = int64At(b, 60)
}
