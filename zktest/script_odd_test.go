package zktest_test

import (
	"math"

	"github.com/zookit/zookit/internal/proto"
)

func scriptOddRequests() []step {
	var steps []step
	for _, op := range []proto.OpCode{
		opCreate, opCreate2, opCont, opTTL, opDelete, opExists, opGet, proto.OpSetData, opGetACL, proto.OpSetACL,
		opChild, opChild2, opSync, opCheck, proto.OpMulti, opAdd, opRemove, opChkW,
		proto.OpSetWatches, proto.OpSetWatches2, opReconfig, opCountAll, opGetEphemerals, opWhoAmI, opMultiRead,
	} {
		steps = append(
			steps,
			request(0, op, "without a body", nil),
			request(0, op, "of two bytes", []byte{0, 0}),
			request(0, op, "with a huge length", []byte{0x7f, 0xff, 0xff, 0xff, 0, 0}),
			request(0, op, "with a length of -5", []byte{0xff, 0xff, 0xff, 0xfb, 0, 0, 0, 0, 0}),
		)
		if op != proto.OpMulti && op != opMultiRead { // a string begins like a multi of no op, but for a bool that is neither 0 nor 1
			steps = append(steps, request(0, op, "of a string only", proto.AppendString(nil, root+"/odd")))
		}
	}
	steps = append(steps,
		request(0, opExists, "with bytes behind it", append((&proto.PathWatch{Path: root}).Append(nil), 1, 2, 3)),
		request(0, opCreate, "with bytes behind it", append((&proto.MultiOp{Op: opCreate, Path: root + "/odd", ACL: openACL}).Append(nil), 1, 2, 3)),
		stVersion(0, opDelete, "/odd", -1),
		request(0, opReconfig, "of nothing", proto.AppendInt64(make([]byte, 12), -1)),
		request(0, proto.OpPing, "with a body", []byte{1, 2, 3}),
	)
	for _, op := range []proto.OpCode{0, 10, 22222, -1, -2, 23, 108, 999, math.MaxInt32, math.MinInt32, 99} {
		steps = append(steps, request(2, op, "unknown", proto.AppendString(nil, root)))
	}
	return steps
}

func scriptSessions() []step {
	connect := func(q proto.ConnectRequest) []byte { return q.Append(nil) }
	none := make([]byte, 16)
	steps := []step{
		{client: 1, op: stepResume, what: "resume"},
		stCreate(1, opCreate, "/e", "", 1, 0),
		{client: 1, op: stepResume, what: "resume"},
		stRead(0, opExists, "/e", true),
		{client: 1, op: stepDrop, what: "close and open again"},
		stConnect("before 3.4", func(*world) []byte {
			b := connect(proto.ConnectRequest{TimeoutMillis: 5000, Password: none})
			return b[:len(b)-1]
		}),
		stConnect("of an unknown session", func(*world) []byte {
			return connect(proto.ConnectRequest{TimeoutMillis: 5000, SessionID: 4711, Password: none})
		}),
		stConnect("with a wrong password", func(w *world) []byte {
			return connect(proto.ConnectRequest{TimeoutMillis: 5000, SessionID: w.clients[0].id, Password: none})
		}),
		{client: 0, op: stepDrop, what: "close and open again"}, // the handshake with the wrong password has ended its connection
		stConnect("ahead of the server", func(w *world) []byte {
			return connect(proto.ConnectRequest{TimeoutMillis: 5000, LastZxidSeen: math.MaxInt64, Password: none})
		}),
		stConnect("with a null password", func(w *world) []byte {
			return connect(proto.ConnectRequest{TimeoutMillis: 5000})
		}),
		stConnect("with a longer password", func(w *world) []byte {
			return connect(proto.ConnectRequest{TimeoutMillis: 5000, Password: make([]byte, 20)})
		}),
		stConnect("of another protocol version", func(w *world) []byte {
			return connect(proto.ConnectRequest{ProtocolVersion: 7, TimeoutMillis: 5000, Password: none})
		}),
		stConnect("cut off", func(w *world) []byte { return make([]byte, 11) }),
		stConnect("empty", func(w *world) []byte { return nil }),
	}
	for _, ms := range []int32{0, -1, 1, 399, 400, 401, 59999, 60000, 60001, math.MaxInt32, math.MinInt32} {
		steps = append(steps, stConnect("with a timeout", func(*world) []byte {
			return connect(proto.ConnectRequest{TimeoutMillis: ms, Password: none})
		}))
	}
	return steps
}
