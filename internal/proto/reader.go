package proto

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by every decoding error.
var ErrMalformed = errors.New("malformed message")

// Reader reads values from one message. It keeps its first error, and after that
// every method returns a zero value. So a decoder checks Err once, at its end.
type Reader struct {
	b   []byte
	off int
	err error
}

// NewReader returns a Reader of b. Values do not alias b, except those of View.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Reset makes the Reader read b from its start.
func (r *Reader) Reset(b []byte) { *r = Reader{b: b} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Left returns how many bytes have not been read.
func (r *Reader) Left() int { return len(r.b) - r.off }

// Finish returns the first error. It is an error if bytes are left: a message
// that is longer than its record was misread.
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

// next returns the next n bytes of the message, or nil with an error.
func (r *Reader) next(n int) []byte {
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

// Int32 reads a big-endian int32.
func (r *Reader) Int32() int32 {
	if b := r.next(4); b != nil {
		return int32At(b, 0)
	}
	return 0
}

// Int64 reads a big-endian int64.
func (r *Reader) Int64() int64 {
	if b := r.next(8); b != nil {
		return int64At(b, 0)
	}
	return 0
}

func int32At(b []byte, at int) int32 { return int32(binary.BigEndian.Uint32(b[at:])) }

func int64At(b []byte, at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }

// Bool reads one byte, which must be 0 or 1.
func (r *Reader) Bool() bool {
	b := r.next(1)
	if b == nil {
		return false
	}
	if b[0] > 1 {
		r.Fail("bool is %d, want 0 or 1", b[0])
	}
	return b[0] == 1
}

// bytes reads a length and that many bytes. The length -1 (null) gives nil.
func (r *Reader) bytes() []byte {
	n := r.Int32()
	switch {
	case r.err != nil || n == -1:
		return nil
	case n < 0:
		r.Fail("negative length %d", n)
		return nil
	}
	return r.next(int(n))
}

// Buffer reads a buffer and copies it. Null (-1) is nil; an empty buffer is not.
func (r *Reader) Buffer() []byte {
	b := r.bytes()
	if b == nil {
		return nil
	}
	out := make([]byte, len(b)) // takes half the time of bytes.Clone
	copy(out, b)
	return out
}

// String reads a string. Null is "": in no field of the protocol do the two
// differ.
func (r *Reader) String() string { return string(r.bytes()) }

// Count reads the count of a vector whose items have at least size bytes each. A
// count that the remaining bytes cannot hold is an error, so a hostile count
// makes no decoder allocate more than has arrived. For null (-1) it returns 0 and
// false.
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

// Strings reads a vector of strings; null is nil. All strings share one backing
// string. So there are two allocations for any number of strings, and a caller
// that keeps one string keeps the memory of all.
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

// Skip skips n bytes. An n that is negative or too large is an error.
func (r *Reader) Skip(n int) { r.next(n) }

// View reads a buffer or string without a copy: the result is part of the
// message.
func (r *Reader) View() []byte { return r.bytes() }
