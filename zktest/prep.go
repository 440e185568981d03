package zktest

import (
	"fmt"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// prep checks whether writes are valid and turns them into transactions. It does
// not apply them. Each op of a multi is checked against the state that the ops
// before it will leave.
type prep struct {
	tree    *tree
	pending map[string]record // nodes that earlier ops of the multi change; nil outside a multi
	ids     []identity
	version Version
	schemes []string // of ACLs, that the server has beside the usual ones
	session int64
	super   bool // the server itself writes: no ACL restricts it
	quotas  bool // quotas are enforced
}

// record is the part of a node on which the validity of a write depends.
type record struct {
	deleted  bool
	version  int32
	creates  int32
	aversion int32
	children int
	owner    int64
	acl      []proto.ACL
	bytes    int // of the data
}

// txn is a valid write.
type txn struct {
	op      proto.OpCode
	path    string // of a sequential create: with its suffix
	data    []byte
	acl     []proto.ACL
	owner   int64 // of the node that a create adds
	version int32 // set, setACL: the node's new version; create: the parent's new count of creates
}

// record returns the node at path in the state that earlier ops of the multi will
// leave. It returns false if there will be no node.
func (p *prep) record(path string) (record, bool) {
	if r, ok := p.pending[path]; ok {
		return r, !r.deleted
	}
	n := p.tree.nodes[path]
	if n == nil {
		return record{}, false
	}
	return record{
		version: n.version, creates: n.creates, aversion: n.aversion,
		children: len(n.children), owner: n.owner, acl: n.acl, bytes: len(n.data),
	}, true
}

// put notes the state in which this op will leave a node.
func (p *prep) put(path string, r record) {
	if p.pending != nil {
		p.pending[path] = r
	}
}

// op checks a create of any kind, a delete, a setData or a check.
func (p *prep) op(o *proto.MultiOp) (txn, proto.ErrCode) {
	switch o.Op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		return p.create(o)
	case proto.OpDelete:
		return p.delete(o.Path, o.Version)
	case proto.OpSetData:
		return p.set(o.Path, o.Data, o.Version)
	default:
		return p.check(o.Path, o.Version)
	}
}

// If a write is invalid in several ways, the first check below that fails decides
// the error. The order is that of Apache ZooKeeper.

func (p *prep) create(o *proto.MultiOp) (txn, proto.ErrCode) {
	sequential, owner, ok := p.mode(o)
	if !ok {
		return txn{}, proto.BadArguments
	}
	parent, ok := parentOf(o.Path)
	if !ok {
		return txn{}, proto.BadArguments
	}
	acl, ok := p.version.resolveACL(o.ACL, p.ids, p.schemes)
	if !ok {
		return txn{}, proto.InvalidACL
	}
	dir, ok := p.record(parent)
	if !ok {
		return txn{}, proto.NoNode
	}
	if !p.allowed(dir.acl, proto.PermCreate) {
		return txn{}, proto.NoAuth
	}
	path := o.Path
	if sequential {
		path += sequence(dir.creates)
	}
	if !p.version.validPath(path) {
		return txn{}, proto.BadArguments
	}
	if _, exists := p.record(path); exists {
		return txn{}, proto.NodeExists
	}
	if kindOf(dir.owner) == ownerSession {
		return txn{}, proto.NoChildrenForEphemerals
	}
	if code := p.checkQuota(path, 1, int64(len(o.Data))); code != proto.OK {
		return txn{}, code
	}
	dir.creates++ // may wrap; see tree.create
	dir.children++
	p.put(parent, dir)
	p.put(path, record{owner: owner, acl: acl, bytes: len(o.Data)})
	return txn{op: o.Op, path: path, data: o.Data, acl: acl, owner: owner, version: dir.creates}, proto.OK
}

// mode returns what the op and flags of a create say about the new node. The op
// decides whether it is a container or a TTL node. The flags decide the rest. Only
// a createTTL may have TTL flags, and it needs them and a TTL.
func (p *prep) mode(o *proto.MultiOp) (sequential bool, owner int64, ok bool) {
	if o.Flags < proto.FlagPersistent || o.Flags > proto.FlagPersistentSequentialTTL {
		return false, 0, false
	}
	if hasTTL(o.Flags) != (o.Op == proto.OpCreateTTL) {
		return false, 0, false
	}
	if o.Flags == proto.FlagContainer && !p.version.knows(proto.OpCreateContainer) {
		return false, 0, false
	}
	switch o.Flags {
	case proto.FlagPersistentSequential, proto.FlagEphemeralSequential, proto.FlagPersistentSequentialTTL:
		sequential = true
	}
	switch {
	case o.Op == proto.OpCreateTTL:
		if o.TTL <= 0 || o.TTL > maxTTL {
			return false, 0, false
		}
		owner = ttlMask | o.TTL
	case o.Op == proto.OpCreateContainer:
		owner = containerOwner
	case o.Flags == proto.FlagEphemeral || o.Flags == proto.FlagEphemeralSequential:
		owner = p.session
	}
	return sequential, owner, true
}

