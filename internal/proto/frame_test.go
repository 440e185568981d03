package proto_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	. "github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/recordtest"
)

const testLimit = 1 << 20

func frame(body []byte) []byte {
	return EndFrame(append(BeginFrame(nil), body...), 0)
}

func TestFrame_BeginAndEnd(t *testing.T) {
	b := []byte("one frame before")
	start := len(b)
	b = BeginFrame(b)
	b = AppendString(b, "body")
	b = EndFrame(b, start)
	want, _ := hex.DecodeString("00000008" + "00000004" + "626f6479")
	if got := b[start:]; !bytes.Equal(got, want) || string(b[:start]) != "one frame before" {
		t.Errorf("got % x behind %q, want % x", got, b[:start], want)
	}
	if n := FrameLen(b[start:]); n != 8 {
		t.Errorf("FrameLen = %d, want 8", n)
	}
	for head, want := range map[string]int{"ffffffff": -1, "80000000": math.MinInt32, "7fffffff": math.MaxInt32, "00000000ff": 0} {
		h, _ := hex.DecodeString(head)
		if n := FrameLen(h); n != want {
			t.Errorf("FrameLen(%s) = %d, want %d", head, n, want)
		}
	}
}

// TestReadFrame_AnySplit reads the same frames in pieces of several sizes, into
// buffers that are too small, too large and missing.
func TestReadFrame_AnySplit(t *testing.T) {
	bodies := [][]byte{{}, []byte("a"), bytes.Repeat([]byte("b"), 4096), bytes.Repeat([]byte("c"), 4097), []byte("d"), bytes.Repeat([]byte("e"), 100_000)}
	var stream []byte
	for _, b := range bodies {
		stream = append(stream, frame(b)...)
	}
	readers := map[string]func(io.Reader) io.Reader{
		"whole":         func(r io.Reader) io.Reader { return r },
		"byte by byte":  iotest.OneByteReader,
		"halves":        iotest.HalfReader,
		"data with EOF": iotest.DataErrReader,
	}
	for name, split := range readers {
		for _, room := range []int{0, 1, 3, 4, 50, 4096, 200_000} {
			rd := split(bytes.NewReader(stream))
			buf := make([]byte, room)
			for i, want := range bodies {
				got, err := ReadFrame(rd, buf, testLimit)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s, buffer of %d, frame %d: %d bytes, %v; want %d", name, room, i, len(got), err, len(want))
				}
				if len(want) > 0 && max(len(want), FrameHeader) <= room && &got[0] != &buf[0] {
					t.Errorf("%s, buffer of %d, frame %d of %d bytes: the buffer was not used", name, room, i, len(want))
				}
			}
			if _, err := ReadFrame(rd, buf, testLimit); err != io.EOF {
				t.Errorf("%s: at the end %v, want io.EOF itself: the peer closed between frames", name, err)
			}
		}
	}
}

func TestReadFrame_CutAnywhere(t *testing.T) {
	whole := frame([]byte("hello, world"))
	for n := range whole {
		got, err := ReadFrame(bytes.NewReader(whole[:n]), nil, testLimit)
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if err != want || got != nil {
			t.Errorf("%d bytes of %d: %q, %v; want %v", n, len(whole), got, err, want)
		}
	}
}

func TestReadFrame_ReaderFails(t *testing.T) {
	broken := errors.New("link broken")
	whole := frame([]byte("hello"))
	for _, n := range []int{0, 2, 4, 7} {
		rd := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(broken))
		if _, err := ReadFrame(rd, nil, testLimit); err != broken {
			t.Errorf("after %d bytes: %v, want the reader's own error", n, err)
		}
	}
}

