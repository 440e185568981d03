package zk

// Version is the expected version of a node's data (Set, Delete, Check) or of
// its ACL (SetACL).
type Version int32

// AnyVersion matches every version.
const AnyVersion Version = -1

// Stat describes a node.
type Stat struct {
	Czxid          int64 // zxid of the create: unique and rising within one ensemble's data
	Mzxid          int64 // zxid of the last change of the data
	Ctime          int64 // milliseconds since 1970, by the server's clock
	Mtime          int64 // milliseconds since 1970, by the server's clock
	Version        int32 // how often the data changed
	Cversion       int32 // how often the list of children changed
	Aversion       int32 // how often the ACL changed
	EphemeralOwner int64 // session id of an ephemeral node's owner; 0 for a persistent node
	DataLength     int32
	NumChildren    int32
	Pzxid          int64 // zxid of the last change of the list of children
}
