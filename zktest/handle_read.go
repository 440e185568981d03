package zktest

import (
	"strings"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// reads are the operations that do not change the tree, except those about watches.
var reads = map[proto.OpCode]operation{
	proto.OpExists:       {run: (*call).exists},
	proto.OpGetData:      {run: (*call).getData},
	proto.OpGetChildren:  {run: (*call).getChildren},
	proto.OpGetChildren2: {run: (*call).getChildren},
	proto.OpGetACL:       {run: (*call).getACL},
	proto.OpCountAll:     {run: (*call).countAll},
	proto.OpSync:         {run: (*call).sync, need: needLeader},
	proto.OpAuth:         {run: (*call).auth, pathless: true},
	proto.OpSASL:         {run: (*call).sasl, pathless: true},
	proto.OpPing:         {run: (*call).ping, pathless: true},

	proto.OpMultiRead:     {run: (*call).multiRead},
	proto.OpGetEphemerals: {run: (*call).getEphemerals},
	proto.OpWhoAmI:        {run: (*call).whoAmI, pathless: true},
}

// Reads do not check the form of a path: no node has a malformed path.

func (q *call) exists() proto.ErrCode {
	req := serverproto.DecodePathWatch(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	if strings.IndexByte(req.Path, 0) >= 0 {
		return proto.BadArguments
	}
	m := q.c.member
	n := m.view.nodes[req.Path]
	if n != nil && m.server.cfg.Version.existsNeedsRead() && !allowed(n.acl, proto.PermRead, q.c.ids) {
		return proto.NoAuth
	}
	if req.Watch {
		m.data.add(req.Path, q.c, oneShot) // also if the node does not exist
	}
	if n == nil {
		return proto.NoNode
	}
	stat := n.stat()
	q.out = serverproto.AppendStat(q.out, stat)
	return proto.OK
}

// watchable decodes a request of a path and a watch flag, and returns the node at the
// path. The client needs one bit of perm.
func (q *call) watchable(perm int32) (proto.PathWatch, *node, proto.ErrCode) {
	return q.at(serverproto.DecodePathWatch(&q.r), perm)
}

// readable is watchable for a request of a path alone.
func (q *call) readable(perm int32) (proto.PathWatch, *node, proto.ErrCode) {
	return q.at(proto.PathWatch{Path: q.r.String()}, perm)
}

// at returns the node of a request that was decoded.
func (q *call) at(req proto.PathWatch, perm int32) (proto.PathWatch, *node, proto.ErrCode) {
	if q.r.Err() != nil {
		return req, nil, proto.MarshallingError
	}
	n, code := q.nodeFor(req.Path, perm)
	return req, n, code
}

// nodeFor returns the node at a path. The client needs one bit of perm.
func (q *call) nodeFor(path string, perm int32) (*node, proto.ErrCode) {
	n := q.c.member.view.nodes[path]
	if n == nil {
		return nil, proto.NoNode
	}
	if !allowed(n.acl, perm, q.c.ids) {
		return nil, proto.NoAuth
	}
	return n, proto.OK
}

func (q *call) getData() proto.ErrCode {
	req, n, code := q.watchable(proto.PermRead)
	if code != proto.OK {
		return code
	}
	if req.Watch {
		q.c.member.data.add(req.Path, q.c, oneShot)
	}
	stat := n.stat()
	q.out = serverproto.AppendStat(proto.AppendBuffer(q.out, n.data), stat)
	return proto.OK
}

// getChildren lists the names in random order, which differs from time to time.
func (q *call) getChildren() proto.ErrCode {
	req, n, code := q.watchable(proto.PermRead)
	if code != proto.OK {
		return code
	}
	if req.Watch {
		q.c.member.child.add(req.Path, q.c, oneShot)
	}
	q.out = proto.AppendInt32(q.out, int32(len(n.children)))
	for name := range n.children {
		q.out = proto.AppendString(q.out, name)
	}
	if q.h.Op == proto.OpGetChildren2 {
		stat := n.stat()
		q.out = serverproto.AppendStat(q.out, stat)
	}
	return proto.OK
}

func (q *call) getACL() proto.ErrCode {
	_, n, code := q.readable(proto.PermRead | proto.PermAdmin)
	if code != proto.OK {
		return code
	}
	stat, acl := n.stat(), n.acl
	if !allowed(acl, proto.PermAdmin, q.c.ids) {
		acl = masked(acl)
	}
	q.out = serverproto.AppendStat(proto.AppendACLs(q.out, acl), stat)
	return proto.OK
}

// countAll answers with the number of nodes at any depth below a node.
func (q *call) countAll() proto.ErrCode {
	req, _, code := q.readable(proto.PermRead)
	if code != proto.OK {
		return code
	}
	nodes := q.c.member.view.nodes
	count := 0
	if req.Path == "/" {
		count = len(nodes) - 2 // the root is there twice
	} else {
		for path := range nodes {
			if strings.HasPrefix(path, req.Path+"/") {
				count++
			}
		}
	}
	q.out = proto.AppendInt32(q.out, int32(count))
	return proto.OK
}

// getEphemerals answers with the paths of the session's ephemeral nodes that begin
// with a prefix, which need not be a path. ACLs do not count.
func (q *call) getEphemerals() proto.ErrCode {
	prefix := q.r.String()
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	if strings.TrimSpace(prefix) == "/" || strings.TrimSpace(prefix) == "" {
		prefix = ""
	}
	var paths []string
	for path, n := range q.c.member.view.nodes {
		if n.owner == q.c.session.id && strings.HasPrefix(path, prefix) {
			paths = append(paths, path)
		}
	}
	q.out = proto.AppendStrings(q.out, paths)
	return proto.OK
}

// whoAmI answers with the identities that the client has proved. A digest's is
// without its hash.
func (q *call) whoAmI() proto.ErrCode {
	infos := make([]proto.ClientInfo, 0, len(q.c.ids))
	for _, id := range q.c.ids {
		user := id.id
		if id.scheme == "digest" {
			user, _, _ = strings.Cut(user, ":")
		}
		infos = append(infos, proto.ClientInfo{Scheme: id.scheme, User: user})
	}
	q.out = proto.AppendClientInfos(q.out, infos)
	return proto.OK
}

// sync answers with the path. There is nothing to wait for: a member that reaches
// the leader sees every committed write already.
func (q *call) sync() proto.ErrCode {
	path := q.r.String()
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	q.out = proto.AppendString(q.out, path)
	return proto.OK
}

func (q *call) ping() proto.ErrCode { return proto.OK }

func (q *call) auth() proto.ErrCode {
	req := serverproto.DecodeAuth(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	id, ok := authenticate(req.Scheme, req.Auth, q.c.addr)
	if !ok {
		return proto.AuthFailed
	}
	if super := q.c.server.cfg.SuperPassword; super != "" && id == (identity{"digest", digestID("super:" + super)}) {
		q.c.addIdentity(superUser)
	}
	q.c.addIdentity(id)
	return proto.OK
}

// addIdentity adds an identity to those that the client has proved.
func (c *conn) addIdentity(id identity) {
	for _, known := range c.ids {
		if known == id {
			return
		}
	}
	c.ids = append(c.ids, id)
}
