package zktest_test

import "github.com/zookit/zookit/internal/proto"

// life is the whole life of a node and of its child.
func life(client int) []step {
	return []step{
		stCreate(client, opCreate, "/w", "", 0, 0),
		stSet(client, "/w", "1", -1),
		stCreate(client, opCreate, "/w/c", "", 0, 0),
		stSet(client, "/w/c", "1", -1),
		stVersion(client, opDelete, "/w/c", -1),
		stVersion(client, opDelete, "/w", -1),
		stCreate(client, opCreate, "/w", "", 0, 0),
		stVersion(client, opDelete, "/w", -1),
	}
}

// through returns the steps of life, each after a registration of the watch.
func through(client int, again ...step) []step {
	var out []step
	for _, st := range life(client) {
		out = append(out, again...)
		out = append(out, st)
	}
	return out
}

func scriptWatches() []step {
	var steps []step
	for _, reg := range [][]step{
		{stRead(1, opExists, "/w", true)},
		{stRead(1, opGet, "/w", true)},
		{stRead(1, opChild, "/w", true)},
		{stRead(1, opChild2, "/w", true)},
		{stRead(1, opExists, "/w", true), stRead(1, opChild2, "/w", true), stRead(2, opGet, "/w", true)},
		{stRead(0, opGet, "/w", true), stRead(0, opChild2, "/w", true)},
		{stRead(1, opExists, "/w/c", true), stRead(1, opChild2, "", true)},
	} {
		steps = append(steps, reg...)
		steps = append(steps, life(0)...)
		steps = append(steps, through(0, reg...)...)
	}
	// removeWatches: each type on each kind of watch, and on none.
	steps = append(steps, stCreate(0, opCreate, "/w", "", 0, 0))
	for _, reg := range []step{
		stRead(1, opExists, "/absent", true),
		stRead(1, opExists, "/w", true),
		stRead(1, opGet, "/w", true),
		stRead(1, opChild2, "/w", true),
		stMode(1, opAdd, "/w", 0),
		stMode(1, opAdd, "/w", 1),
	} {
		for typ := int32(0); typ <= 6; typ++ {
			steps = append(steps, reg)
			steps = append(steps,
				stMode(1, opChkW, "/absent", typ), stMode(1, opChkW, "/w", typ), stMode(2, opChkW, "/w", typ),
				stMode(1, opRemove, "/absent", typ), stMode(1, opRemove, "/w", typ), stMode(2, opRemove, "/w", typ),
				stSet(0, "/w", "x", -1), stCreate(0, opCreate, "/w/c", "", 0, 0), stVersion(0, opDelete, "/w/c", -1),
				stMode(1, opRemove, "/absent", 3), stMode(1, opRemove, "/w", 3))
		}
	}
	return append(steps, stVersion(0, opDelete, "/w", -1), stMode(1, opRemove, "/never/there", 3))
}

func scriptPersistentWatches() []step {
	var steps []step
	for _, reg := range [][]step{
		{stMode(1, opAdd, "/w", 0)},
		{stMode(1, opAdd, "/w", 1)},
		{stMode(1, opAdd, "", 1)},
		{stMode(1, opAdd, "=/", 1)},
		{stMode(1, opAdd, "/w", 0), stMode(1, opAdd, "", 1)},
		{stMode(1, opAdd, "/w", 1), stMode(1, opAdd, "", 1), stRead(1, opExists, "/w/c", true)},
		{stMode(1, opAdd, "/w", 1), stMode(1, opAdd, "/w", 0)},
		{stMode(1, opAdd, "/w", 0), stMode(1, opAdd, "/w", 1)},
		{stMode(1, opAdd, "/w", 0), stRead(1, opExists, "/w", true)},
		{stMode(1, opAdd, "/w", 1), stRead(1, opExists, "/w", true)},
		{stMode(1, opAdd, "/w", 0), stRead(1, opChild, "/w", true)},
		{stMode(1, opAdd, "/w", 1), stRead(1, opChild, "/w", true)},
		{stRead(1, opExists, "/w", true), stMode(1, opAdd, "/w", 0)},
		{stRead(1, opExists, "/w", true), stMode(1, opAdd, "/w", 1)},
	} {
		steps = append(steps, reg...)
		steps = append(steps, life(0)...)
		steps = append(steps, life(1)...)
		steps = append(steps, through(0, reg...)...)
		// All watches end with their connection, although the session goes on.
		steps = append(steps, step{client: 1, op: stepResume, what: "resume"})
		steps = append(steps, life(0)...)
	}
	return append(
		steps,
		stMode(1, opAdd, "/w", 2), stMode(1, opAdd, "/w", -1),
		stMode(1, opAdd, "=nonsense", 0), stMode(1, opAdd, "=", 0), stMode(1, opAdd, "=/w/", 1),
		step{client: 1, op: stepResume, what: "resume"},
	)
}

func scriptSetWatches() []step {
	lists := func() proto.SetWatches {
		paths := func() []string { return []string{"/same", "/changed", "/child", "/gone", "/new", "/again"} }
		return proto.SetWatches{Data: paths(), Exist: paths(), Child: paths()}
	}
	var steps []step
	for _, p := range []string{"/same", "/changed", "/child", "/gone", "/again"} {
		steps = append(steps, stCreate(0, opCreate, p, "", 0, 0))
	}
	steps = append(
		steps,
		stSet(0, "/changed", "x", -1), stCreate(0, opCreate, "/child/x", "", 0, 0), stVersion(0, opDelete, "/gone", -1),
		stCreate(0, opCreate, "/new", "", 0, 0), stVersion(0, opDelete, "/again", -1), stCreate(0, opCreate, "/again", "", 0, 0),
	)
	changeAll := []step{
		stSet(0, "/same", "x", -1), stSet(0, "/changed", "x", -1), stSet(0, "/new", "x", -1), stSet(0, "/again", "x", -1),
		stCreate(0, opCreate, "/gone", "", 0, 0), stVersion(0, opDelete, "/gone", -1),
		stCreate(0, opCreate, "/child/y", "", 0, 0), stVersion(0, opDelete, "/child/y", -1),
	}
	for _, offset := range []int64{0, 1 << 40} {
		steps = append(steps, stSetWatches(1, proto.OpSetWatches, offset, lists()))
		steps = append(steps, changeAll...)
		q := lists()
		q.Persistent = []string{"/same", "/gone"}
		q.Recursive = []string{"/child"}
		steps = append(steps, stSetWatches(2, proto.OpSetWatches2, offset, q))
		steps = append(steps, changeAll...)
		steps = append(steps, changeAll...)
	}
	steps = append(
		steps,
		stSetWatches(1, proto.OpSetWatches2, 0, proto.SetWatches{}),
		request(1, proto.OpSetWatches2, "cut off", make([]byte, 9)),
		step{client: 1, op: stepResume, what: "resume"}, step{client: 2, op: stepResume, what: "resume"},
	)
	return append(steps, changeAll...)
}
