package zktest_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/zookit/zookit/internal/proto"
)

// generator generates random steps.
type generator struct{ *rand.Rand }

func pick[T any](g generator, of ...T) T { return of[g.IntN(len(of))] }

// path returns one of about thirty paths, so that steps affect the same nodes. A
// few of the paths are invalid.
func (g generator) path() string {
	p := ""
	for range pick(g, 1, 1, 1, 2, 2, 3) {
		p += "/" + pick(g, "a", "b", "c")
	}
	if g.IntN(60) == 0 {
		p += pick(g, "/", "//x", "/.", "\x01")
	}
	return p
}

func (g generator) version() int32 { return pick[int32](g, -1, -1, -1, 0, 0, 1, 2) }

func (g generator) acl() []proto.ACL {
	switch g.IntN(12) {
	case 0:
		return []proto.ACL{acl(proto.PermAll, "auth", "")}
	case 1:
		return []proto.ACL{acl(int32(g.IntN(32)), "world", "anyone"), acl(proto.PermAll, "digest", aliceID)}
	case 2:
		return []proto.ACL{acl(proto.PermAll, pick(g, "digest", "nonsense"), "x")}
	}
	return openACL
}

// createOp returns a create of any kind. Every node has an ACL under which alice,
// who cleans up, may delete it.
func (g generator) createOp() proto.MultiOp {
	o := proto.MultiOp{
		Op:   pick(g, opCreate, opCreate, opCreate2, opCreate2, opCont, opTTL),
		Path: g.path(), Data: []byte(pick(g, "", "x", "long data")), ACL: g.acl(),
		Flags: pick[int32](g, 0, 0, 1, 2, 3), TTL: 1 << 30,
	}
	switch o.Op {
	case opCont:
		o.Flags = 4
	case opTTL:
		o.Flags = pick[int32](g, 5, 6)
	}
	return o
}

func (g generator) multiOp() proto.MultiOp {
	switch g.IntN(4) {
	case 0:
		return g.createOp()
	case 1:
		return proto.MultiOp{Op: opDelete, Path: g.path(), Version: g.version()}
	case 2:
		return proto.MultiOp{Op: proto.OpSetData, Path: g.path(), Data: []byte("m"), Version: g.version()}
	}
	return proto.MultiOp{Op: opCheck, Path: g.path(), Version: g.version()}
}

func (g generator) paths() []string {
	var out []string
	for range g.IntN(4) {
		out = append(out, g.path())
	}
	return out
}

// step generates one step. e is the embedded world, from which it reads only how
// far the run is.
func (g generator) step(e *world) step {
	c := g.IntN(3)
	switch n := g.IntN(100); {
	case n < 22:
		o := g.createOp()
		return stCreate(c, o.Op, o.Path, string(o.Data), o.Flags, o.TTL, o.ACL...)
	case n < 34:
		return stVersion(c, opDelete, g.path(), g.version())
	case n < 46:
		return stSet(c, g.path(), pick(g, "", "new"), g.version())
	case n < 66:
		return stRead(c, pick(g, opExists, opExists, opGet, opChild, opChild2), g.path(), g.IntN(2) == 0)
	case n < 71:
		return stMode(c, opAdd, pick(g, g.path(), ""), int32(g.IntN(2)))
	case n < 76:
		return stMode(c, pick(g, opRemove, opRemove, opChkW), g.path(), int32(1+g.IntN(5)))
	case n < 78:
		return stPath(c, opGetACL, g.path())
	case n < 79:
		return stPath(c, pick(g, opCountAll, opGetEphemerals), pick(g, g.path(), "", "/", "/a", "=/", "=", "= "))
	case n < 80:
		if g.IntN(3) == 0 {
			return request(c, opWhoAmI, "", nil)
		}
		var ops []proto.ReadOp
		for range 1 + g.IntN(4) {
			ops = append(ops, read(pick(g, opGet, opChild), g.path(), g.IntN(3) == 0))
		}
		return stMultiRead(c, ops...)
	case n < 83:
		return stSetACL(c, g.path(), g.version(), g.acl()...)
	case n < 92:
		var ops []proto.MultiOp
		for range 1 + g.IntN(4) {
			ops = append(ops, g.multiOp())
		}
		return stMulti(c, ops...)
	case n < 94:
		now := e.clients[c].zxid - e.base
		return stSetWatches(c, pick(g, proto.OpSetWatches, proto.OpSetWatches2), now-int64(g.IntN(40)), proto.SetWatches{
			Data: g.paths(), Exist: g.paths(), Child: g.paths(), Persistent: g.paths(), Recursive: g.paths(),
		})
	case n < 96:
		return stAuth(c, "digest", pick(g, "alice:secret", fmt.Sprintf("user%d:x", g.IntN(3))))
	case n < 98:
		return step{client: c, op: stepResume, what: "resume"}
	case n < 99:
		return step{client: c, op: stepDrop, what: "close and open again"}
	}
	return stPath(c, opSync, g.path())
}
