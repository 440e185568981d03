// Package recordtest tests the encoders and decoders of the protocol's records.
// internal/proto and internal/serverproto list their records in a Suite, and
// every test and fuzz target here walks that list, so that a new record is listed
// once.
//
// It imports no package of the protocol, so that the packages' own tests can
// import it.
package recordtest

import (
	"reflect"
	"slices"
)

// A Suite is the list of a package's records.
type Suite struct {
	Records   []Record
	Malformed error // every decoding error wraps it
}

// A Record is one kind of message body.
type Record struct {
	Name    string
	Family  string                       // the fuzz target that covers it
	Decode  func([]byte) (any, error)    // decodes one whole message
	Encode  func(b []byte, v any) []byte // appends
	Samples []any

	// Lengths are the offsets of every length and count in the encoding of
	// Samples[0].
	Lengths []int
	// Optional is the number of bytes at the end that old peers leave out.
	Optional int
}

// families returns the families of the records, each once.
func (s Suite) families() []string {
	var out []string
	for _, rec := range s.Records {
		if !slices.Contains(out, rec.Family) {
			out = append(out, rec.Family)
		}
	}
	return out
}

// equal compares two decoded values. A null vector is encoded as an empty one,
// so the two count as equal. Null and empty buffers do not.
func equal(a, b any) bool {
	return reflect.DeepEqual(fillVectors(reflect.ValueOf(a)).Interface(), fillVectors(reflect.ValueOf(b)).Interface())
}

// fillVectors copies v and replaces every nil vector in it by an empty one.
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