func hasTTL(flags int32) bool {
	return flags == proto.FlagPersistentTTL || flags == proto.FlagPersistentSequentialTTL
}

// sequence formats the suffix of a sequential node. The sign of a negative suffix
// is one of the ten characters.
func sequence(n int32) string { return fmt.Sprintf("%010d", n) }

func (p *prep) delete(path string, version int32) (txn, proto.ErrCode) {
	parent, ok := parentOf(path)
	if !ok || reserved(path) {
		return txn{}, proto.BadArguments
	}
	dir, ok := p.record(parent)
	if !ok {
		return txn{}, proto.NoNode
	}
	n, ok := p.record(path)
	if p.version.aclBeforeNode() && !p.allowed(dir.acl, proto.PermDelete) {
		return txn{}, proto.NoAuth
	}
	switch {
	case !ok:
		return txn{}, proto.NoNode
	case !p.allowed(dir.acl, proto.PermDelete):
		return txn{}, proto.NoAuth
	case version != -1 && version != n.version:
		return txn{}, proto.BadVersion
	case n.children > 0:
		return txn{}, proto.NotEmpty
	}
	dir.children--
	p.put(parent, dir)
	p.put(path, record{deleted: true})
	return txn{op: proto.OpDelete, path: path}, proto.OK
}

func (p *prep) set(path string, data []byte, version int32) (txn, proto.ErrCode) {
	n, code := p.target(path, proto.PermWrite)
	if code != proto.OK {
		return txn{}, code
	}
	if code := p.checkQuota(path, 0, int64(len(data)-n.bytes)); code != proto.OK {
		return txn{}, code
	}
	if version != -1 && version != n.version {
		return txn{}, proto.BadVersion
	}
	n.version++
	n.bytes = len(data)
	p.put(path, n)
	return txn{op: proto.OpSetData, path: path, data: data, version: n.version}, proto.OK
}

func (p *prep) check(path string, version int32) (txn, proto.ErrCode) {
	n, code := p.target(path, proto.PermRead)
	if code == proto.OK && version != -1 && version != n.version {
		code = proto.BadVersion
	}
	return txn{op: proto.OpCheck, path: path}, code
}

func (p *prep) setACL(path string, acl []proto.ACL, version int32) (txn, proto.ErrCode) {
	if !p.version.validPath(path) {
		return txn{}, proto.BadArguments
	}
	acl, ok := p.version.resolveACL(acl, p.ids, p.schemes)
	if !ok {
		return txn{}, proto.InvalidACL
	}
	n, code := p.target(path, proto.PermAdmin)
	if code != proto.OK {
		return txn{}, code
	}
	if version != -1 && version != n.aversion {
		return txn{}, proto.BadVersion
	}
	return txn{op: proto.OpSetACL, path: path, acl: acl, version: n.aversion + 1}, proto.OK
}

// target returns the node that a write changes or checks. The client needs the
// permission perm.
func (p *prep) target(path string, perm int32) (record, proto.ErrCode) {
	if !p.version.validPath(path) {
		return record{}, proto.BadArguments
	}
	n, ok := p.record(path)
	if !ok {
		return record{}, proto.NoNode
	}
	if !p.allowed(n.acl, perm) {
		return record{}, proto.NoAuth
	}
	return n, proto.OK
}

// apply applies a transaction. It returns the node, or nil after a delete or check.
// No watch sees a check or a setACL, so their change is the zero value.
func (t *tree) apply(x *txn, zxid, now int64) (*node, change) {
	switch x.op {
	case proto.OpDelete:
		return nil, t.remove(x.path, zxid)
	case proto.OpSetData:
		c, n := t.set(x.path, x.data, x.version, zxid, now)
		return n, c
	case proto.OpSetACL:
		n := t.nodes[x.path]
		n.acl, n.aversion = x.acl, x.version
		return n, change{}
	case proto.OpCheck:
		return nil, change{}
	}
	n := &node{
		data: x.data, acl: x.acl, owner: x.owner,
		czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: now, mtime: now,
	}
	// The clone keeps the tree from holding a larger string that the path may be a
	// part of.
	x.path = strings.Clone(x.path)
	return n, t.create(x.path, n, x.version)
}

// allowed reports whether the client may do what needs a bit of perm.
func (p *prep) allowed(acl []proto.ACL, perm int32) bool {
	return p.super || allowed(acl, perm, p.ids)
}
