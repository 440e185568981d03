package zktest

import (
	"fmt"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// prep finds out whether writes are valid and what they will do, without doing
// it. Inside a multi every op sees what the ops before it will have done.
type prep struct {
	tree    *tree
	pending map[string]record // what earlier ops of a multi change; nil outside
	ids     []identity
	session int64
	super   bool // the server itself: no ACL restricts it
}

// record is the part of a node on which the validity of a write depends.
type record struct {
	gone     bool
	version  int32
	creates  int32
	aversion int32
	children int
	owner    int64
	acl      []proto.ACL
}

// txn is a write that was found valid.
type txn struct {
	op      proto.OpCode
	path    string // with its sequence suffix
	data    []byte
	acl     []proto.ACL
	owner   int64 // of a create
	version int32 // set, setACL: the version after it; create: the parent's count of creates
}

// record returns a node as the ops before this one leave it.
func (p *prep) record(path string) (record, bool) {
	if r, ok := p.pending[path]; ok {
		return r, !r.gone
	}
	n := p.tree.nodes[path]
	if n == nil {
		return record{}, false
	}
	return record{
		version: n.version, creates: n.creates, aversion: n.aversion,
		children: len(n.children), owner: n.owner, acl: n.acl,
	}, true
}

func (p *prep) put(path string, r record) {
	if p.pending != nil {
		p.pending[path] = r
	}
}

// op checks one op of any kind that changes the tree.
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

// The order of the checks below is the order of precedence of their errors.

func (p *prep) create(o *proto.MultiOp) (txn, proto.ErrCode) {
	sequential, owner, ok := p.mode(o)
	if !ok {
		return txn{}, proto.BadArguments
	}
	parent, ok := parentOf(o.Path)
	if !ok {
		return txn{}, proto.BadArguments
	}
	acl, ok := fixACL(o.ACL, p.ids)
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
	if !validPath(path) {
		return txn{}, proto.BadArguments
	}
	if _, exists := p.record(path); exists {
		return txn{}, proto.NodeExists
	}
	if kindOf(dir.owner) == ownerSession {
		return txn{}, proto.NoChildrenForEphemerals
	}
	dir.creates++ // may wrap: see tree.create
	dir.children++
	p.put(parent, dir)
	p.put(path, record{owner: owner, acl: acl})
	return txn{op: o.Op, path: path, data: o.Data, acl: acl, owner: owner, version: dir.creates}, proto.OK
}

// mode reads the flags of a create. The kind of op decides about containers
// and TTLs, the flags about the rest; a TTL op needs TTL flags and a TTL.
func (p *prep) mode(o *proto.MultiOp) (sequential bool, owner int64, ok bool) {
	if o.Flags < proto.FlagPersistent || o.Flags > proto.FlagPersistentSequentialTTL {
		return false, 0, false
	}
	if hasTTL(o.Flags) != (o.Op == proto.OpCreateTTL) {
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

// sequence prints a suffix. A negative one has its sign among the ten places.
func sequence(n int32) string { return fmt.Sprintf("%010d", n) }

func (p *prep) delete(path string, version int32) (txn, proto.ErrCode) {
	parent, ok := parentOf(path)
	if !ok || special(path) {
		return txn{}, proto.BadArguments
	}
	dir, ok := p.record(parent)
	if !ok {
		return txn{}, proto.NoNode
	}
	if !p.allowed(dir.acl, proto.PermDelete) {
		return txn{}, proto.NoAuth
	}
	n, ok := p.record(path)
	switch {
	case !ok:
		return txn{}, proto.NoNode
	case version != -1 && version != n.version:
		return txn{}, proto.BadVersion
	case n.children > 0:
		return txn{}, proto.NotEmpty
	}
	dir.children--
	p.put(parent, dir)
	p.put(path, record{gone: true})
	return txn{op: proto.OpDelete, path: path}, proto.OK
}

func (p *prep) set(path string, data []byte, version int32) (txn, proto.ErrCode) {
	n, code := p.target(path, proto.PermWrite)
	if code != proto.OK {
		return txn{}, code
	}
	if version != -1 && version != n.version {
		return txn{}, proto.BadVersion
	}
	n.version++
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
	if !validPath(path) {
		return txn{}, proto.BadArguments
	}
	acl, ok := fixACL(acl, p.ids)
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

// target finds a node that is to be changed or checked by a client that needs
// the permission perm.
func (p *prep) target(path string, perm int32) (record, proto.ErrCode) {
	if !validPath(path) {
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

// apply does what a txn says and returns the node that it leaves behind (nil
// after a delete or check). A check and a setACL change nothing that a watch
// could see: their change is the zero one.
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
	// The path is cut out of a request or joined: a copy of its own keeps the
	// tree from holding on to more.
	x.path = strings.Clone(x.path)
	return n, t.create(x.path, n, x.version)
}

// allowed is the rule of ACLs for whoever asks for this write.
func (p *prep) allowed(acl []proto.ACL, perm int32) bool {
	return p.super || allowed(acl, perm, p.ids)
}
