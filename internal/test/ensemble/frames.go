package ensemble

import (
	"bytes"
	"encoding/binary"

	"github.com/zookit/zookit/internal/proto"
)

// splitter takes the next chunk from the front of b, the bytes that have arrived
// and were not passed on yet. It returns how many bytes it used. 0 means that it
// needs more bytes. The chunk does not alias b.
type splitter func(b []byte) (c chunk, used int)

// anyBytes passes on all bytes that have arrived.
func anyBytes(b []byte) (chunk, int) { return chunk{data: bytes.Clone(b)}, len(b) }

// maxFrame is the longest frame of the client protocol; the first frame, a
// handshake, is small. A larger length is either a four-letter word or its answer,
// which read as a length is some billion, or a broken stream.
const (
	maxFrame     = 64 << 20
	maxHandshake = 1 << 20
)

// frames splits a stream of the client protocol into frames. It passes on any other
// stream unchanged.
func frames() splitter {
	limit := maxHandshake
	return func(b []byte) (chunk, int) {
		if limit == 0 {
			return anyBytes(b)
		}
		if len(b) < proto.FrameHeader {
			return chunk{}, 0
		}
		size := proto.FrameLen(b)
		if size < 0 || size > limit {
			limit = 0
			return anyBytes(b)
		}
		size += proto.FrameHeader
		if len(b) < size {
			return chunk{}, 0
		}
		limit = maxFrame
		return chunk{data: bytes.Clone(b[:size]), framed: true}, size
	}
}

// announcement rewrites the first message of a server that dials the election port
// of another: int64 version (negative), int64 id, then its own election address as
// int32 length and text. If the other server has the higher id, it closes the
// connection and dials that address. So announcement replaces the address by that
// of the proxy for the way back. Otherwise every second election link would bypass
// the proxies.
func announcement(back string) splitter {
	const head = 8 + 8 + 4
	done := false
	return func(b []byte) (chunk, int) {
		if done {
			return anyBytes(b)
		}
		if len(b) < head {
			return chunk{}, 0
		}
		size := int(int32(binary.BigEndian.Uint32(b[head-4:])))
		if int64(binary.BigEndian.Uint64(b)) >= 0 || size < 0 || size > 1024 {
			done = true // not an announcement; the server handles it
			return anyBytes(b)
		}
		if len(b) < head+size {
			return chunk{}, 0
		}
		done = true
		return chunk{data: proto.AppendString(bytes.Clone(b[:head-4]), back)}, head + size
	}
}