func TestReadFrame_Limit(t *testing.T) {
	for _, n := range []int32{-1, -2, math.MinInt32, 101, math.MaxInt32} {
		rd := bytes.NewReader(append(AppendInt32(nil, n), make([]byte, 200)...))
		_, err := ReadFrame(rd, nil, 100)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "limit 100") {
			t.Errorf("length %d: %v, want ErrMalformed with the limit", n, err)
		}
		if rd.Len() != 200 {
			t.Errorf("length %d: %d bytes behind it were read", n, 200-rd.Len())
		}
	}
	for _, n := range []int{0, 99, 100} {
		if got, err := ReadFrame(bytes.NewReader(frame(make([]byte, n))), nil, 100); err != nil || len(got) != n {
			t.Errorf("length %d within the limit: %d bytes, %v", n, len(got), err)
		}
	}
}

// TestReadFrame_MemoryFollowsTheBytes holds that a peer that announces the largest
// frame, and sends little of it, costs little memory.
func TestReadFrame_MemoryFollowsTheBytes(t *testing.T) {
	for _, sent := range []int{0, 1, 4095, 4096, 4097, 100_000} {
		in := append(AppendInt32(nil, math.MaxInt32), make([]byte, sent)...)
		var err error
		size := recordtest.Allocated(func() { _, err = ReadFrame(bytes.NewReader(in), nil, math.MaxInt32) })
		if err != io.ErrUnexpectedEOF {
			t.Errorf("%d bytes sent: %v, want io.ErrUnexpectedEOF", sent, err)
		}
		// The buffer doubles. All buffers together are at most four times what
		// arrived, and the last one may be twice as large again.
		if limit := uint64(6*sent + 3*4096); size > limit {
			t.Errorf("%d bytes sent of the 2 GiB announced: %d bytes allocated, want at most %d", sent, size, limit)
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(frame([]byte("body")), uint64(0), 100)
	f.Add(slices.Concat(frame(nil), frame(make([]byte, 5000)), frame([]byte("x"))), uint64(0x1234567890abcdef), 5000)
	f.Add(AppendInt32(nil, math.MaxInt32), uint64(1), math.MaxInt32)
	f.Add(AppendInt32(nil, -1), uint64(3), 1<<20)
	f.Fuzz(func(t *testing.T, in []byte, cuts uint64, limit int) {
		// The loop cuts the bytes into frames by their lengths. The reader must
		// return the same frames, wherever the network splits the bytes.
		rd := &splitReader{b: in, cuts: cuts}
		var buf []byte
		for rest := in; ; {
			got, err := ReadFrame(rd, buf, limit)
			switch {
			case len(rest) == 0:
				if err != io.EOF {
					t.Fatalf("at the end: %v", err)
				}
				return
			case len(rest) < FrameHeader:
				if err != io.ErrUnexpectedEOF {
					t.Fatalf("in a header: %v", err)
				}
				return
			}
			n := FrameLen(rest)
			rest = rest[FrameHeader:]
			switch {
			case n < 0 || n > limit:
				if !errors.Is(err, ErrMalformed) {
					t.Fatalf("length %d, limit %d: %v", n, limit, err)
				}
				return
			case n > len(rest):
				if err != io.ErrUnexpectedEOF || got != nil {
					t.Fatalf("%d bytes of %d: %v", len(rest), n, err)
				}
				return
			case err != nil || !bytes.Equal(got, rest[:n]):
				t.Fatalf("frame of %d bytes: got %d, %v", n, len(got), err)
			}
			if !bytes.Equal(frame(got), in[len(in)-len(rest)-FrameHeader:][:FrameHeader+n]) {
				t.Fatalf("frame of %d bytes encodes differently", n)
			}
			if most := 2*len(in) + 3*4096; cap(got) > most {
				t.Fatalf("a buffer of %d bytes for %d", cap(got), len(in))
			}
			rest, buf = rest[n:], got
		}
	})
}

// A splitReader returns 1 to 16 bytes from a Read. The next four bits of cuts say
// how many.
type splitReader struct {
	b    []byte
	cuts uint64
}

func (s *splitReader) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.b[:min(len(s.b), 1+int(s.cuts&15))])
	s.b = s.b[n:]
	s.cuts = s.cuts>>4 | s.cuts<<60
	return n, nil
}
