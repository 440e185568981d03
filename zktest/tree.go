package zktest

import (
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// tree is the replicated state: the nodes and the zxid of the last transaction.
// Its methods apply transactions that were found valid (prep.go) and report
// what watches have to be told. Server.mu guards it.
type tree struct {
	nodes map[string]*node // by path; the root is there as "/" and as "", which is the parent of "/a"
	zxid  int64            // of the last transaction, failed ones included

	ephemerals map[int64]map[string]struct{} // paths by owning session
	reapable   map[string]struct{}           // paths of containers and TTL nodes
}

// change is one event for the watches of a path. Only who may read the node is
// told of it, and of a change of its parent's children only who may read that.
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
func newTree() *tree {
	t := &tree{
		nodes:      make(map[string]*node),
		ephemerals: make(map[int64]map[string]struct{}),
		reapable:   make(map[string]struct{}),
	}
	root := &node{data: []byte{}, acl: worldAll}
	root.addChild("zookeeper")
	zoo := &node{data: []byte{}, acl: worldAll}
	zoo.addChild("quota")
	zoo.addChild("config")
	t.nodes[""], t.nodes["/"] = root, root
	t.nodes["/zookeeper"] = zoo
	t.nodes["/zookeeper/quota"] = &node{data: []byte{}, acl: worldAll}
	t.nodes["/zookeeper/config"] = &node{data: []byte{}, acl: worldRead, aversion: -1}
	return t
}

// special reports a path that no client may delete.
func special(path string) bool {
	switch path {
	case "/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config":
		return true
	}
	return false
}

// split cuts a path at its last slash; the parent of a child of the root is "".
func split(path string) (parent, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:i], path[i+1:]
}

// create adds a node whose parent exists and counts it there. creates is the
// parent's count after it; like Apache ZooKeeper it is stored only if it is
// larger than the old one, so the count sticks at 2147483647, and then the
// parent's pzxid does not move either.
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
	return change{proto.EventCreated, path, n.czxid, n.acl, p.acl}
}

// remove deletes a node that exists and has no children.
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
	return change{proto.EventDeleted, path, zxid, n.acl, p.acl}
}

// set replaces the data of a node that exists.
func (t *tree) set(path string, data []byte, version int32, zxid, now int64) (change, *node) {
	n := t.nodes[path]
	n.data, n.version, n.mzxid, n.mtime = data, version, zxid, now
	return change{proto.EventDataChanged, path, zxid, n.acl, nil}, n
}

// snapshot returns a copy that later transactions do not reach.
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
