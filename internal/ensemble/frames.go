package ensemble

import (
	"bytes"
	"encoding/binary"

	"github.com/zookit/zookit/internal/proto"
)

// splitter takes the next chunk from the front of b, what a stream has sent and
// nobody has taken. It returns how many bytes it used; 0: more must come first.
// The chunk does not alias b.
type splitter func(b []byte) (c chunk, used int)

// anyBytes passes on whatever has come.
func anyBytes(b []byte) (chunk, int) { return chunk{data: bytes.Clone(b)}, len(b) }

// maxFrame bounds what is taken for a frame of the client protocol; the first
// one, a handshake, is small. Above it are four-letter words and their answers,
// which as a length are some billion, or a stream that is broken.
const (
	maxFrame     = 64 << 20
	maxHandshake = 1 << 20
)

// frames splits a stream of the client protocol, and passes on any other.
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

// announcement rewrites what a server says first when it dials the election
// port of another: int64 version (negative), int64 id, then its own election
// address as int32 length and text. The other, if its id is higher, hangs up
// and dials that address. So the address is replaced by that of the proxy on
// the way back, or every second election link would pass the proxies by.
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
			done = true // not an announcement; the server will see to it
			return anyBytes(b)
		}
		if len(b) < head+size {
			return chunk{}, 0
		}
		done = true
		return chunk{data: proto.AppendString(bytes.Clone(b[:head-4]), back)}, head + size
	}
}
