package proto_test

import (
	"crypto/sha1"
	"encoding/base64"
	"reflect"
	"testing"

	. "github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// nodes has every request that creates, reads, changes or deletes a node.
func nodes() connection {
	const ttl = 60_000 // 1 minute
	return opens(connection{file: "nodes", session: "nodes", closes: true, steps: []step{
		{name: "ping", op: OpPing, xid: XidPing},
		{name: "create, null data", op: OpCreate, body: creates(OpCreate, MultiOp{Path: "/n", ACL: openACL}), reply: isPath("/n")},
		{name: "create", op: OpCreate, body: creates(OpCreate, MultiOp{Path: "/n/a", Data: []byte("hello"), ACL: openACL}), reply: isPath("/n/a")},
		{
			name: "create2, ephemeral, empty data", op: OpCreate2, body: creates(OpCreate2, MultiOp{Path: "/n/ë", Data: []byte{}, ACL: openACL, Flags: FlagEphemeral}),
			reply: isCreated("/n/ë", Stat{EphemeralOwner: anySession}),
		},
		{
			name: "create2, ephemeral sequential", op: OpCreate2, body: creates(OpCreate2, MultiOp{Path: "/n/s-", Data: []byte("xy"), ACL: openACL, Flags: FlagEphemeralSequential}),
			reply: isCreated("/n/s-0000000002", Stat{EphemeralOwner: anySession, DataLength: 2}),
		},
		{
			name: "create, persistent sequential", op: OpCreate, body: creates(OpCreate, MultiOp{Path: "/n/p-", Data: []byte{}, ACL: openACL, Flags: FlagPersistentSequential}),
			reply: isPath("/n/p-0000000003"),
		},
		{
			name: "createContainer", op: OpCreateContainer, body: creates(OpCreateContainer, MultiOp{Path: "/n/c", Data: []byte{}, ACL: openACL, Flags: FlagContainer}),
			reply: isCreated("/n/c", Stat{}),
		},
		{
			name: "createTTL", op: OpCreateTTL, body: creates(OpCreateTTL, MultiOp{Path: "/n/t", Data: []byte{}, ACL: openACL, Flags: FlagPersistentTTL, TTL: ttl}),
			reply: isCreated("/n/t", Stat{}),
		},
		{
			name: "createTTL, sequential", op: OpCreateTTL, body: creates(OpCreateTTL, MultiOp{Path: "/n/t-", Data: []byte("z"), ACL: openACL, Flags: FlagPersistentSequentialTTL, TTL: ttl}),
			reply: isCreated("/n/t-0000000006", Stat{DataLength: 1}),
		},
		{name: "create of what exists", op: OpCreate, err: NodeExists, body: creates(OpCreate, MultiOp{Path: "/n/a", ACL: openACL})},
		{name: "create without parent", op: OpCreate2, err: NoNode, body: creates(OpCreate2, MultiOp{Path: "/none/a", ACL: openACL})},
		{name: "create below an ephemeral", op: OpCreate2, err: NoChildrenForEphemerals, body: creates(OpCreate2, MultiOp{Path: "/n/ë/x", ACL: openACL})},
		{name: "create without ACL", op: OpCreate, err: InvalidACL, body: creates(OpCreate, MultiOp{Path: "/n/x"})},
		{name: "create with a wrong path", op: OpCreate, err: BadArguments, body: creates(OpCreate, MultiOp{Path: "n", ACL: openACL})},

		{name: "exists, present", op: OpExists, body: appends(&PathWatch{Path: "/n"}), reply: isStat("/n", Stat{Cversion: 7, NumChildren: 7})},
		{name: "exists, absent", op: OpExists, err: NoNode, body: appends(&PathWatch{Path: "/n/none"})},
		{name: "getData", op: OpGetData, body: appends(&PathWatch{Path: "/n/a"}), reply: isData([]byte("hello"), Stat{DataLength: 5})},
		{name: "getData, null", op: OpGetData, body: appends(&PathWatch{Path: "/n"}), reply: isData(nil, Stat{Cversion: 7, NumChildren: 7})},
		{name: "getData, empty", op: OpGetData, body: appends(&PathWatch{Path: "/n/ë"}), reply: isData([]byte{}, Stat{EphemeralOwner: anySession})},
		{name: "getData, absent", op: OpGetData, err: NoNode, body: appends(&PathWatch{Path: "/n/none"})},
		{name: "setData", op: OpSetData, body: appends(&MultiOp{Op: OpSetData, Path: "/n/a", Data: []byte("hi"), Version: 0}), reply: isStat("/n/a", Stat{Version: 1, DataLength: 2})},
		{name: "setData, any version", op: OpSetData, body: appends(&MultiOp{Op: OpSetData, Path: "/n/a", Data: nil, Version: -1}), reply: isStat("/n/a", Stat{Version: 2})},
		{name: "setData, wrong version", op: OpSetData, err: BadVersion, body: appends(&MultiOp{Op: OpSetData, Path: "/n/a", Data: []byte{}, Version: 0})},
		{
			name: "getChildren", op: OpGetChildren, body: appends(&PathWatch{Path: "/n"}),
			reply: isNames("a", "c", "p-0000000003", "s-0000000002", "t", "t-0000000006", "ë"),
		},
		{name: "getChildren, none", op: OpGetChildren, body: appends(&PathWatch{Path: "/n/a"}), reply: isNames()},
		{name: "getChildren2", op: OpGetChildren2, body: appends(&PathWatch{Path: "/n"}), reply: isChildren2},
		{name: "sync", op: OpSync, body: path("/n"), reply: isPath("/n")},
		{name: "delete", op: OpDelete, body: appends(&MultiOp{Op: OpDelete, Path: "/n/a", Version: 2})},
		{name: "delete, absent", op: OpDelete, err: NoNode, body: appends(&MultiOp{Op: OpDelete, Path: "/n/a", Version: -1})},
		{name: "delete, with children", op: OpDelete, err: NotEmpty, body: appends(&MultiOp{Op: OpDelete, Path: "/n", Version: -1})},
		{name: "delete, wrong version", op: OpDelete, err: BadVersion, body: appends(&MultiOp{Op: OpDelete, Path: "/n/t", Version: 9})},
		{name: "closeSession", op: OpCloseSession},
	}})
}

func isChildren2(t *testing.T, _ *seen, r *Reader) []byte {
	var got Children2Response
	got.Decode(r)
	checkNames(t, got.Names, []string{"a", "c", "p-0000000003", "s-0000000002", "t", "t-0000000006", "ë"})
	checkStat(t, "the parent", got.Stat, Stat{Cversion: 7, NumChildren: 7})
	return got.Append(nil)
}

// acls is a client with credentials and then one without.
func acls() []connection {
	sum := sha1.Sum([]byte("golden:secret"))
	digest := ACL{PermAll, "digest", "golden:" + base64.StdEncoding.EncodeToString(sum[:])}
	both := []ACL{digest, {PermRead, "world", "anyone"}}
	return []connection{
		opens(connection{file: "acl", session: "acl", closes: true, steps: []step{
			{name: "auth", op: OpAuth, xid: XidAuth, body: appends(&AuthPacket{0, "digest", []byte("golden:secret")})},
			{
				name: "create with the ACL of its creator", op: OpCreate,
				body:  creates(OpCreate, MultiOp{Path: "/acl", Data: []byte("x"), ACL: []ACL{{PermAll, "auth", ""}}}),
				reply: isPath("/acl"),
			},
			{name: "getACL", op: OpGetACL, body: path("/acl"), reply: isACL([]ACL{digest}, Stat{DataLength: 1})},
			{name: "setACL", op: OpSetACL, body: appends(&SetACLRequest{"/acl", both, 0}), reply: isStat("/acl", Stat{Aversion: 1, DataLength: 1})},
			{name: "getACL of two", op: OpGetACL, body: path("/acl"), reply: isACL(both, Stat{Aversion: 1, DataLength: 1})},
			{name: "setACL, wrong version", op: OpSetACL, err: BadVersion, body: appends(&SetACLRequest{"/acl", both, 5})},
			{name: "closeSession", op: OpCloseSession},
		}}),
		opens(connection{file: "acl-stranger", session: "acl-stranger", closes: true, steps: []step{
			{name: "getData, allowed", op: OpGetData, body: appends(&PathWatch{Path: "/acl"}), reply: isData([]byte("x"), Stat{Aversion: 1, DataLength: 1})},
			{name: "setData, refused", op: OpSetData, err: NoAuth, body: appends(&MultiOp{Op: OpSetData, Path: "/acl", Data: nil, Version: -1})},
			{name: "closeSession", op: OpCloseSession},
		}}),
	}
}

func isACL(want []ACL, stat Stat) func(*testing.T, *seen, *Reader) []byte {
	return func(t *testing.T, _ *seen, r *Reader) []byte {
		var got GetACLResponse
		got.Decode(r)
		if !reflect.DeepEqual(got.ACL, want) {
			t.Errorf("ACL %+v, want %+v", got.ACL, want)
		}
		checkStat(t, "the ACL's node", got.Stat, stat)
		return got.Append(nil)
	}
}

// multis holds transactions that pass, fail and are empty.
func multis() connection {
	multi := func(ops ...MultiOp) func(*seen, []byte) []byte {
		return func(_ *seen, b []byte) []byte { return AppendMultiRequest(b, ops) }
	}
	created := func(op OpCode, path string, stat Stat) MultiResult {
		return MultiResult{Op: op, Path: path, Stat: stat}
	}
	failed := func(err ErrCode) MultiResult { return MultiResult{Op: OpError, Err: err} }
	return opens(connection{file: "multi", session: "multi", closes: true, steps: []step{
		{
			name: "multi of every op", op: OpMulti,
			body: multi(
				MultiOp{Op: OpCreate, Path: "/m", Data: []byte("m"), ACL: openACL},
				MultiOp{Op: OpCreate2, Path: "/m/s-", ACL: openACL, Flags: FlagEphemeralSequential},
				MultiOp{Op: OpCreateContainer, Path: "/m/c", Data: []byte{}, ACL: openACL, Flags: FlagContainer},
				MultiOp{Op: OpCreateTTL, Path: "/m/t", Data: []byte{}, ACL: openACL, Flags: FlagPersistentTTL, TTL: 60_000},
				MultiOp{Op: OpSetData, Path: "/m", Data: []byte("mm"), Version: 0},
				MultiOp{Op: OpCheck, Path: "/m", Version: 1},
				MultiOp{Op: OpDelete, Path: "/m/c", Version: -1},
			),
			reply: isMulti(
				created(OpCreate, "/m", Stat{}),
				// 3.8 answers a create2 as a create, without a Stat, and the
				// two others as a create2.
				created(OpCreate, "/m/s-0000000000", Stat{}),
				created(OpCreate2, "/m/c", Stat{}),
				created(OpCreate2, "/m/t", Stat{}),
				MultiResult{Op: OpSetData, Stat: Stat{Version: 1, Cversion: 3, DataLength: 2, NumChildren: 3}},
				MultiResult{Op: OpCheck},
				MultiResult{Op: OpDelete},
			),
		},
		{
			// The reply's header says OK. The error is only in the items.
			name: "multi that fails in its middle", op: OpMulti,
			body: multi(
				MultiOp{Op: OpSetData, Path: "/m", Data: []byte("no"), Version: -1},
				MultiOp{Op: OpCheck, Path: "/m", Version: 99},
				MultiOp{Op: OpCreate2, Path: "/m/x", ACL: openACL},
				MultiOp{Op: OpDelete, Path: "/m/t", Version: -1},
			),
			reply: isMulti(failed(OK), failed(BadVersion), failed(RuntimeInconsistency), failed(RuntimeInconsistency)),
		},
		{name: "multi of nothing", op: OpMulti, body: multi(), reply: isMulti()},
		{name: "closeSession", op: OpCloseSession},
	}})
}

func isMulti(want ...MultiResult) func(*testing.T, *seen, *Reader) []byte {
	return func(t *testing.T, _ *seen, r *Reader) []byte {
		got := r.MultiResponse()
		if len(got) != len(want) {
			t.Errorf("%d results, want %d: %+v", len(got), len(want), got)
			return nil
		}
		for i, g := range got {
			w := want[i]
			if g.Op != w.Op || g.Err != w.Err || g.Path != w.Path || (g.Stat == Stat{}) != (w.Op != OpCreate2 && w.Op != OpSetData) {
				t.Errorf("result %d: %+v, want %+v", i, g, w)
			}
			if (g.Stat != Stat{}) {
				s := g.Stat
				// The items of one transaction share their zxid.
				if s.Czxid != s.Mzxid || s.Pzxid < s.Czxid {
					t.Errorf("result %d: zxids of a transaction: %+v", i, s)
				}
				s.Czxid, s.Mzxid, s.Pzxid, s.Ctime, s.Mtime = 0, 0, 0, 0, 0
				if w.Stat.EphemeralOwner == anySession && s.EphemeralOwner > 0 {
					s.EphemeralOwner = anySession
				}
				if s != w.Stat {
					t.Errorf("result %d: stat %+v, want %+v", i, s, w.Stat)
				}
			}
		}
		return serverproto.AppendMultiResponse(nil, got)
	}
}
