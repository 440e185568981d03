package proto

import (
	"bytes"
	"fmt"
	"testing"
)

// hot lists encodings and decodings that are on the path of every request, with the
// allocations that each may cost.
func hot() []struct {
	name   string
	allocs float64
	size   int64
	run    func()
} {
	var (
		buf    = make([]byte, 0, 4096)
		path   = "/app/locks/_c_0f2d7d5c-1f0b-4a4e-9d4e-2f2b6c3a9d10-lock-0000000007"
		data   = bytes.Repeat([]byte("x"), 100)
		names  = make([]string, 10_000)
		r      Reader
		header = ReplyHeader{Xid: 7, Zxid: 8}
	)
	for i := range names {
		names[i] = fmt.Sprintf("_c_0f2d7d5c-1f0b-4a4e-9d4e-2f2b6c3a9d10-lock-%010d", i)
	}
	getReply := (&GetDataResponse{data, someStat}).Append(header.Append(nil))
	existsReply := someStat.Append(header.Append(nil))
	children := (&Children2Response{names, someStat}).Append(header.Append(nil))
	event := (&WatchEvent{EventDeleted, StateSyncConnected, path}).Append(ReplyHeader{Xid: XidWatchEvent, Zxid: -1}.Append(nil))
	getFrame := frame(getReply)
	var rd bytes.Reader

	get := &PathWatch{Path: path}
	create := &MultiOp{Op: OpCreate2, Path: path, Data: data, ACL: someACL, Flags: FlagEphemeralSequential}
	set := &MultiOp{Op: OpSetData, Path: path, Data: data, Version: -1}
	multi := []MultiOp{{Op: OpCheck, Path: path}, {Op: OpSetData, Path: path, Data: data}, {Op: OpCreate2, Path: path, ACL: someACL}, {Op: OpDelete, Path: path}}

	request := func(op OpCode, body func([]byte) []byte) func() {
		return func() {
			b := BeginFrame(buf[:0])
			b = RequestHeader{7, op}.Append(b)
			buf = EndFrame(body(b), 0)
		}
	}
	reply := func(msg []byte, body func(*Reader)) func() {
		return func() {
			r.Reset(msg)
			var h ReplyHeader
			h.Decode(&r)
			body(&r)
			if err := r.Finish(); err != nil {
				panic(err)
			}
		}
	}
	var (
		stat     Stat
		got      GetDataResponse
		listed   Children2Response
		happened WatchEvent
	)
	return []struct {
		name   string
		allocs float64
		size   int64
		run    func()
	}{
		{"EncodeGet", 0, int64(len(path)), request(OpGetData, get.Append)},
		{"EncodeSet", 0, int64(len(data)), request(OpSetData, set.Append)},
		{"EncodeCreate", 0, int64(len(data)), request(OpCreate2, create.Append)},
		{"EncodeMulti", 0, int64(len(data)), request(OpMulti, func(b []byte) []byte { return AppendMultiRequest(b, multi) })},
		{"DecodeStat", 0, int64(len(existsReply)), reply(existsReply, stat.Decode)},
		{"DecodeGetData", 1, int64(len(getReply)), reply(getReply, got.Decode)},          // the data
		{"DecodeChildren10000", 2, int64(len(children)), reply(children, listed.Decode)}, // all names, and the slice
		{"DecodeWatchEvent", 1, int64(len(event)), reply(event, happened.Decode)},        // the path
		{"ReadFrame", 0, int64(len(getFrame)), func() { //                                         the buffer is used again
			rd.Reset(getFrame)
			b, err := ReadFrame(&rd, buf, testLimit)
			if err != nil || len(b) != len(getReply) {
				panic(err)
			}
		}},
	}
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
