package serverproto

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/recordtest"
)

// suite lists the requests that the package decodes. Their encoders are those of
// clients.
func suite() recordtest.Suite {
	return recordtest.Suite{Records: append(ops(), requests()...), Malformed: proto.ErrMalformed}
}

func TestRecords_RoundTrip(t *testing.T)                       { suite().RoundTrip(t) }
func TestRecords_DecodedValuesDoNotAliasTheInput(t *testing.T) { suite().NoAlias(t) }
func TestRecords_TruncatedAnywhere(t *testing.T)               { suite().TruncatedAnywhere(t) }
func TestRecords_TrailingBytes(t *testing.T)                   { suite().TrailingByte(t) }
func TestRecords_HostileLengths(t *testing.T)                  { suite().HostileLengths(t) }
func TestRecords_AnyFourBytes(t *testing.T)                    { suite().AnyFourBytes(t) }

func FuzzCreate(f *testing.F)       { suite().Fuzz(f, "Create") }
func FuzzPathVersion(f *testing.F)  { suite().Fuzz(f, "PathVersion") }
func FuzzACL(f *testing.F)          { suite().Fuzz(f, "ACL") }
func FuzzAuth(f *testing.F)         { suite().Fuzz(f, "Auth") }
func FuzzMultiRequest(f *testing.F) { suite().Fuzz(f, "MultiRequest") }

func TestEveryFamilyHasATarget(t *testing.T) {
	suite().Targets(t, "Create", "PathVersion", "ACL", "Auth", "MultiRequest")
}

// of makes a record of a decoder and a client's encoder.
func of[T any](family, name string, lengths []int, dec func(*proto.Reader) T, enc func(*T, []byte) []byte, samples ...T) recordtest.Record {
	rec := recordtest.Record{
		Name: name, Family: family, Lengths: lengths,
		Decode: func(b []byte) (any, error) {
			r := proto.NewReader(b)
			v := dec(r)
			return v, r.Finish()
		},
		Encode: func(b []byte, v any) []byte { t := v.(T); return enc(&t, b) },
	}
	for _, s := range samples {
		rec.Samples = append(rec.Samples, s)
	}
	return rec
}

// opRequest makes the record of an op, as a request of its own.
func opRequest(family string, op proto.OpCode, lengths []int, samples ...proto.MultiOp) recordtest.Record {
	for i := range samples {
		samples[i].Op = op
	}
	dec := func(r *proto.Reader) proto.MultiOp { return DecodeOp(r, op) }
	return of(family, fmt.Sprintf("op %d", op), lengths, dec, (*proto.MultiOp).Append, samples...)
}

// Every field differs, so that a test fails if a decoder swaps two.
var someACL = []proto.ACL{
	{Perms: proto.PermAll, Scheme: "world", ID: "anyone"},
	{Perms: proto.PermRead | proto.PermAdmin, Scheme: "digest", ID: "u:p="},
}

func ops() []recordtest.Record {
	out := []recordtest.Record{
		opRequest("PathVersion", proto.OpDelete, []int{0}, proto.MultiOp{Path: "/a", Version: 3}, proto.MultiOp{Version: -1}),
		opRequest("PathVersion", proto.OpCheck, []int{0}, proto.MultiOp{Path: "/a", Version: 3}, proto.MultiOp{Version: -1}),
		opRequest("PathVersion", proto.OpSetData, []int{0, 6}, proto.MultiOp{Path: "/a", Data: []byte("data"), Version: 3},
			proto.MultiOp{Path: "/a", Version: -1}, proto.MultiOp{Path: "/a", Data: []byte{}}),
	}
	for _, op := range []proto.OpCode{proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL} {
		var ttl int64
		if op == proto.OpCreateTTL {
			ttl = 60_000
		}
		out = append(out, opRequest("Create", op, []int{0, 6, 14, 22, 31, 45, 55},
			proto.MultiOp{Path: "/a", Data: []byte("data"), ACL: someACL, Flags: proto.FlagEphemeralSequential, TTL: ttl},
			proto.MultiOp{ACL: []proto.ACL{}, Flags: -1, TTL: -ttl},
			proto.MultiOp{Path: "/", Data: []byte{}, ACL: someACL[:1], Flags: proto.FlagContainer}))
	}
	return append(out, multi(), multiRead())
}

