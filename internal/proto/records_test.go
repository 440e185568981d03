package proto

import (
	"reflect"
	"strconv"
)

// A record is one kind of message body as the tests see it: how to decode it,
// how to encode it, and samples. The round trips, the hostile inputs and the
// fuzz targets all walk the same list, so a new record is listed once.
type record struct {
	name    string
	family  string // the fuzz target that covers it
	decode  func(*Reader) any
	encode  func([]byte, any) []byte
	samples []any

	// lengths are the offsets of every length and count in the encoding of
	// samples[0], the hostile places of a record.
	lengths []int
	// optional is the number of bytes at the end that old peers leave out.
	optional int
}

// of makes a record of a type with the usual pair of methods.
func of[T any](family, name string, lengths []int, dec func(*T, *Reader), enc func(*T, []byte) []byte, samples ...T) record {
	rec := record{
		name: name, family: family, lengths: lengths,
		decode: func(r *Reader) any { var v T; dec(&v, r); return v },
		encode: func(b []byte, v any) []byte { t := v.(T); return enc(&t, b) },
	}
	for _, s := range samples {
		rec.samples = append(rec.samples, s)
	}
	return rec
}

// asOp fixes the op of the records whose layout depends on it.
func asOp[T any](op OpCode, dec func(*T, *Reader, OpCode), enc func(*T, []byte, OpCode) []byte) (func(*T, *Reader), func(*T, []byte) []byte) {
	return func(v *T, r *Reader) { dec(v, r, op) }, func(v *T, b []byte) []byte { return enc(v, b, op) }
}

// opRequest makes a record of a MultiOp on its own, and opResult one of its result.
func opRequest(family string, op OpCode, lengths []int, samples ...MultiOp) record {
	for i := range samples {
		samples[i].Op = op
	}
	dec := func(o *MultiOp, r *Reader) { o.Op = op; o.Decode(r) }
	return of(family, "MultiOp of op "+itoa(op), lengths, dec, (*MultiOp).Append, samples...)
}

func opResult(op OpCode, samples ...MultiResult) record {
	for i := range samples {
		samples[i].Op = op
	}
	dec := func(p *MultiResult, r *Reader) { p.Op = op; p.Decode(r) }
	return of("Create", "MultiResult of op "+itoa(op), []int{0}, dec, (*MultiResult).Append, samples...)
}

// Every field differs, so that no two can be swapped unseen.
var (
	someStat = Stat{
		Czxid: 0x1_0000_0001, Mzxid: 0x1_0000_0002, Ctime: 1_700_000_000_003, Mtime: 1_700_000_000_004,
		Version: 5, Cversion: 6, Aversion: 7, EphemeralOwner: 0x100_0000_0008, DataLength: 9, NumChildren: 10, Pzxid: 0x1_0000_000b,
	}
	negativeStat = Stat{Czxid: -1, Mzxid: -2, Ctime: -3, Mtime: -4, Version: -5, Cversion: -6, Aversion: -7, EphemeralOwner: -1 << 63, DataLength: -8, NumChildren: -9, Pzxid: -10}
	someACL      = []ACL{{PermAll, "world", "anyone"}, {PermRead | PermAdmin, "digest", "u:p="}}
	somePass     = []byte("0123456789abcdef")
)

