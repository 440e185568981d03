package proto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// decodeAll decodes b as one whole message.
func (rec record) decodeAll(b []byte) (any, error) {
	r := NewReader(b)
	v := rec.decode(r)
	return v, r.Finish()
}

func TestRecords_RoundTrip(t *testing.T) {
	for _, rec := range records() {
		t.Run(rec.name, func(t *testing.T) {
			for _, want := range rec.samples {
				// A prefix that is there already must survive: encoders append.
				b := rec.encode([]byte("prefix"), want)
				if !bytes.HasPrefix(b, []byte("prefix")) {
					t.Fatalf("encoding %+v overwrote what was before it: %q", want, b)
				}
				got, err := rec.decodeAll(b[len("prefix"):])
				if err != nil {
					t.Fatalf("decode of %+v: %v", want, err)
				}
				// DeepEqual, not equal: the samples hold no null vector, so
				// null and empty must come back as they went in.
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
			}
		})
	}
}

func TestRecords_DecodedValuesDoNotAliasTheInput(t *testing.T) {
	for _, rec := range records() {
		b := rec.encode(nil, rec.samples[0])
		v, err := rec.decodeAll(b)
		if err != nil {
			t.Fatalf("%s: %v", rec.name, err)
		}
		for i := range b {
			b[i] = 0xee // as the next frame does to a buffer that is used again
		}
		if !reflect.DeepEqual(v, rec.samples[0]) {
			t.Errorf("%s changed with the buffer: %+v", rec.name, v)
		}
	}
}

func TestRecords_TruncatedAnywhere(t *testing.T) {
	for _, rec := range records() {
		t.Run(rec.name, func(t *testing.T) {
			for i, sample := range rec.samples {
				b := rec.encode(nil, sample)
				for n := range b {
					// The capacity ends with the cut: a decoder that reads on panics.
					_, err := rec.decodeAll(slices.Clip(b[:n]))
					if n >= len(b)-rec.optional {
						if err != nil {
							t.Errorf("sample %d without its optional end: %v", i, err)
						}
						continue
					}
					if !errors.Is(err, ErrMalformed) {
						t.Errorf("sample %d, %d bytes of %d: error %v, want ErrMalformed", i, n, len(b), err)
					}
				}
			}
		})
	}
}

func TestRecords_TrailingBytes(t *testing.T) {
	for _, rec := range records() {
		for i, sample := range rec.samples {
			b := append(rec.encode(nil, sample), 0)
			if _, err := rec.decodeAll(b); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "1 bytes after the end") {
				t.Errorf("%s, sample %d: error %v, want one about the byte after the end", rec.name, i, err)
			}
		}
	}
}

// TestRecords_HostileLengths puts wrong numbers into every length and count of
// every record. None may be believed: not one byte is allocated for it.
func TestRecords_HostileLengths(t *testing.T) {
	for _, rec := range records() {
		t.Run(rec.name, func(t *testing.T) {
			good := rec.encode(nil, rec.samples[0])
			for _, at := range rec.lengths {
				left := int32(len(good) - at - 4)
				if n := int32(binary.BigEndian.Uint32(good[at:])); n < 0 || n > left {
					t.Fatalf("the test is wrong: byte %d holds %d, no length", at, n)
				}
				for _, n := range []int32{-2, -3, math.MinInt32, math.MaxInt32, math.MaxInt32 / 2, 1 << 24, left + 1} {
					b := bytes.Clone(good)
					binary.BigEndian.PutUint32(b[at:], uint32(n))
					var err error
					size := allocated(func() { _, err = rec.decodeAll(b) })
					if !errors.Is(err, ErrMalformed) {
						t.Errorf("length %d at byte %d: error %v, want ErrMalformed", n, at, err)
					}
					if size >= 4096 {
						t.Errorf("length %d at byte %d: %d bytes allocated for a frame of %d", n, at, size, len(b))
					}
				}
			}
		})
	}
}

// TestRecords_AnyFourBytes overwrites every place, also those that hold no
// length, so a length that the table above forgot cannot hide a panic.
func TestRecords_AnyFourBytes(t *testing.T) {
	for _, rec := range records() {
		for _, sample := range rec.samples {
			good := rec.encode(nil, sample)
			for at := 0; at+4 <= len(good); at++ {
				for _, n := range []int32{-1, -2, math.MinInt32, math.MaxInt32, 1, 0} {
					b := bytes.Clone(good)
					binary.BigEndian.PutUint32(b[at:], uint32(n))
					if size := allocated(func() { _, _ = rec.decodeAll(b) }); size >= 4096 {
						t.Errorf("%s, %d at byte %d: %d bytes allocated for a frame of %d", rec.name, n, at, size, len(b))
					}
				}
			}
		}
	}
}

