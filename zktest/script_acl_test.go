package zktest_test

import (
	"github.com/zookit/zookit/internal/proto"
)

// The digest of alice:secret, as an ACL names it.
const aliceID = "alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E="

func acl(perms int32, scheme, id string) proto.ACL {
	return proto.ACL{Perms: perms, Scheme: scheme, ID: id}
}

func scriptACLs() []step { return append(scriptFormsOfACLs(), scriptPermissions()...) }

// scriptFormsOfACLs creates a node with each form of ACL, valid and invalid.
func scriptFormsOfACLs() []step {
	all := proto.PermAll
	var steps []step
	for _, a := range [][]proto.ACL{
		{},
		{acl(all, "world", "anyone")},
		{acl(all, "world", "somebody")},
		{acl(all, "auth", "")},
		{acl(all, "auth", "ignored"), acl(1, "world", "anyone")},
		{acl(all, "digest", aliceID)},
		{acl(all, "digest", "a:b"), acl(all, "digest", "a:b"), acl(1, "digest", "a:b")},
		{acl(all, "digest", "nocolon")},
		{acl(all, "digest", "a:b:c")},
		{acl(all, "digest", ":")},
		{acl(all, "digest", ":b")},
		{acl(all, "digest", "a:")},
		{acl(all, "digest", "")},
		{acl(all, "ip", "127.0.0.1")},
		{acl(all, "ip", "10.0.0.0/8")},
		{acl(all, "ip", "10.0.0.0/33")},
		{acl(all, "ip", "nonsense")},
		{acl(all, "nonsense", "x")},
		{acl(all, "super", "x")},
		{acl(all, "", "")},
		{acl(0, "world", "anyone")},
		{acl(64, "world", "anyone")},
		{acl(-1, "world", "anyone")},
		{acl(all, "world", "anyone"), acl(all, "nonsense", "x")},
	} {
		body := (&proto.MultiOp{Op: opCreate, Path: root + "/acl", ACL: a}).Append(nil)
		steps = append(
			steps,
			request(0, opCreate, "with this ACL", body),
			stPath(0, opGetACL, "/acl"),
			stPath(1, opGetACL, "/acl"),
			stRead(1, opGet, "/acl", false),
			stSetACL(0, "/acl", -1, a...),
			stVersion(0, opDelete, "/acl", -1),
		)
	}
	return steps
}

// scriptPermissions tries each permission, with a client that has it and one that
// does not.
func scriptPermissions() []step {
	all := acl(proto.PermAll, "digest", aliceID)
	steps := []step{
		stAuth(0, "digest", "alice:secret"),
		stAuth(0, "digest", "alice:secret"),
		stAuth(1, "digest", "mallory"),
		stAuth(1, "digest", ""),
		stCreate(0, opCreate, "/mine", "", 0, 0, acl(proto.PermAll, "auth", "")),
		stPath(0, opGetACL, "/mine"),
	}
	for _, p := range []int32{proto.PermRead, proto.PermWrite, proto.PermCreate, proto.PermDelete, proto.PermAdmin} {
		steps = append(steps, stSetACL(0, "/mine", -1, acl(p, "world", "anyone"), all))
		for _, client := range []int{0, 2} {
			steps = append(
				steps,
				stRead(client, opExists, "/mine", false),
				stRead(client, opGet, "/mine", false),
				stRead(client, opChild2, "/mine", false),
				stPath(client, opGetACL, "/mine"),
				stSet(client, "/mine", "x", -1),
				stSet(client, "/mine", "x", 12345),
				stCreate(client, opCreate, "/mine/x", "", 0, 0),
				stCreate(client, opCreate, "/mine/x", "", 0, 0),
				stVersion(client, opDelete, "/mine/x", 77),
				stVersion(client, opDelete, "/mine/x", -1),
				stVersion(client, opDelete, "/mine/none", -1),
				stMulti(client, proto.MultiOp{Op: opCheck, Path: "/mine", Version: -1}),
				stSetACL(client, "/mine", 12345, openACL...),
				stSetACL(client, "/mine", -1, acl(p, "world", "anyone"), all),
			)
		}
	}
	return append(
		steps,
		stAuth(0, "ip", "whatever"),
		stAuth(2, "world", "anyone"),
		stAuth(2, "nonsense", ""),
		stAuth(2, "", ""),
		stVersion(0, opDelete, "/mine", -1),
	)
}

