package zktest_test

import (
	"math"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

const (
	opCreate  = proto.OpCreate
	opCreate2 = proto.OpCreate2
	opCont    = proto.OpCreateContainer
	opTTL     = proto.OpCreateTTL
	opDelete  = proto.OpDelete
	opExists  = proto.OpExists
	opGet     = proto.OpGetData
	opChild   = proto.OpGetChildren
	opChild2  = proto.OpGetChildren2
	opGetACL  = proto.OpGetACL
	opSync    = proto.OpSync
	opCheck   = proto.OpCheck
	opAdd     = proto.OpAddWatch
	opRemove  = proto.OpRemoveWatches
	opChkW    = opCheckWatches
)

// scriptFresh reads the nodes that a new server has.
func scriptFresh() []step {
	var steps []step
	for _, p := range []string{"=/", "=", "=/zookeeper", "=/zookeeper/quota", "=/zookeeper/config"} {
		steps = append(steps, stRead(0, opExists, p, false), stRead(0, opGet, p, false), stRead(0, opChild2, p, false), stPath(0, opGetACL, p))
	}
	return append(steps, stCreate(0, opCreate2, "=/s", "", 2, 0), stVersion(0, opDelete, "=/s0000000001", -1))
}

func scriptNodes() []step {
	null := request(0, opCreate, "with null data", func() []byte {
		b := proto.AppendBuffer(proto.AppendString(nil, root+"/null"), nil)
		return proto.AppendInt32(proto.AppendACLs(b, openACL), 0)
	}())
	return []step{
		stRead(0, opExists, "", false),
		stCreate(0, opCreate, "/a", "data", 0, 0),
		stCreate(0, opCreate, "/a", "data", 0, 0),
		stCreate(0, opCreate2, "/b", "", 0, 0),
		null,
		stRead(1, opGet, "/null", false),
		stRead(1, opGet, "/a", false),
		stRead(1, opGet, "/b", false),
		stRead(1, opExists, "/a", false),
		stRead(1, opExists, "/none", false),
		stRead(1, opGet, "/none", false),
		stRead(1, opChild, "/none", false),
		stRead(1, opChild2, "/none", false),
		stPath(1, opGetACL, "/none"),
		stCreate(0, opCreate2, "/a/1", "", 0, 0),
		stCreate(0, opCreate2, "/a/2", "", 0, 0),
		stRead(1, opChild, "/a", false),
		stRead(1, opChild2, "/a", false),
		stRead(1, opChild2, "", false),
		stVersion(1, opDelete, "/a", -1),
		stVersion(1, opDelete, "/a", 5),
		stVersion(1, opDelete, "/a/1", 5),
		stVersion(1, opDelete, "/a/1", 0),
		stVersion(1, opDelete, "/a/1", 0),
		stVersion(1, opDelete, "/a/1/2", 0),
		stRead(1, opChild2, "/a", false),
		stRead(1, opGet, "=/zookeeper", false),
		stRead(1, opGet, "=/zookeeper/quota", false),
		stPath(1, opGetACL, "=/zookeeper/quota"),
		stPath(1, opGetACL, "=/zookeeper/config"),
		stPath(1, opGetACL, ""),
		stVersion(1, opDelete, "=/zookeeper", -1),
		stVersion(1, opDelete, "=/", -1),
		stCreate(1, opCreate, "=/", "", 0, 0),
		stCreate(1, opCreate, "=/zookeeper", "", 0, 0),
		stPath(1, opSync, "/a"),
		stPath(1, opSync, "=nonsense"),
		stPath(1, opSync, "="),
	}
}

func scriptCreateModes() []step {
	steps := []step{stCreate(0, opCreate, "/modes", "", 0, 0)}
	for _, op := range []proto.OpCode{opCreate, opCreate2, opCont, opTTL} {
		for flags := int32(-1); flags <= 7; flags++ {
			steps = append(steps, stCreate(0, op, "/modes/n", "x", flags, 60000))
			steps = append(steps, stRead(0, opExists, "/modes", false), stVersion(1, opDelete, "/modes/n", -1))
		}
	}
	for _, ttl := range []int64{0, -1, 1 << 40, 1<<40 - 1, math.MaxInt64, math.MinInt64, 60000} {
		steps = append(steps, stCreate(0, opTTL, "/modes/ttl", "x", 5, ttl), stVersion(1, opDelete, "/modes/ttl", -1))
	}
	return append(
		steps,
		stRead(1, opChild2, "/modes", false),
		stCreate(0, opCont, "/modes/c", "", 4, 0),
		stCreate(0, opCreate, "/modes/c/x", "", 1, 0),
		stCreate(0, opCreate, "/modes/c/x/y", "", 0, 0),
		stCreate(0, opCreate, "/modes/c/x/y", "", 2, 0),
		stCreate(0, opTTL, "/modes/t", "", 5, 1000000),
		stCreate(0, opCreate, "/modes/t/x", "", 3, 0),
		stRead(1, opExists, "/modes/c", false),
		stRead(1, opExists, "/modes/t", false),
		stSet(1, "/modes/t", "new", 0),
		// The suffix counts plain creates too. It starts again with a new parent.
		stCreate(0, opCreate, "/modes/s", "", 0, 0),
		stCreate(0, opCreate2, "/modes/s/n", "", 2, 0),
		stCreate(0, opCreate2, "/modes/s/plain", "", 0, 0),
		stCreate(0, opCreate2, "/modes/s/", "", 2, 0),
		stVersion(0, opDelete, "/modes/s/n0000000000", -1),
		stCreate(0, opCreate2, "/modes/s/n", "", 3, 0),
		stRead(1, opChild2, "/modes/s", false),
		step{client: 0, op: stepDrop, what: "close and open again"},
		stRead(1, opChild2, "/modes", false),
		stRead(1, opChild2, "/modes/s", false),
		stRead(1, opChild2, "/modes/c", false),
	)
}

func scriptPaths() []step {
	var steps []step
	paths := []string{
		"", "/", "//", "/p/", "/p//q", "/none//q", "/./x", "/..", "/p/.", "/p/..", "/...", "/.p", "/p.", "/a/..b",
		"=", "=/", "=//", "=x", "=x/y", "=/" + strings.Repeat("x", 3),
		"/nul\x00", "/ctl\x01", "/us\x1f", "/space ", "/del\x7f", "/c1\u0085", "/high\u00a0", "/\u20ac",
		"/\ud7ff", "/\ue000", "/\uf8ff", "/\uf900", "/\uffef", "/\ufff0", "/\ufffd", "/\U0001f600",
	}
	steps = append(steps, stCreate(0, opCreate, "/p", "", 0, 0))
	for _, p := range paths {
		steps = append(steps, stCreate(0, opCreate, p, "", 0, 0), stVersion(0, opDelete, p, 99))
		if !strings.HasPrefix(p, "=/") { // the Stat of the server's root depends on earlier runs
			steps = append(steps, stCreate(0, opCreate2, p, "", 2, 0))
		}
		if p == "=/" || p == "=" {
			continue
		}
		steps = append(steps,
			stSet(0, p, "x", -1),
			stRead(0, opExists, p, false),
			stRead(0, opGet, p, false),
			stRead(0, opChild, p, false),
			stPath(0, opGetACL, p),
			stSetACL(0, p, -1, openACL...),
			stMulti(0, proto.MultiOp{Op: opCheck, Path: p, Version: -1}),
			stVersion(0, opDelete, p, -1),
		)
	}
	return steps
}

func scriptVersions() []step {
	steps := []step{stCreate(0, opCreate, "/v", "", 0, 0)}
	for _, v := range []int32{1, 0, 0, 1, -1, -2, 2, 3, math.MaxInt32, math.MinInt32} {
		steps = append(steps,
			stSet(0, "/v", strings.Repeat("x", 3), v),
			stSetACL(0, "/v", v, openACL...),
			stMulti(1, proto.MultiOp{Op: opCheck, Path: "/v", Version: v}),
			stRead(0, opExists, "/v", false))
	}
	return append(steps, stSet(0, "/none", "", 0), stSetACL(0, "/none", 0, openACL...), stVersion(0, opDelete, "/v", 99))
}
