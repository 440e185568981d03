package zktest_test

import (
	"fmt"

	"github.com/zookit/zookit/internal/proto"
)

// The op codes are numbers here, so that a wrong constant in proto is found.
const (
	opGetEphemerals proto.OpCode = 103
	opCountAll      proto.OpCode = 104
	opWhoAmI        proto.OpCode = 107
	opMultiRead     proto.OpCode = 22
)

func read(op proto.OpCode, path string, watch bool) proto.ReadOp {
	return proto.ReadOp{Op: op, PathWatch: proto.PathWatch{Path: path, Watch: watch}}
}

func stMultiRead(client int, ops ...proto.ReadOp) step {
	what := ""
	var body []byte
	for _, o := range ops {
		o.Path = at(o.Path)
		what += fmt.Sprintf(" [%d %q watch %v]", o.Op, o.Path, o.Watch)
		body = o.AppendItem(body)
	}
	return request(client, opMultiRead, what, proto.AppendMultiEnd(body))
}

func scriptMultiReads() []step {
	return []step{
		stCreate(0, opCreate, "/mr", "data", 0, 0),
		stCreate(0, opCreate, "/mr/a", "", 0, 0),
		stCreate(0, opCreate, "/mr/b", "x", 1, 0),
		stCreate(0, opCreate, "/mr/closed", "", 0, 0, acl(proto.PermAll, "digest", aliceID)),
		stMultiRead(0),
		stMultiRead(0, read(opGet, "/mr", false), read(opChild, "/mr", false), read(opGet, "/none", true), read(opGet, "/mr/b", false)),
		stMultiRead(0, read(opChild, "/none", false), read(opChild, "/mr/a", false), read(opGet, "/mr/closed", true), read(opChild, "/mr/closed", false)),
		stMultiRead(0, read(opGet, "/mr", true), read(opGet, "/mr", true), read(opChild, "/mr", true), read(opGet, "=", false), read(opGet, "=x", false)),
		stSet(1, "/mr", "new", -1),
		stCreate(1, opCreate, "/mr/c", "", 0, 0),
		stMultiRead(0, read(proto.OpSetData, "/mr", false)),
		stMultiRead(0, read(opExists, "/mr", false)),
		stMultiRead(0, read(opChild2, "/mr", false)),
		stMultiRead(0, read(opGet, "/mr", false), read(opSync, "/mr", false)),
		stMulti(0, proto.MultiOp{Op: opGet, Path: "/mr"}),
	}
}

// scriptRareReads has the reads that clients ask rarely.
func scriptRareReads() []step {
	steps := []step{
		stCreate(0, opCreate, "/r", "", 0, 0),
		stCreate(0, opCreate, "/r/d", "", 0, 0),
		stCreate(0, opCreate, "/r/de", "", 0, 0),
		stCreate(0, opCreate, "/r/d/x", "", 1, 0),
		stCreate(0, opCreate, "/r/de/x", "", 3, 0),
		stCreate(1, opCreate, "/r/d/y", "", 1, 0),
		stCreate(0, opCont, "/r/c", "", 4, 0),
		stCreate(0, opTTL, "/r/t", "", 5, 1<<30),
		stCreate(0, opCreate, "/r/closed", "", 0, 0, acl(proto.PermAll, "digest", aliceID)),
	}
	for _, path := range []string{"", "/r", "/r/d", "/r/de", "/r/d/x", "/r/closed", "/r/none", "/r/", "=/", "=", "=/zookeeper", "=x"} {
		steps = append(steps, stPath(0, opCountAll, path))
	}
	for _, prefix := range []string{"", "/r", "/r/", "/r/d", "/r/d/", "/r/d/x", "/r/none", "=/", "=", "= ", "= / ", "=x", "=/zk"} {
		steps = append(steps, stPath(0, opGetEphemerals, prefix), stPath(1, opGetEphemerals, prefix))
	}
	return append(steps,
		stPath(2, opGetEphemerals, ""),
		request(0, opWhoAmI, "", nil),
		request(0, opWhoAmI, "with bytes behind it", []byte{1, 2, 3}),
		stAuth(2, "digest", "alice:secret"),
		stAuth(2, "digest", "bob:x"),
		request(2, opWhoAmI, "", nil),
		stPath(2, opCountAll, "/r/closed"),
		step{client: 2, op: stepDrop, what: "close and open again"},
		request(2, opWhoAmI, "", nil),
	)
}
