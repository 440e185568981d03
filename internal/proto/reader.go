package proto

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by every decoding error.
var ErrMalformed = errors.New("malformed message")

// Reader takes values from one message. Its first error sticks: after it every
// method returns a zero value, so a decoder checks once, at its end.
type Reader struct {
	b   []byte
	off int
	err error
}

// NewReader returns a Reader of b. The values that it returns do not alias b.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Reset makes the Reader read b from its start.
func (r *Reader) Reset(b []byte) { *r = Reader{b: b} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Left returns how many bytes have not been taken.
func (r *Reader) Left() int { return len(r.b) - r.off }

// Finish returns the first error, or an error if bytes are left over: a message
// that is longer than its record was not understood.
func (r *Reader) Finish() error {
	if r.err == nil && r.Left() != 0 {
		r.Fail("%d bytes after the end", r.Left())
	}
	return r.err
}

// Fail records an error that wraps ErrMalformed, unless there is one already.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s (at byte %d of %d)", ErrMalformed, fmt.Sprintf(format, args...), r.off, len(r.b))
	}
}

func (r *Reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > r.Left() {
		r.Fail("want %d bytes, %d left", n, r.Left())
		return nil
	}
	b := r.b[r.off : r.off+n]
	r.off += n
	return b
}

// Int32 takes a big-endian int32.
func (r *Reader) Int32() int32 {
	if b := r.take(4); b != nil {
		return int32At(b, 0)
	}
	return 0
}

// Int64 takes a big-endian int64.
func (r *Reader) Int64() int64 {
	if b := r.take(8); b != nil {
		return int64At(b, 0)
	}
	return 0
}

func int32At(b []byte, at int) int32 { return int32(binary.BigEndian.Uint32(b[at:])) }

func int64At(b []byte, at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }

// Bool takes one byte, which is 0 or 1.
func (r *Reader) Bool() bool {
	b := r.take(1)
	if b == nil {
		return false
	}
	if b[0] > 1 {
		r.Fail("bool is %d", b[0])
	}
	return b[0] == 1
}

// bytes takes a length and that many bytes; nil for the null length -1.
func (r *Reader) bytes() []byte {
	n := r.Int32()
	switch {
	case r.err != nil || n == -1:
		return nil
	case n < 0:
		r.Fail("negative length %d", n)
		return nil
	}
	return r.take(int(n))
}

// Buffer takes a buffer and copies it. Null (-1) is nil; empty is not nil.
func (r *Reader) Buffer() []byte {
	b := r.bytes()
	if b == nil {
		return nil
	}
	out := make([]byte, len(b)) // half the time of bytes.Clone
	copy(out, b)
	return out
}

// String takes a string. Null is "": no field of the protocol tells them apart.
func (r *Reader) String() string { return string(r.bytes()) }

// Count takes the count of a vector whose items have at least size bytes each,
// so that a hostile count never makes anyone allocate more than has arrived.
// Null (-1) is reported by ok = false, with a count of 0.
func (r *Reader) Count(size int) (n int, ok bool) {
	c := r.Int32()
	switch {
	case r.err != nil || c == -1:
		return 0, false
	case c < 0:
		r.Fail("negative count %d", c)
		return 0, false
	case int(c) > r.Left()/size:
		r.Fail("count %d, but only %d bytes left", c, r.Left())
		return 0, false
	}
	return int(c), true
}

// Strings takes a vector of strings; null is nil. All share one backing
// string: two allocations whatever their number, and whoever keeps one name
// keeps them all.
func (r *Reader) Strings() []string {
	n, ok := r.Count(4)
	if !ok {
		return nil
	}
	start := r.off
	for range n {
		r.bytes()
	}
	if r.err != nil {
		return nil
	}
	all := string(r.b[start:r.off])
	out := make([]string, n)
	off := 0
	for i := range out {
		l := max(0, int(int32(binary.BigEndian.Uint32(r.b[start+off:]))))
		off += 4
		out[i] = all[off : off+l]
		off += l
	}
	return out
}

// Skip passes over n bytes; a negative n is an error like one that is too large.
func (r *Reader) Skip(n int) { r.take(n) }

// View takes a buffer or string without a copy: what it returns is part of the
// message.
func (r *Reader) View() []byte { return r.bytes() }
