package mirror

import (
	"errors"
	"strings"

	"github.com/zookit/zookit/zk"
)

// commit adds the result of a round to the copy, and collects the changes.
type commit struct {
	m    *mirror
	gone []string
	set  []Entry
}

// take records everything that a round has read. Directories come first, parents
// before children.
func (c *commit) take(r *round) {
	for _, l := range r.lists {
		c.listed(l.path, l.value.Stat, l.err)
	}
	for _, n := range r.nodes {
		c.found(n.path, n.value, n.err)
	}
}

// listed records that a directory was listed, or why not. The round has read its
// new children separately.
func (c *commit) listed(dir string, stat zk.Stat, err error) {
	m := c.m
	switch {
	case errors.Is(err, zk.ErrNoNode):
		c.forget(dir)
		return
	case err != nil:
		c.unreadable(dir, zk.Stat{}, err)
		return
	}
	m.zxid = max(m.zxid, stat.Pzxid)
	m.link(dir)
	m.at(dir).listed = true
	if _, ok := m.failed[dir]; ok && dir != m.cfg.Root {
		m.at(dir).reported = false
		c.gone = append(c.gone, dir)
	}
	delete(m.failed, dir)
}

// found records the read of a leaf.
func (c *commit) found(path string, n zk.Node, err error) {
	m := c.m
	if errors.Is(err, zk.ErrNoNode) {
		c.forget(path)
		return
	}
	m.zxid = max(m.zxid, n.Stat.Mzxid)
	if err != nil {
		c.unreadable(path, n.Stat, err)
		return
	}
	m.link(path)
	was := m.at(path)
	_, failed := m.failed[path]
	delete(m.failed, path)
	if failed || !was.reported || was.czxid != n.Stat.Czxid || was.mzxid != n.Stat.Mzxid {
		was.czxid, was.mzxid, was.reported = n.Stat.Czxid, n.Stat.Mzxid, true
		c.set = append(c.set, Entry{Path: path, Data: n.Data, Stat: n.Stat})
	}
}

// unreadable records that the server refuses to show a node.
func (c *commit) unreadable(path string, stat zk.Stat, err error) {
	m := c.m
	m.link(path)
	old := m.failed[path]
	m.failed[path] = err
	if path == m.cfg.Root {
		return // turn reports that in the status
	}
	if n := m.at(path); old == nil || old.Error() != err.Error() || n.czxid != stat.Czxid {
		n.czxid, n.mzxid, n.reported = stat.Czxid, stat.Mzxid, true
		c.set = append(c.set, Entry{Path: path, Stat: stat, Err: err})
	}
}

// forget removes a node that does not exist, and its descendants.
func (c *commit) forget(path string) {
	m := c.m
	delete(m.failed, path)
	if p := m.known[zk.Parent(path)]; p != nil {
		delete(p.children, path)
	}
	n := m.known[path]
	if n == nil {
		return
	}
	delete(m.known, path)
	if n.reported {
		c.gone = append(c.gone, path)
	}
	for p := range n.children {
		c.forget(p)
	}
}

// link adds a node to its parent's children, the parent to its parent's, and so on up
// to Root. A round that reads everything finds deleted nodes by comparing a listing
// with the known children. So every known node must be linked, even if it was
// created long after the first load.
func (m *mirror) link(path string) {
	for m.at(path); path != m.cfg.Root; path = zk.Parent(path) {
		parent := m.at(zk.Parent(path))
		if _, ok := parent.children[path]; ok {
			return
		}
		if parent.children == nil {
			parent.children = map[string]struct{}{}
		}
		parent.children[path] = struct{}{}
	}
}

// at returns the known state of a path, which is empty at first.
func (m *mirror) at(path string) *node {
	n := m.known[path]
	if n == nil {
		n = &node{}
		m.known[path] = n
	}
	return n
}

// depth returns how many levels path is below Root.
func (m *mirror) depth(path string) int {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, m.cfg.Root), "/")
	if rest == "" {
		return 0
	}
	return 1 + strings.Count(rest, "/")
}