func scriptMultis() []step {
	op := func(o proto.OpCode, path string, version int32) proto.MultiOp {
		return proto.MultiOp{Op: o, Path: path, Version: version, Data: []byte("m")}
	}
	create := func(o proto.OpCode, path string, flags int32) proto.MultiOp {
		return proto.MultiOp{Op: o, Path: path, Flags: flags, Data: []byte("m"), TTL: 60000}
	}
	set := proto.OpSetData
	steps := []step{stCreate(0, opCreate, "/mm", "", 0, 0)}
	for _, o := range []proto.OpCode{opCreate, opCreate2, opCont, opTTL} {
		for flags := int32(-1); flags <= 7; flags++ {
			steps = append(steps, stMulti(0, create(o, "/mm/n", flags)), stRead(0, opChild2, "/mm", false), stVersion(0, opDelete, "/mm/n", -1))
		}
	}
	return append(
		steps,
		stMulti(0),
		stMulti(0, create(opCreate, "/m", 0), create(opCreate2, "/m/x", 0), create(opCreate, "/m/s-", 2), create(opCreate2, "/m/s-", 3)),
		stRead(0, opChild2, "/m", false),
		stMulti(0, op(set, "/m", 0), op(set, "/m", 1), op(opCheck, "/m", 2), op(opDelete, "/m/x", -1), create(opCont, "/m/c", 4), create(opTTL, "/m/t", 5)),
		stMulti(0, op(set, "/m", -1), op(opCheck, "/m", 99), op(opDelete, "/m/c", -1), create(opCreate, "/m/late", 0)),
		stRead(0, opGet, "/m", false),
		stMulti(0, op(opCheck, "/m/none", -1)),
		stMulti(0, op(opDelete, "/m", -1)),
		stMulti(0, op(opDelete, "/m/c", -1), op(opDelete, "/m/c", -1)),
		stMulti(0, create(opCreate, "/m/n", 0), create(opCreate, "/m/n", 0)),
		stMulti(0, op(opDelete, "/m/c", -1), create(opCreate, "/m/c", 1), create(opCreate, "/m/c/below", 0)),
		stMulti(0, op(opDelete, "/m/c", -1), create(opCreate, "/m/c", 1), op(set, "/m/c", 0)),
		stMulti(0, create(opCreate, "/m/new", 0), create(opCreate, "/m/new/s", 2), create(opCreate, "/m/new/s", 2), op(opDelete, "/m/new/s0000000000", -1)),
		stRead(0, opChild2, "/m/new", false),
		stMulti(0, create(opCreate, "/m/gone", 0), op(opDelete, "/m/gone", -1)),
		stRead(0, opChild2, "/m", false),
		stMulti(0, create(opCreate, "/m/bad\x01", 0)),
		stMulti(0, op(opCheck, "=nonsense", 0), op(set, "/m", -1)),
		request(0, proto.OpMulti, "holding a getData", func() []byte {
			b := append(proto.AppendInt32(nil, int32(opGet)), 0, 0xff, 0xff, 0xff, 0xff)
			return append(proto.AppendString(b, root), 0)
		}()),
		request(0, proto.OpMulti, "cut off", proto.AppendInt32(nil, int32(opCreate))),
		request(0, proto.OpMulti, "of nothing", nil),
		stVersion(0, opCheck, "/m", 99), // there is no successful check: Apache ZooKeeper never answers one
		stVersion(0, opCheck, "/none", -1),
		step{client: 0, op: stepDrop, what: "close and open again"},
	)
}
