package proto

import (
	"errors"
	"testing"
)

// One target for each family of records; that of frames is with their tests.
// The seeds are the samples of records(), whole and with a hostile length.

func FuzzConnect(f *testing.F)       { fuzzFamily(f, "Connect") }
func FuzzHeader(f *testing.F)        { fuzzFamily(f, "Header") }
func FuzzCreate(f *testing.F)        { fuzzFamily(f, "Create") }
func FuzzPathVersion(f *testing.F)   { fuzzFamily(f, "PathVersion") }
func FuzzStat(f *testing.F)          { fuzzFamily(f, "Stat") }
func FuzzChildren(f *testing.F)      { fuzzFamily(f, "Children") }
func FuzzACL(f *testing.F)           { fuzzFamily(f, "ACL") }
func FuzzAuth(f *testing.F)          { fuzzFamily(f, "Auth") }
func FuzzMultiRequest(f *testing.F)  { fuzzFamily(f, "MultiRequest") }
func FuzzMultiResponse(f *testing.F) { fuzzFamily(f, "MultiResponse") }
func FuzzWatchEvent(f *testing.F)    { fuzzFamily(f, "WatchEvent") }
func FuzzSetWatches(f *testing.F)    { fuzzFamily(f, "SetWatches") }

// fuzzFamily decodes any bytes as every record of a family. Decoding must not
// panic, and its error must be ErrMalformed; what is decoded without an error
// must survive being encoded and decoded again.
func fuzzFamily(f *testing.F, family string) {
	var recs []record
	for _, rec := range records() {
		if rec.family != family {
			continue
		}
		recs = append(recs, rec)
		for _, s := range rec.samples {
			b := rec.encode(nil, s)
			f.Add(b)
			f.Add(b[:len(b)/2])
		}
		for _, at := range rec.lengths {
			for _, n := range []int32{-1, -2, 1<<31 - 1} {
				b := rec.encode(nil, rec.samples[0])
				f.Add(append(AppendInt32(b[:at:at], n), b[at+4:]...))
			}
		}
	}
	if len(recs) == 0 {
		f.Fatalf("no record in the family %q", family)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, rec := range recs {
			v, err := rec.decodeAll(in)
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatalf("%s: error %v does not wrap ErrMalformed", rec.name, err)
				}
				continue
			}
			again := rec.encode(nil, v)
			back, err := rec.decodeAll(again)
			if err != nil {
				t.Fatalf("%s: %+v was decoded from % x, but not from its own encoding % x: %v", rec.name, v, in, again, err)
			}
			if !equal(v, back) {
				t.Fatalf("%s changed:\nfrom %+v\nto   %+v", rec.name, v, back)
			}
		}
	})
}

// TestFamilies: a record in a family without a target would never be fuzzed.
func TestFamilies(t *testing.T) {
	targets := map[string]bool{
		"Connect": true, "Header": true, "Create": true, "PathVersion": true, "Stat": true, "Children": true, "ACL": true,
		"Auth": true, "MultiRequest": true, "MultiResponse": true, "WatchEvent": true, "SetWatches": true,
	}
	for _, rec := range records() {
		if !targets[rec.family] {
			t.Errorf("%s is in the family %q, which has no fuzz target", rec.name, rec.family)
		}
	}
}
