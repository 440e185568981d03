package recordtest

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

// RoundTrip encodes and decodes every sample.
func (s Suite) RoundTrip(t *testing.T) {
	for _, rec := range s.Records {
		t.Run(rec.Name, func(t *testing.T) {
			for _, want := range rec.Samples {
				// Encoders append: a prefix that is there already must survive.
				b := rec.Encode([]byte("prefix"), want)
				if !bytes.HasPrefix(b, []byte("prefix")) {
					t.Fatalf("encoding %+v overwrote what was before it: %q", want, b)
				}
				got, err := rec.Decode(b[len("prefix"):])
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

// NoAlias decodes every first sample and then overwrites the buffer, as the next
// frame does.
func (s Suite) NoAlias(t *testing.T) {
	for _, rec := range s.Records {
		b := rec.Encode(nil, rec.Samples[0])
		v, err := rec.Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", rec.Name, err)
		}
		for i := range b {
			b[i] = 0xee
		}
		if !reflect.DeepEqual(v, rec.Samples[0]) {
			t.Errorf("%s changed with the buffer: %+v", rec.Name, v)
		}
	}
}

// TruncatedAnywhere cuts every sample at every byte.
func (s Suite) TruncatedAnywhere(t *testing.T) {
	for _, rec := range s.Records {
		t.Run(rec.Name, func(t *testing.T) {
			for i, sample := range rec.Samples {
				b := rec.Encode(nil, sample)
				for n := range b {
					// The capacity ends with the cut: a decoder that reads on panics.
					_, err := rec.Decode(slices.Clip(b[:n]))
					if n >= len(b)-rec.Optional {
						if err != nil {
							t.Errorf("sample %d without its optional end: %v", i, err)
						}
						continue
					}
					if !errors.Is(err, s.Malformed) {
						t.Errorf("sample %d, %d bytes of %d: error %v, want %v", i, n, len(b), err, s.Malformed)
					}
				}
			}
		})
	}
}

// TrailingByte adds a byte behind every sample.
func (s Suite) TrailingByte(t *testing.T) {
	for _, rec := range s.Records {
		for i, sample := range rec.Samples {
			b := append(rec.Encode(nil, sample), 0)
			if _, err := rec.Decode(b); !errors.Is(err, s.Malformed) || !strings.Contains(err.Error(), "1 bytes after the end") {
				t.Errorf("%s, sample %d: error %v, want one about the byte after the end", rec.Name, i, err)
			}
		}
	}
}

// HostileLengths puts wrong numbers into every length and count of every record.
// No decoder may believe one: it allocates nothing for it.
func (s Suite) HostileLengths(t *testing.T) {
	for _, rec := range s.Records {
		t.Run(rec.Name, func(t *testing.T) {
			good := rec.Encode(nil, rec.Samples[0])
			for _, at := range rec.Lengths {
				left := int32(len(good) - at - 4)
				if n := int32(binary.BigEndian.Uint32(good[at:])); n < 0 || n > left {
					t.Fatalf("the test is wrong: byte %d holds %d, no length", at, n)
				}
				for _, n := range []int32{-2, -3, math.MinInt32, math.MaxInt32, math.MaxInt32 / 2, 1 << 24, left + 1} {
					b := bytes.Clone(good)
					binary.BigEndian.PutUint32(b[at:], uint32(n))
					var err error
					size := Allocated(func() { _, err = rec.Decode(b) })
					if !errors.Is(err, s.Malformed) {
						t.Errorf("length %d at byte %d: error %v, want %v", n, at, err, s.Malformed)
					}
					if size >= 4096 {
						t.Errorf("length %d at byte %d: %d bytes allocated for a frame of %d", n, at, size, len(b))
					}
				}
			}
		})
	}
}

// AnyFourBytes overwrites every four bytes of every sample, also where there is
// no length. It finds a panic at a length that the record's Lengths forgot.
func (s Suite) AnyFourBytes(t *testing.T) {
	for _, rec := range s.Records {
		for _, sample := range rec.Samples {
			good := rec.Encode(nil, sample)
			for at := 0; at+4 <= len(good); at++ {
				for _, n := range []int32{-1, -2, math.MinInt32, math.MaxInt32, 1, 0} {
					b := bytes.Clone(good)
					binary.BigEndian.PutUint32(b[at:], uint32(n))
					if size := Allocated(func() { _, _ = rec.Decode(b) }); size >= 4096 {
						t.Errorf("%s, %d at byte %d: %d bytes allocated for a frame of %d", rec.Name, n, at, size, len(b))
					}
				}
			}
		}
	}
}

// Targets checks that the records' families are exactly those that have a fuzz
// target: a record in another family would never be fuzzed.
func (s Suite) Targets(t *testing.T, targets ...string) {
	families := s.families()
	slices.Sort(families)
	slices.Sort(targets)
	if !slices.Equal(families, targets) {
		t.Errorf("the records are in the families %q, but the fuzz targets are for %q", families, targets)
	}
}

// Fuzz decodes any bytes as every record of a family. Decoding must not panic,
// and its error must wrap Malformed. What is decoded without an error must
// survive being encoded and decoded again.
func (s Suite) Fuzz(f *testing.F, family string) {
	var recs []Record
	for _, rec := range s.Records {
		if rec.Family == family {
			recs = append(recs, rec)
			rec.addSeeds(f)
		}
	}
	if len(recs) == 0 {
		f.Fatalf("no record in the family %q", family)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, rec := range recs {
			v, err := rec.Decode(in)
			if err != nil {
				if !errors.Is(err, s.Malformed) {
					t.Fatalf("%s: error %v does not wrap %v", rec.Name, err, s.Malformed)
				}
				continue
			}
			again := rec.Encode(nil, v)
			back, err := rec.Decode(again)
			if err != nil {
				t.Fatalf("%s: %+v was decoded from % x, but not from its own encoding % x: %v", rec.Name, v, in, again, err)
			}
			if !equal(v, back) {
				t.Fatalf("%s changed:\nfrom %+v\nto   %+v", rec.Name, v, back)
			}
		}
	})
}

// addSeeds adds the samples: whole, cut in the middle, and with wrong lengths.
func (rec Record) addSeeds(f *testing.F) {
	for _, sample := range rec.Samples {
		b := rec.Encode(nil, sample)
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	for _, at := range rec.Lengths {
		for _, n := range []int32{-1, -2, math.MaxInt32} {
			b := rec.Encode(nil, rec.Samples[0])
			binary.BigEndian.PutUint32(b[at:], uint32(n))
			f.Add(b)
		}
	}
}

// Allocated returns the bytes of heap that f allocates. It returns the least of
// three runs, because other goroutines of the test binary allocate too.
func Allocated(f func()) uint64 {
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