// TestMulti_AllocatesInProportion: the items of a multi have no count, so what
// bounds them is that each takes at least its header of 9 bytes.
func TestMulti_AllocatesInProportion(t *testing.T) {
	const items = 10_000
	results := make([]MultiResult, items)
	for i := range results {
		results[i].Op = OpCheck
	}
	b := AppendMultiResponse(nil, results)
	size := allocated(func() {
		r := NewReader(b)
		if got := r.MultiResponse(); len(got) != items || r.Finish() != nil {
			t.Errorf("%d results, error %v", len(got), r.Err())
		}
	})
	if limit := uint64(64 * len(b)); size > limit {
		t.Errorf("%d bytes allocated for %d, want at most %d", size, len(b), limit)
	}
}

// allocated returns the bytes of heap that f takes, the least of a few runs,
// because other goroutines of the test binary allocate too.
func allocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

func TestMulti_UnknownOp(t *testing.T) {
	for _, op := range []OpCode{0, OpGetData, OpPing, OpCloseSession, 999, math.MinInt32} {
		b := multiHeader{op: op, err: -1}.append(nil)
		b = AppendMultiEnd(b)
		for name, decode := range map[string]func(*Reader){
			"request":  func(r *Reader) { r.MultiRequest() },
			"response": func(r *Reader) { r.MultiResponse() },
		} {
			r := NewReader(b)
			decode(r)
			if err := r.Finish(); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), itoa(op)) {
				t.Errorf("op %d in a multi's %s: error %v, want one that names it", op, name, err)
			}
		}
	}
	// An error item belongs into a reply, never into a request.
	r := NewReader(multiHeader{op: OpError, err: -1}.append(nil))
	if r.MultiRequest(); !errors.Is(r.Err(), ErrMalformed) {
		t.Errorf("error item in a request: %v", r.Err())
	}
}

// TestMulti_ErrorItem: an error item has its code twice, and that of the body
// counts, as for other clients.
func TestMulti_ErrorItem(t *testing.T) {
	b := multiHeader{op: OpError, err: SystemError}.append(nil)
	b = AppendMultiEnd(AppendInt32(b, int32(BadVersion)))
	r := NewReader(b)
	got := r.MultiResponse()
	if want := []MultiResult{{Op: OpError, Err: BadVersion}}; !reflect.DeepEqual(got, want) || r.Finish() != nil {
		t.Errorf("%+v, %v; want %+v", got, r.Err(), want)
	}
}

func TestConnect_OldPeersOmitReadOnly(t *testing.T) {
	q := ConnectRequest{LastZxidSeen: 1, TimeoutMillis: 2, SessionID: 3, Password: somePass, ReadOnly: true}
	b := q.Append(nil)
	var got ConnectRequest
	r := NewReader(b[:len(b)-1])
	got.Decode(r)
	q.ReadOnly = false
	if err := r.Finish(); err != nil || !reflect.DeepEqual(got, q) {
		t.Errorf("request: %+v, %v", got, err)
	}
	p := ConnectResponse{TimeoutMillis: 2, SessionID: 3, Password: somePass, ReadOnly: true}
	b = p.Append(nil)
	var back ConnectResponse
	r = NewReader(b[:len(b)-1])
	back.Decode(r)
	p.ReadOnly = false
	if err := r.Finish(); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("response: %+v, %v", back, err)
	}
}

// TestFixedSizes holds the sizes that others count on when they cut buffers.
func TestFixedSizes(t *testing.T) {
	if n := len(someStat.Append(nil)); n != StatLen {
		t.Errorf("Stat has %d bytes, StatLen says %d", n, StatLen)
	}
	if n := len(ReplyHeader{}.Append(nil)); n != ReplyHeaderLen {
		t.Errorf("ReplyHeader has %d bytes, ReplyHeaderLen says %d", n, ReplyHeaderLen)
	}
	if n := len(somePass); n != PasswordLen {
		t.Errorf("a password has %d bytes, PasswordLen says %d", n, PasswordLen)
	}
}