// records lists every record of the package.
func records() []record {
	connReq := of("Connect", "ConnectRequest", []int{24}, (*ConnectRequest).Decode, (*ConnectRequest).Append,
		ConnectRequest{1, 0x1_0000_0002, 4000, 0x100_0000_0003, somePass, true},
		ConnectRequest{},
		ConnectRequest{Password: []byte{}, SessionID: -1, TimeoutMillis: -1, LastZxidSeen: -1})
	connReq.optional = 1
	connResp := of("Connect", "ConnectResponse", []int{16}, (*ConnectResponse).Decode, (*ConnectResponse).Append,
		ConnectResponse{1, 4000, 0x100_0000_0003, somePass, true},
		ConnectResponse{},
		ConnectResponse{Password: []byte{}, TimeoutMillis: -1})
	connResp.optional = 1

	out := []record{
		connReq, connResp,
		of("Header", "RequestHeader", nil, (*RequestHeader).Decode, func(h *RequestHeader, b []byte) []byte { return h.Append(b) },
			RequestHeader{7, OpGetData}, RequestHeader{XidPing, OpPing}, RequestHeader{1<<31 - 1, OpCloseSession}),
		of("Header", "ReplyHeader", nil, (*ReplyHeader).Decode, func(h *ReplyHeader, b []byte) []byte { return h.Append(b) },
			ReplyHeader{7, 0x1_0000_0002, OK}, ReplyHeader{XidWatchEvent, -1, 0}, ReplyHeader{1, 2, -9999}),

		opResult(OpCreate, MultiResult{Path: "/a0000000001"}, MultiResult{}),
		opResult(OpCreate2, MultiResult{Path: "/a0000000001", Stat: someStat}, MultiResult{}),
		opRequest("PathVersion", OpDelete, []int{0}, MultiOp{Path: "/a", Version: 3}, MultiOp{Version: -1}),
		opRequest("PathVersion", OpCheck, []int{0}, MultiOp{Path: "/a", Version: 3}, MultiOp{Version: -1}),
		opRequest("PathVersion", OpSetData, []int{0, 6}, MultiOp{Path: "/a", Data: []byte("data"), Version: 3},
			MultiOp{Path: "/a", Version: -1}, MultiOp{Path: "/a", Data: []byte{}}),
		of("PathVersion", "PathWatch", []int{0}, (*PathWatch).Decode, (*PathWatch).Append,
			PathWatch{"/a", true}, PathWatch{"/ü\x00\xff", false}),
		of("PathVersion", "PathMode", []int{0}, (*PathMode).Decode, (*PathMode).Append,
			PathMode{"/a", WatchPersistentRecursive}, PathMode{"/", RemoveAny}),
		of("PathVersion", "ReconfigRequest", []int{0, 5, 10}, (*ReconfigRequest).Decode, (*ReconfigRequest).Append,
			ReconfigRequest{"j", "l", "n", 0x1_0000_0004}, ReconfigRequest{Version: -1}),
		of("Stat", "Stat", nil, (*Stat).Decode, (*Stat).Append, someStat, negativeStat, Stat{}),
		of("Stat", "GetDataResponse", []int{0}, (*GetDataResponse).Decode, (*GetDataResponse).Append,
			GetDataResponse{[]byte("data"), someStat}, GetDataResponse{nil, negativeStat}, GetDataResponse{[]byte{}, Stat{}}),
		of("Children", "Children2Response", []int{0, 4, 9}, (*Children2Response).Decode, (*Children2Response).Append,
			Children2Response{[]string{"a", "bc"}, someStat}, Children2Response{[]string{}, negativeStat}, Children2Response{[]string{"", ""}, Stat{}}),
		{
			name: "GetChildrenResponse", family: "Children", lengths: []int{0, 4, 9},
			decode:  func(r *Reader) any { return r.Strings() },
			encode:  func(b []byte, v any) []byte { return AppendStrings(b, v.([]string)) },
			samples: []any{[]string{"a", "bc"}, []string{}, []string{"", "lock-0000000001", ""}},
		},

		{
			name: "ACLs", family: "ACL", lengths: []int{0, 8, 17, 31, 41},
			decode:  func(r *Reader) any { return r.ACLs() },
			encode:  func(b []byte, v any) []byte { return AppendACLs(b, v.([]ACL)) },
			samples: []any{someACL, []ACL{}, []ACL{{-1, "", ""}}},
		},
		of("ACL", "SetACLRequest", []int{0, 6, 14, 23, 37, 47}, (*SetACLRequest).Decode, (*SetACLRequest).Append,
			SetACLRequest{"/a", someACL, 3}, SetACLRequest{"", []ACL{}, -1}),
		of("ACL", "GetACLResponse", []int{0, 8, 17, 31, 41}, (*GetACLResponse).Decode, (*GetACLResponse).Append,
			GetACLResponse{someACL, someStat}, GetACLResponse{[]ACL{}, negativeStat}),
		of("Auth", "AuthPacket", []int{4, 14}, (*AuthPacket).Decode, (*AuthPacket).Append,
			AuthPacket{0, "digest", []byte("u:p")}, AuthPacket{-1, "", nil}, AuthPacket{0, "x", []byte{}}),

		of("WatchEvent", "WatchEvent", []int{8}, (*WatchEvent).Decode, (*WatchEvent).Append,
			WatchEvent{EventDataChanged, StateSyncConnected, "/a"}, WatchEvent{EventNone, -112, ""}, WatchEvent{99, -99, "/"}),
		multiRequests(), multiResponses(),
	}
	for _, op := range []OpCode{OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL} {
		var ttl int64
		if op == OpCreateTTL {
			ttl = 60_000
		}
		out = append(out, opRequest("Create", op, []int{0, 6, 14, 22, 31, 45, 55},
			MultiOp{Path: "/a", Data: []byte("data"), ACL: someACL, Flags: FlagEphemeralSequential, TTL: ttl},
			MultiOp{ACL: []ACL{}, Flags: -1, TTL: -ttl},
			MultiOp{Path: "/", Data: []byte{}, ACL: someACL[:1], Flags: FlagContainer}))
	}
	for _, op := range []OpCode{OpSetWatches, OpSetWatches2} {
		dec, enc := asOp(op, (*SetWatches).Decode, (*SetWatches).Append)
		full := SetWatches{RelativeZxid: 0x1_0000_0001, Data: []string{"/d"}, Exist: []string{"/e", ""}, Child: []string{}}
		none := SetWatches{RelativeZxid: -1, Data: []string{}, Exist: []string{}, Child: []string{"/c"}}
		lengths := []int{8, 12, 18, 22, 28, 32}
		if op == OpSetWatches2 {
			full.Persistent, full.Recursive = []string{"/p"}, []string{"/r", "/s"}
			none.Persistent, none.Recursive = []string{}, []string{}
			lengths = append(lengths, 36, 40, 46, 50, 56)
		}
		out = append(out, of("SetWatches", "SetWatches of op "+itoa(op), lengths, dec, enc, full, none))
	}
	return out
}

