package proto_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	. "github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// A hotPath is an encoding or decoding that is on the path of every request.
type hotPath struct {
	name   string
	allocs float64 // the allocations that it may cost
	size   int64   // for the benchmark: the bytes that it encodes or decodes
	run    func()
}

const hotName = "/app/locks/_c_0f2d7d5c-1f0b-4a4e-9d4e-2f2b6c3a9d10-lock-0000000007"

var hotData = bytes.Repeat([]byte("x"), 100)

func hot() []hotPath { return slices.Concat(hotRequests(), hotReplies(), hotFrames()) }

func hotRequests() []hotPath {
	buf := make([]byte, 0, 4096)
	request := func(name string, size int, op OpCode, body func([]byte) []byte) hotPath {
		return hotPath{name, 0, int64(size), func() {
			b := BeginFrame(buf[:0])
			b = RequestHeader{7, op}.Append(b)
			buf = EndFrame(body(b), 0)
		}}
	}
	get := &PathWatch{Path: hotName}
	create := &MultiOp{Op: OpCreate2, Path: hotName, Data: hotData, ACL: someACL, Flags: FlagEphemeralSequential}
	set := &MultiOp{Op: OpSetData, Path: hotName, Data: hotData, Version: -1}
	multi := []MultiOp{
		{Op: OpCheck, Path: hotName},
		{Op: OpSetData, Path: hotName, Data: hotData},
		{Op: OpCreate2, Path: hotName, ACL: someACL},
		{Op: OpDelete, Path: hotName},
	}
	return []hotPath{
		request("EncodeGet", len(hotName), OpGetData, get.Append),
		request("EncodeSet", len(hotData), OpSetData, set.Append),
		request("EncodeCreate", len(hotData), OpCreate2, create.Append),
		request("EncodeMulti", len(hotData), OpMulti, func(b []byte) []byte { return AppendMultiRequest(b, multi) }),
	}
}

func hotReplies() []hotPath {
	var r Reader
	reply := func(name string, allocs float64, msg []byte, body func(*Reader)) hotPath {
		return hotPath{name, allocs, int64(len(msg)), func() {
			r.Reset(msg)
			var h ReplyHeader
			h.Decode(&r)
			body(&r)
			if err := r.Finish(); err != nil {
				panic(err)
			}
		}}
	}
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("_c_0f2d7d5c-1f0b-4a4e-9d4e-2f2b6c3a9d10-lock-%010d", i)
	}
	header := serverproto.AppendReplyHeader(nil, ReplyHeader{Xid: 7, Zxid: 8})
	exists := serverproto.AppendStat(bytes.Clone(header), someStat)
	get := (&GetDataResponse{hotData, someStat}).Append(bytes.Clone(header))
	children := (&Children2Response{names, someStat}).Append(bytes.Clone(header))
	event := serverproto.AppendWatchEvent(serverproto.AppendReplyHeader(nil, ReplyHeader{Xid: XidWatchEvent, Zxid: -1}), WatchEvent{EventDeleted, StateSyncConnected, hotName})
	var (
		stat     Stat
		got      GetDataResponse
		listed   Children2Response
		happened WatchEvent
	)
	return []hotPath{
		reply("DecodeStat", 0, exists, stat.Decode),
		reply("DecodeGetData", 1, get, got.Decode),               // the data
		reply("DecodeChildren10000", 2, children, listed.Decode), // all names, and the slice
		reply("DecodeWatchEvent", 1, event, happened.Decode),     // the path
	}
}

func hotFrames() []hotPath {
	in := frame((&GetDataResponse{hotData, someStat}).Append(nil))
	buf := make([]byte, 0, 4096) // used for every frame
	var rd bytes.Reader
	return []hotPath{{"ReadFrame", 0, int64(len(in)), func() {
		rd.Reset(in)
		b, err := ReadFrame(&rd, buf, testLimit)
		if err != nil || len(b) != len(in)-FrameHeader {
			panic(err)
		}
	}}}
}

func TestAllocations(t *testing.T) {
	for _, h := range hot() {
		if got := testing.AllocsPerRun(100, h.run); got != h.allocs {
			t.Errorf("%s: %v allocations, want %v", h.name, got, h.allocs)
		}
	}
}

func BenchmarkProto(b *testing.B) {
	for _, h := range hot() {
		b.Run(h.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(h.size)
			for b.Loop() {
				h.run()
			}
		})
	}
}