func requests() []recordtest.Record {
	return []recordtest.Record{
		of("PathVersion", "PathWatch", []int{0}, DecodePathWatch, (*proto.PathWatch).Append,
			proto.PathWatch{Path: "/a", Watch: true}, proto.PathWatch{Path: "/ü\x00\xff"}),
		of("PathVersion", "PathMode", []int{0}, DecodePathMode, (*proto.PathMode).Append,
			proto.PathMode{Path: "/a", Mode: proto.WatchPersistentRecursive}, proto.PathMode{Path: "/", Mode: proto.RemoveAny}),
		of("PathVersion", "Reconfig", []int{0, 5, 10}, DecodeReconfig, (*proto.Reconfig).Append,
			proto.Reconfig{Joining: []byte("j"), Leaving: []byte("l"), NewMembers: []byte("n"), Version: 0x1_0000_0004},
			proto.Reconfig{Version: -1}, proto.Reconfig{Joining: []byte{}, NewMembers: []byte{}}),
		of("ACL", "SetACLRequest", []int{0, 6, 14, 23, 37, 47}, DecodeSetACL, (*proto.SetACLRequest).Append,
			proto.SetACLRequest{Path: "/a", ACL: someACL, Version: 3}, proto.SetACLRequest{ACL: []proto.ACL{}, Version: -1}),
		of("Auth", "AuthPacket", []int{4, 14}, DecodeAuth, (*proto.AuthPacket).Append,
			proto.AuthPacket{Scheme: "digest", Auth: []byte("u:p")}, proto.AuthPacket{Type: -1}, proto.AuthPacket{Scheme: "x", Auth: []byte{}}),
	}
}

func multi() recordtest.Record {
	all := []proto.MultiOp{
		{Op: proto.OpCreate, Path: "/a", Data: []byte("data"), ACL: someACL[:1], Flags: proto.FlagEphemeral},
		{Op: proto.OpCheck, Path: "/b", Version: 3},
		{Op: proto.OpSetData, Path: "/c", Data: []byte{}, Version: 4},
		{Op: proto.OpDelete, Path: "/d", Version: -1},
		{Op: proto.OpCreate2, Path: "/e", ACL: []proto.ACL{}, Flags: proto.FlagPersistentSequential},
		{Op: proto.OpCreateContainer, Path: "/f", ACL: someACL, Flags: proto.FlagContainer},
		{Op: proto.OpCreateTTL, Path: "/g", ACL: someACL[1:], Flags: proto.FlagPersistentTTL, TTL: 60_000},
	}
	enc := func(ops *[]proto.MultiOp, b []byte) []byte { return proto.AppendMultiRequest(b, *ops) }
	return of("MultiRequest", "multi", []int{9, 15, 23, 31, 40, 63, 82, 88}, DecodeMulti, enc, all, nil, all[1:2], all[6:])
}

func multiRead() recordtest.Record {
	all := []proto.ReadOp{
		{Op: proto.OpGetData, PathWatch: proto.PathWatch{Path: "/a", Watch: true}},
		{Op: proto.OpGetChildren, PathWatch: proto.PathWatch{Path: "/b"}},
	}
	enc := func(ops *[]proto.ReadOp, b []byte) []byte {
		for i := range *ops {
			b = (*ops)[i].AppendItem(b)
		}
		return proto.AppendMultiEnd(b)
	}
	return of("MultiRequest", "multiRead", []int{9}, DecodeMultiRead, enc, all, nil, all[1:])
}

func TestDecodeMultiRead_OpThatIsNoRead(t *testing.T) {
	for _, op := range []proto.OpCode{0, proto.OpError, proto.OpSetData, proto.OpGetChildren2, math.MinInt32} {
		b := proto.AppendInt32(proto.AppendBool(proto.AppendInt32(nil, int32(op)), false), -1)
		r := proto.NewReader(proto.AppendMultiEnd(b))
		ops := DecodeMultiRead(r)
		if err := r.Finish(); ops != nil || !errors.Is(err, proto.ErrMalformed) {
			t.Errorf("op %d: %v, error %v", int32(op), ops, err)
		}
	}
}

func TestDecodeMulti_UnknownOp(t *testing.T) {
	// An error item belongs into a reply, never into a request.
	for _, op := range []proto.OpCode{0, proto.OpError, proto.OpGetData, proto.OpPing, proto.OpCloseSession, 999, math.MinInt32} {
		b := proto.AppendInt32(proto.AppendBool(proto.AppendInt32(nil, int32(op)), false), -1)
		r := proto.NewReader(proto.AppendMultiEnd(b))
		ops := DecodeMulti(r)
		if err := r.Finish(); ops != nil || !errors.Is(err, proto.ErrMalformed) || !strings.Contains(err.Error(), fmt.Sprint("op ", int32(op))) {
			t.Errorf("op %d: %v, error %v, want one that names it", int32(op), ops, err)
		}
	}
}

// TestDecode_AfterAnError holds that no decoder returns anything behind an error
// of an earlier one.
func TestDecode_AfterAnError(t *testing.T) {
	r := proto.NewReader(proto.AppendMultiRequest(nil, []proto.MultiOp{{Op: proto.OpDelete, Path: "/a"}}))
	r.Fail("no more")
	if ops := DecodeMulti(r); ops != nil {
		t.Errorf("a multi behind an error: %+v", ops)
	}
	if q := DecodePathWatch(r); q != (proto.PathWatch{}) {
		t.Errorf("a request behind an error: %+v", q)
	}
}
