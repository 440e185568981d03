package proto_test

import (
	"slices"
	"strconv"
	"testing"

	. "github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/internal/test/recordtest"
)

// suite lists the records of the package. The requests that only the embedded server
// decodes are listed in internal/serverproto.
func suite() recordtest.Suite {
	return recordtest.Suite{Records: records(), Malformed: ErrMalformed}
}

func TestRecords_RoundTrip(t *testing.T)                       { suite().RoundTrip(t) }
func TestRecords_DecodedValuesDoNotAliasTheInput(t *testing.T) { suite().NoAlias(t) }
func TestRecords_TruncatedAnywhere(t *testing.T)               { suite().TruncatedAnywhere(t) }
func TestRecords_TrailingBytes(t *testing.T)                   { suite().TrailingByte(t) }
func TestRecords_HostileLengths(t *testing.T)                  { suite().HostileLengths(t) }
func TestRecords_AnyFourBytes(t *testing.T)                    { suite().AnyFourBytes(t) }

// of makes the record of a type with the usual pair of methods.
func of[T any](family, name string, lengths []int, dec func(*T, *Reader), enc func(*T, []byte) []byte, samples ...T) recordtest.Record {
	rec := recordtest.Record{
		Name: name, Family: family, Lengths: lengths,
		Decode: whole(func(r *Reader) any { var v T; dec(&v, r); return v }),
		Encode: func(b []byte, v any) []byte { t := v.(T); return enc(&t, b) },
	}
	for _, s := range samples {
		rec.Samples = append(rec.Samples, s)
	}
	return rec
}

// whole makes dec decode one whole message.
func whole(dec func(*Reader) any) func([]byte) (any, error) {
	return func(b []byte) (any, error) {
		r := NewReader(b)
		v := dec(r)
		return v, r.Finish()
	}
}

// decodes and encodes turn a function of serverproto into what a method would be.

func decodes[T any](f func(*Reader) T) func(*T, *Reader) {
	return func(v *T, r *Reader) { *v = f(r) }
}

func encodes[T any](f func([]byte, T) []byte) func(*T, []byte) []byte {
	return func(v *T, b []byte) []byte { return f(b, *v) }
}

// opResult makes the record of the result of one op.
func opResult(op OpCode, samples ...MultiResult) recordtest.Record {
	for i := range samples {
		samples[i].Op = op
	}
	dec := func(p *MultiResult, r *Reader) { p.Op = op; p.Decode(r) }
	return of("Create", "MultiResult of op "+itoa(op), []int{0}, dec, encodes(serverproto.AppendMultiResult), samples...)
}

// Every field differs, so that a test fails if two are swapped.
var (
	someStat = Stat{
		Czxid: 0x1_0000_0001, Mzxid: 0x1_0000_0002, Ctime: 1_700_000_000_003, Mtime: 1_700_000_000_004,
		Version: 5, Cversion: 6, Aversion: 7, EphemeralOwner: 0x100_0000_0008, DataLength: 9, NumChildren: 10, Pzxid: 0x1_0000_000b,
	}
	negativeStat = Stat{Czxid: -1, Mzxid: -2, Ctime: -3, Mtime: -4, Version: -5, Cversion: -6, Aversion: -7, EphemeralOwner: -1 << 63, DataLength: -8, NumChildren: -9, Pzxid: -10}
	someACL      = []ACL{{PermAll, "world", "anyone"}, {PermRead | PermAdmin, "digest", "u:p="}}
	somePass     = []byte("0123456789abcdef")
)

func records() []recordtest.Record {
	return slices.Concat(headers(), replies(), []recordtest.Record{setWatches(OpSetWatches), setWatches(OpSetWatches2), multiResponses(), multiReadResponses()})
}

// headers are the records that begin a connection, a request and a reply.
func headers() []recordtest.Record {
	connReq := of("Connect", "ConnectRequest", []int{24}, decodes(serverproto.DecodeConnectRequest), (*ConnectRequest).Append,
		ConnectRequest{1, 0x1_0000_0002, 4000, 0x100_0000_0003, somePass, true},
		ConnectRequest{},
		ConnectRequest{Password: []byte{}, SessionID: -1, TimeoutMillis: -1, LastZxidSeen: -1})
	connReq.Optional = 1
	connResp := of("Connect", "ConnectResponse", []int{16}, (*ConnectResponse).Decode, encodes(serverproto.AppendConnectResponse),
		ConnectResponse{1, 4000, 0x100_0000_0003, somePass, true},
		ConnectResponse{},
		ConnectResponse{Password: []byte{}, TimeoutMillis: -1})
	connResp.Optional = 1
	return []recordtest.Record{
		connReq, connResp,
		of("Header", "RequestHeader", nil, decodes(serverproto.DecodeRequestHeader), func(h *RequestHeader, b []byte) []byte { return h.Append(b) },
			RequestHeader{7, OpGetData}, RequestHeader{XidPing, OpPing}, RequestHeader{1<<31 - 1, OpCloseSession}),
		of("Header", "ReplyHeader", nil, (*ReplyHeader).Decode, encodes(serverproto.AppendReplyHeader),
			ReplyHeader{7, 0x1_0000_0002, OK}, ReplyHeader{XidWatchEvent, -1, 0}, ReplyHeader{1, 2, -9999}),
	}
}

