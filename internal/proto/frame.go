package proto

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// FrameHeader is the size of the length before each frame's body.
const FrameHeader = 4

// BeginFrame appends room for a frame's length, which EndFrame fills in.
func BeginFrame(b []byte) []byte { return append(b, 0, 0, 0, 0) }

// EndFrame writes the length of the frame that BeginFrame started at b[start].
func EndFrame(b []byte, start int) []byte {
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-FrameHeader))
	return b
}

// FrameLen returns the length of the body, which is in the first four bytes of b.
func FrameLen(b []byte) int { return int(int32(binary.BigEndian.Uint32(b))) }

// ReadFrame reads one whole frame from rd and returns its body. It overwrites
// buf, and it returns the body in buf if buf has room for it and for a length.
//
// A length that is negative or above limit is an error that wraps ErrMalformed.
// If rd ends between two frames, the error is io.EOF itself. Memory grows with
// the bytes that arrive, not with the announced length.
func ReadFrame(rd io.Reader, buf []byte, limit int) ([]byte, error) {
	// The length is read into buf as well. A local array would escape through
	// rd: one allocation for each frame.
	head := slices.Grow(buf[:0], FrameHeader)[:FrameHeader]
	if _, err := io.ReadFull(rd, head); err != nil {
		return nil, err
	}
	n := FrameLen(head)
	if n < 0 || n > limit {
		return nil, fmt.Errorf("%w: frame length %d, limit %d", ErrMalformed, n, limit)
	}
	buf = head[:0]
	for len(buf) < n {
		have := len(buf)
		step := min(n-have, max(cap(buf)-have, 4096, have))
		buf = slices.Grow(buf, step)[:have+step]
		if _, err := io.ReadFull(rd, buf[have:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return buf, nil
}
