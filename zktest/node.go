package zktest

import (
	"github.com/zookit/zookit/internal/proto"
)

// Values of node.owner for nodes that no session owns.
const (
	containerOwner int64 = -1 << 63       // 0x8000000000000000
	ttlMask        int64 = -1 << 56       // 0xff00000000000000; the lower bits are the TTL in ms
	maxTTL         int64 = 0x00ffffffffff // 40 bits of milliseconds
)

// node is one znode. Data and ACL are replaced and never changed in place, so that
// a snapshot of the tree can share them.
type node struct {
	data     []byte // nil is null, which differs from empty on the wire
	acl      []proto.ACL
	children map[string]struct{} // names, not paths; nil while there is none

	czxid, mzxid, pzxid int64
	ctime, mtime        int64 // milliseconds since 1970
	version, aversion   int32
	creates             int32 // children created so far: the next sequence suffix
	owner               int64 // of an ephemeral node; else containerOwner, a TTL or 0
}

// ownerKind is the kind of node that a node's owner stands for.
type ownerKind int

const (
	ownerNone ownerKind = iota
	ownerSession
	ownerContainer
	ownerTTL
)

func kindOf(owner int64) ownerKind {
	switch {
	case owner == 0:
		return ownerNone
	case owner == containerOwner:
		return ownerContainer
	case owner&ttlMask == ttlMask:
		return ownerTTL
	}
	return ownerSession
}

// stat returns the Stat that clients get. Its Cversion counts creates and deletes
// of children. The node stores only the creates; the number of children gives the
// deletes. The 32-bit arithmetic may wrap. EphemeralOwner is 0 for containers and
// TTL nodes.
func (n *node) stat() proto.Stat {
	owner := n.owner
	if kindOf(owner) != ownerSession {
		owner = 0
	}
	return proto.Stat{
		Czxid: n.czxid, Mzxid: n.mzxid, Pzxid: n.pzxid,
		Ctime: n.ctime, Mtime: n.mtime,
		Version: n.version, Cversion: 2*n.creates - int32(len(n.children)), Aversion: n.aversion,
		EphemeralOwner: owner,
		DataLength:     int32(len(n.data)),
		NumChildren:    int32(len(n.children)),
	}
}

func (n *node) addChild(name string) {
	if n.children == nil {
		n.children = make(map[string]struct{})
	}
	n.children[name] = struct{}{}
}

// clone returns a copy of the node that shares its data and ACL.
func (n *node) clone() *node {
	c := *n
	if n.children != nil {
		c.children = make(map[string]struct{}, len(n.children))
		for name := range n.children {
			c.children[name] = struct{}{}
		}
	}
	return &c
}
