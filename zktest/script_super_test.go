package zktest_test

import "github.com/zookit/zookit/internal/proto"

// scriptSuper has what the super user may do. Client 1 is the super user, client 0 is
// nobody.
func scriptSuper() []step {
	alice := acl(proto.PermAll, "digest", aliceID)
	return []step{
		stCreate(0, opCreate, "/super", "", 0, 0),
		stCreate(0, opCreate, "/super/closed", "x", 0, 0, alice),
		stCreate(0, opCreate, "/super/none", "x", 0, 0, acl(0, "world", "anyone")),
		stRead(1, opGet, "/super/closed", false),
		stAuth(1, "digest", "super:wrong"),
		stAuth(1, "super", "admin"),
		{client: 1, op: stepDrop, what: "close and open again"},
		stAuth(1, "digest", "super:admin"),
		stAuth(1, "digest", "super:admin"),
		request(1, opWhoAmI, "", nil),
		stRead(1, opGet, "/super/closed", true),
		stRead(1, opExists, "/super/none", true),
		stRead(1, opChild2, "/super/closed", true),
		stPath(1, opGetACL, "/super/closed"),
		stPath(0, opGetACL, "/super/closed"),
		stSet(1, "/super/closed", "y", 0),
		stCreate(1, opCreate, "/super/closed/a", "", 0, 0),
		stCreate(0, opCreate, "/super/closed/b", "", 0, 0),
		stCreate(1, opCreate, "/super/mine", "", 0, 0, acl(proto.PermAll, "auth", "")),
		stPath(1, opGetACL, "/super/mine"),
		stCreate(1, opCreate, "/super/scheme", "", 0, 0, acl(proto.PermAll, "super", "")),
		stMulti(1, proto.MultiOp{Op: opCheck, Path: "/super/none", Version: 0}, proto.MultiOp{Op: proto.OpSetData, Path: "/super/none", Version: -1}),
		stMulti(0, proto.MultiOp{Op: opCheck, Path: "/super/none", Version: 1}),
		stPath(1, opCountAll, "/super/none"),
		stMode(1, opAdd, "/super", 1),
		stSetACL(1, "/super/none", -1, alice),
		stSet(1, "/super/none", "z", -1),
		stVersion(1, opDelete, "/super/closed/a", -1),
		stVersion(1, opDelete, "/super/closed", -1),
		stVersion(1, opDelete, "/super/mine", -1),
		stVersion(1, opDelete, "=/zookeeper", -1),
		stSet(0, "=/zookeeper/config", "", -1),
		{client: 1, op: stepDrop, what: "close and open again"},
		stRead(1, opGet, "/super/none", false),
	}
}