func multiRequests() record {
	all := []MultiOp{
		{Op: OpCreate, Path: "/a", Data: []byte("data"), ACL: someACL[:1], Flags: FlagEphemeral},
		{Op: OpCheck, Path: "/b", Version: 3},
		{Op: OpSetData, Path: "/c", Data: []byte{}, Version: 4},
		{Op: OpDelete, Path: "/d", Version: -1},
		{Op: OpCreate2, Path: "/e", ACL: []ACL{}, Flags: FlagPersistentSequential},
		{Op: OpCreateContainer, Path: "/f", ACL: someACL, Flags: FlagContainer},
		{Op: OpCreateTTL, Path: "/g", ACL: someACL[1:], Flags: FlagPersistentTTL, TTL: 60_000},
	}
	return record{
		name: "MultiRequest", family: "MultiRequest", lengths: []int{9, 15, 23, 31, 40, 63, 82, 88},
		decode:  func(r *Reader) any { return r.MultiRequest() },
		encode:  func(b []byte, v any) []byte { return AppendMultiRequest(b, v.([]MultiOp)) },
		samples: []any{all, []MultiOp(nil), all[1:2], all[6:]},
	}
}

func multiResponses() record {
	all := []MultiResult{
		{Op: OpCreate, Path: "/a"},
		{Op: OpCreate2, Path: "/b", Stat: someStat},
		{Op: OpCheck},
		{Op: OpSetData, Stat: negativeStat},
		{Op: OpDelete},
		{Op: OpCreateContainer, Path: "/c", Stat: someStat},
		{Op: OpCreateTTL, Path: "", Stat: Stat{}},
	}
	failed := []MultiResult{{Op: OpError, Err: OK}, {Op: OpError, Err: BadVersion}, {Op: OpError, Err: RuntimeInconsistency}, {Op: OpError, Err: -9999}}
	return record{
		name: "MultiResponse", family: "MultiResponse", lengths: []int{9, 24},
		decode:  func(r *Reader) any { return r.MultiResponse() },
		encode:  func(b []byte, v any) []byte { return AppendMultiResponse(b, v.([]MultiResult)) },
		samples: []any{all, failed, []MultiResult(nil)},
	}
}

func itoa(op OpCode) string { return strconv.Itoa(int(op)) }

// equal compares two decoded values. A null vector is encoded again as an empty
// one, so those two count as equal; null and empty buffers do not.
func equal(a, b any) bool {
	return reflect.DeepEqual(fillVectors(reflect.ValueOf(a)).Interface(), fillVectors(reflect.ValueOf(b)).Interface())
}

// fillVectors copies v with every nil vector in it replaced by an empty one.
func fillVectors(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(fillVectors(v.Field(i)))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(fillVectors(v.Index(i)))
		}
	}
	return out
}
