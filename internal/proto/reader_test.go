package proto_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

var (
	nullLen  = []byte{0xff, 0xff, 0xff, 0xff}
	emptyLen = []byte{0, 0, 0, 0}
)

// TestNullAndEmpty checks null (-1) and empty (0) for each type, in both
// directions.
func TestNullAndEmpty(t *testing.T) {
	tests := []struct {
		name        string
		take        func(*Reader) any
		null, empty any // what is decoded
	}{
		{"Buffer", func(r *Reader) any { return r.Buffer() }, []byte(nil), []byte{}},
		{"String", func(r *Reader) any { return r.String() }, "", ""},
		{"Strings", func(r *Reader) any { return r.Strings() }, []string(nil), []string{}},
		{"ACLs", func(r *Reader) any { return r.ACLs() }, []ACL(nil), []ACL{}},
	}
	for _, tt := range tests {
		for _, c := range []struct {
			in   []byte
			want any
		}{{nullLen, tt.null}, {emptyLen, tt.empty}} {
			r := NewReader(c.in)
			if got := tt.take(r); !reflect.DeepEqual(got, c.want) || r.Finish() != nil {
				t.Errorf("%s of % x: %#v, %v; want %#v", tt.name, c.in, got, r.Err(), c.want)
			}
		}
	}
	encoded := []struct {
		name      string
		got, want []byte
	}{
		{"nil buffer", AppendBuffer(nil, nil), nullLen},
		{"empty buffer", AppendBuffer(nil, []byte{}), emptyLen},
		{"empty string", AppendString(nil, ""), emptyLen},
		{"nil strings", AppendStrings(nil, nil), emptyLen},
		{"nil ACLs", AppendACLs(nil, nil), emptyLen},
	}
	for _, c := range encoded {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s: % x, want % x", c.name, c.got, c.want)
		}
	}
}

func TestStrings_NullAmongNames(t *testing.T) {
	b := slices.Concat([]byte{0, 0, 0, 3}, AppendString(nil, "a"), nullLen, AppendString(nil, "b"))
	r := NewReader(b)
	if got := r.Strings(); !reflect.DeepEqual(got, []string{"a", "", "b"}) || r.Finish() != nil {
		t.Errorf("%q, %v", got, r.Err())
	}
}

func TestInts(t *testing.T) {
	b := AppendInt64(AppendInt32(nil, math.MinInt32), 0x0102030405060708)
	if want := []byte{0x80, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}; !bytes.Equal(b, want) {
		t.Fatalf("% x, want % x: not big-endian", b, want)
	}
	r := NewReader(b)
	if v := r.Int32(); v != math.MinInt32 {
		t.Errorf("Int32 = %d", v)
	}
	if v := r.Int64(); v != 0x0102030405060708 || r.Finish() != nil {
		t.Errorf("Int64 = %x, %v", v, r.Err())
	}
}

func TestBool_OnlyZeroAndOne(t *testing.T) {
	for v := range 256 {
		r := NewReader([]byte{byte(v)})
		got := r.Bool()
		switch {
		case v <= 1 && (got != (v == 1) || r.Finish() != nil):
			t.Errorf("bool %d: %v, %v", v, got, r.Err())
		case v > 1 && !errors.Is(r.Err(), ErrMalformed):
			t.Errorf("bool %d: error %v, want ErrMalformed", v, r.Err())
		}
	}
}

// TestCount_Limit holds that Count accepts a count only if that many items of the
// smallest size fit into the remaining bytes.
func TestCount_Limit(t *testing.T) {
	tests := []struct {
		count    int32
		size     int
		left     int
		n        int
		ok, fail bool
	}{
		{count: 3, size: 4, left: 12, n: 3, ok: true},
		{count: 3, size: 4, left: 15, n: 3, ok: true},
		{count: 4, size: 4, left: 15, fail: true},
		{count: 1, size: 12, left: 11, fail: true},
		{count: 0, size: 12, left: 0, ok: true},
		{count: 1, size: 12, left: 0, fail: true},
		{count: -1, size: 4, left: 0},
		{count: -2, size: 4, left: 100, fail: true},
		{count: math.MaxInt32, size: 1, left: 100, fail: true},
	}
	for _, tt := range tests {
		r := NewReader(append(AppendInt32(nil, tt.count), make([]byte, tt.left)...))
		n, ok := r.Count(tt.size)
		if n != tt.n || ok != tt.ok || errors.Is(r.Err(), ErrMalformed) != tt.fail {
			t.Errorf("%+v: got %d, %v, %v", tt, n, ok, r.Err())
		}
	}
}

// TestReader_FirstErrorSticks holds that after an error the Reader returns zero
// values and keeps that error. Decoders rely on this: they check once, at their end.
func TestReader_FirstErrorSticks(t *testing.T) {
	r := NewReader(append(AppendInt32(nil, -2), serverproto.AppendStat(nil, someStat)...))
	r.Buffer()
	first := r.Err()
	if !errors.Is(first, ErrMalformed) || !strings.Contains(first.Error(), "negative length -2 (at byte 4 of 72)") {
		t.Fatalf("error %q does not name the length and its place", first)
	}
	zero := []any{r.Int32(), r.Int64(), r.Bool(), r.Buffer(), r.String(), r.Strings(), r.ACLs(), r.MultiResponse()}
	for i, v := range zero {
		if !reflect.ValueOf(v).IsZero() {
			t.Errorf("value %d after the error: %#v", i, v)
		}
	}
	if n, ok := r.Count(1); n != 0 || ok {
		t.Errorf("Count after the error: %d, %v", n, ok)
	}
	if r.Left() != StatLen {
		t.Errorf("%d bytes left, want %d: something was taken after the error", r.Left(), StatLen)
	}
	if err := r.Finish(); err != first {
		t.Errorf("Finish = %v, want the first error", err)
	}
	r.Reset(AppendInt32(nil, 5))
	if v := r.Int32(); v != 5 || r.Finish() != nil {
		t.Errorf("after Reset: %d, %v", v, r.Err())
	}
}

func TestReader_Skip(t *testing.T) {
	b := slices.Concat(AppendString(nil, "path"), nullLen, emptyLen, serverproto.AppendStat(nil, someStat), AppendInt32(nil, 5))
	r := NewReader(b)
	r.View()
	r.View()
	r.View()
	r.Skip(StatLen)
	r.Skip(0)
	if v := r.Int32(); v != 5 || r.Finish() != nil {
		t.Errorf("behind what was skipped: %d, %v", v, r.Err())
	}
	for _, n := range []int{-1, math.MinInt, 5, math.MaxInt} {
		r := NewReader(make([]byte, 4))
		if r.Skip(n); !errors.Is(r.Err(), ErrMalformed) || r.Left() != 4 {
			t.Errorf("Skip(%d) of 4 bytes: %v, %d left", n, r.Err(), r.Left())
		}
	}
	for _, n := range []int32{-2, math.MinInt32, 1, math.MaxInt32} {
		r := NewReader(AppendInt32(nil, n))
		if r.View(); !errors.Is(r.Err(), ErrMalformed) {
			t.Errorf("View of length %d: %v", n, r.Err())
		}
	}
}

func TestReader_NoBytes(t *testing.T) {
	for _, b := range [][]byte{nil, {}} {
		r := NewReader(b)
		if err := r.Finish(); err != nil {
			t.Errorf("an empty message that nobody read from: %v", err)
		}
		if r.Int32(); !errors.Is(r.Err(), ErrMalformed) {
			t.Errorf("Int32 of nothing: %v", r.Err())
		}
	}
}
