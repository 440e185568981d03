package zktest

import (
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// tree is the replicated state: the nodes and the zxid of the last transaction.
// Its methods apply transactions that prep has found valid. They return the change
// of which watches are notified. Server.mu guards the tree.
type tree struct {
	// nodes is keyed by path. The root is there as "/", and as "", which is the
	// parent of "/a".
	nodes map[string]*node
	zxid  int64 // of the last transaction, also of one that failed

	ephemerals map[int64]map[string]struct{} // paths by owning session
	reapable   map[string]struct{}           // paths of containers and TTL nodes
	quotas     map[string]struct{}           // paths of the nodes that have a quota
}

// change is a change of one node, for the watches. Only clients that may read the
// node get its event. Only clients that may read its parent get ChildrenChanged.
type change struct {
	typ       proto.EventType // Created, Deleted or DataChanged
	path      string
	zxid      int64 // of the transaction
	acl       []proto.ACL
	parentACL []proto.ACL // of Created and Deleted
}

var (
	worldAll  = []proto.ACL{{Perms: proto.PermAll, Scheme: "world", ID: "anyone"}}
	worldRead = []proto.ACL{{Perms: proto.PermRead, Scheme: "world", ID: "anyone"}}
)

// newTree returns the tree of a new ensemble: the root and /zookeeper.
func newTree(v Version) *tree {
	t := &tree{
		nodes:      make(map[string]*node),
		ephemerals: make(map[int64]map[string]struct{}),
		reapable:   make(map[string]struct{}),
		quotas:     make(map[string]struct{}),
	}
	root := &node{data: []byte{}, acl: worldAll}
	root.addChild("zookeeper")
	zoo := &node{data: []byte{}, acl: worldAll}
	zoo.addChild("quota")
	t.nodes[""], t.nodes["/"] = root, root
	t.nodes["/zookeeper"] = zoo
	t.nodes["/zookeeper/quota"] = &node{data: []byte{}, acl: worldAll}
	if v.knows(proto.OpReconfig) {
		zoo.addChild("config")
		t.nodes["/zookeeper/config"] = &node{data: []byte{}, acl: worldRead, aversion: -1}
	}
	return t
}

// reserved reports whether path is a node that no client may delete.
func reserved(path string) bool {
	switch path {
	case "/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config":
		return true
	}
	return false
}

// split cuts a path at its last slash. The parent of "/a" is "".
func split(path string) (parent, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:i], path[i+1:]
}

// create adds a node whose parent exists. creates is the parent's new count of
// creates. As in Apache ZooKeeper it is stored only if it is larger than the old
// count. So the count stays at 2147483647, and then the parent's pzxid does not
// change either.
func (t *tree) create(path string, n *node, creates int32) change {
	parent, name := split(path)
	p := t.nodes[parent]
	p.addChild(name)
	if creates > p.creates {
		p.creates = creates
		p.pzxid = n.czxid
	}
	t.nodes[path] = n
	switch kindOf(n.owner) {
	case ownerSession:
		own := t.ephemerals[n.owner]
		if own == nil {
			own = make(map[string]struct{})
			t.ephemerals[n.owner] = own
		}
		own[path] = struct{}{}
	case ownerContainer, ownerTTL:
		t.reapable[path] = struct{}{}
	}
	t.quotaChanged(path, true)
	t.charge(path, 1, int64(len(n.data)))
	return change{proto.EventCreated, path, n.czxid, n.acl, p.acl}
}

// remove deletes a node, which exists and has no children.
func (t *tree) remove(path string, zxid int64) change {
	n := t.nodes[path]
	delete(t.nodes, path)
	parent, name := split(path)
	p := t.nodes[parent]
	delete(p.children, name)
	p.pzxid = max(p.pzxid, zxid)
	switch kindOf(n.owner) {
	case ownerSession:
		own := t.ephemerals[n.owner]
		delete(own, path)
		if len(own) == 0 {
			delete(t.ephemerals, n.owner)
		}
	case ownerContainer, ownerTTL:
		delete(t.reapable, path)
	}
	t.quotaChanged(path, false)
	t.charge(path, -1, -int64(len(n.data)))
	return change{proto.EventDeleted, path, zxid, n.acl, p.acl}
}

// set replaces the data of a node, which exists.
func (t *tree) set(path string, data []byte, version int32, zxid, now int64) (change, *node) {
	n := t.nodes[path]
	t.charge(path, 0, int64(len(data)-len(n.data)))
	n.data, n.version, n.mzxid, n.mtime = data, version, zxid, now
	return change{proto.EventDataChanged, path, zxid, n.acl, nil}, n
}

// snapshot returns a copy of the tree, which later transactions do not change.
func (t *tree) snapshot() *tree {
	c := &tree{nodes: make(map[string]*node, len(t.nodes)), zxid: t.zxid}
	for path, n := range t.nodes {
		if path != "" {
			c.nodes[path] = n.clone()
		}
	}
	c.nodes[""] = c.nodes["/"]
	return c
}