// replies are the bodies of replies and events.
func replies() []recordtest.Record {
	return []recordtest.Record{
		opResult(OpCreate, MultiResult{Path: "/a0000000001"}, MultiResult{}),
		opResult(OpCreate2, MultiResult{Path: "/a0000000001", Stat: someStat}, MultiResult{}),
		of("Stat", "Stat", nil, (*Stat).Decode, encodes(serverproto.AppendStat), someStat, negativeStat, Stat{}),
		of("Stat", "GetDataResponse", []int{0}, (*GetDataResponse).Decode, (*GetDataResponse).Append,
			GetDataResponse{[]byte("data"), someStat}, GetDataResponse{nil, negativeStat}, GetDataResponse{[]byte{}, Stat{}}),
		of("Children", "Children2Response", []int{0, 4, 9}, (*Children2Response).Decode, (*Children2Response).Append,
			Children2Response{[]string{"a", "bc"}, someStat}, Children2Response{[]string{}, negativeStat}, Children2Response{[]string{"", ""}, Stat{}}),
		{
			Name: "GetChildrenResponse", Family: "Children", Lengths: []int{0, 4, 9},
			Decode:  whole(func(r *Reader) any { return r.Strings() }),
			Encode:  func(b []byte, v any) []byte { return AppendStrings(b, v.([]string)) },
			Samples: []any{[]string{"a", "bc"}, []string{}, []string{"", "lock-0000000001", ""}},
		},
		{
			Name: "ACLs", Family: "ACL", Lengths: []int{0, 8, 17, 31, 41},
			Decode:  whole(func(r *Reader) any { return r.ACLs() }),
			Encode:  func(b []byte, v any) []byte { return AppendACLs(b, v.([]ACL)) },
			Samples: []any{someACL, []ACL{}, []ACL{{-1, "", ""}}},
		},
		of("ACL", "GetACLResponse", []int{0, 8, 17, 31, 41}, (*GetACLResponse).Decode, (*GetACLResponse).Append,
			GetACLResponse{someACL, someStat}, GetACLResponse{[]ACL{}, negativeStat}),
		{
			Name: "ClientInfos", Family: "ACL", Lengths: []int{0, 4, 14, 19, 25},
			Decode:  whole(func(r *Reader) any { return r.ClientInfos() }),
			Encode:  func(b []byte, v any) []byte { return AppendClientInfos(b, v.([]ClientInfo)) },
			Samples: []any{[]ClientInfo{{"digest", "u"}, {"ip", "::1"}}, []ClientInfo{}, []ClientInfo{{"", ""}}},
		},
		of("WatchEvent", "WatchEvent", []int{8}, (*WatchEvent).Decode, encodes(serverproto.AppendWatchEvent),
			WatchEvent{EventDataChanged, StateSyncConnected, "/a"}, WatchEvent{EventNone, -112, ""}, WatchEvent{99, -99, "/"}),
	}
}

// setWatches is the record of setWatches or setWatches2.
func setWatches(op OpCode) recordtest.Record {
	full := SetWatches{RelativeZxid: 0x1_0000_0001, Data: []string{"/d"}, Exist: []string{"/e", ""}, Child: []string{}}
	none := SetWatches{RelativeZxid: -1, Data: []string{}, Exist: []string{}, Child: []string{"/c"}}
	lengths := []int{8, 12, 18, 22, 28, 32}
	if op == OpSetWatches2 {
		full.Persistent, full.Recursive = []string{"/p"}, []string{"/r", "/s"}
		none.Persistent, none.Recursive = []string{}, []string{}
		lengths = append(lengths, 36, 40, 46, 50, 56)
	}
	dec := decodes(func(r *Reader) SetWatches { return serverproto.DecodeSetWatches(r, op) })
	enc := func(q *SetWatches, b []byte) []byte { return q.Append(b, op) }
	return of("SetWatches", "SetWatches of op "+itoa(op), lengths, dec, enc, full, none)
}

func multiResponses() recordtest.Record {
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
	return recordtest.Record{
		Name: "MultiResponse", Family: "MultiResponse", Lengths: []int{9, 24},
		Decode:  whole(func(r *Reader) any { return r.MultiResponse() }),
		Encode:  func(b []byte, v any) []byte { return serverproto.AppendMultiResponse(b, v.([]MultiResult)) },
		Samples: []any{all, failed, []MultiResult(nil)},
	}
}

func multiReadResponses() recordtest.Record {
	all := []ReadResult{
		{Op: OpGetData, Data: []byte("data"), Stat: someStat},
		{Op: OpGetChildren, Names: []string{"a", "bc"}},
		{Op: OpError, Err: NoNode},
		{Op: OpGetData, Stat: negativeStat},
		{Op: OpGetChildren, Names: []string{}},
		{Op: OpError, Err: -9999},
	}
	return recordtest.Record{
		Name: "MultiReadResponse", Family: "MultiResponse", Lengths: []int{9},
		Decode:  whole(func(r *Reader) any { return r.MultiReadResponseOf(100) }),
		Encode:  func(b []byte, v any) []byte { return serverproto.AppendMultiReadResponse(b, v.([]ReadResult)) },
		Samples: []any{all, []ReadResult(nil), all[2:3]},
	}
}

func itoa(op OpCode) string { return strconv.Itoa(int(op)) }
