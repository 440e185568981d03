package zktest

import (
	"github.com/zookit/zookit/internal/proto"
)

// Marks in the place of the owner of nodes that no session owns.
const (
	containerOwner int64 = -1 << 63       // 0x8000000000000000
	ttlMask        int64 = -1 << 56       // 0xff00000000000000, the TTL in ms is or'ed in
	maxTTL         int64 = 0x00ffffffffff // 40 bits of milliseconds
)

// node is one znode. Data and ACL are never changed in place, so that a
// snapshot of the tree shares them.
type node struct {
	data     []byte // nil is null, which is not the same on the wire as empty
	acl      []proto.ACL
	children map[string]struct{} // names, not paths; nil while there is none

	czxid, mzxid, pzxid int64
	ctime, mtime        int64 // milliseconds since 1970
	version, aversion   int32
	creates             int32 // children created so far: the next sequence suffix
	owner               int64 // of an ephemeral, or a mark
}

// ownerKind tells what an ephemeralOwner says.
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

// stat is what a client is shown. The cversion of a Stat counts creates and
// deletes together; a node stores only the creates, and the rest follows from
// the number of children, in 32 bit arithmetic that may wrap. The marks of
// containers and TTL nodes are not shown: only a session is an owner.
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

// clone copies the node; data and ACL are shared.
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
