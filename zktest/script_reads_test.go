package zktest_test

import "github.com/zookit/zookit/internal/proto"

// The op codes are numbers here, so that a wrong constant in proto is found.
const (
	opGetEphemerals proto.OpCode = 103
	opCountAll      proto.OpCode = 104
	opWhoAmI        proto.OpCode = 107
)

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
