package link

import (
	"fmt"
	"io"

	"github.com/zookit/zookit/internal/proto"
)

const (
	readSize = 16 << 10 // the usual size of the read buffer
	// A larger buffer, up to keptSize, is kept while large replies come now and
	// then. It is dropped when it was emptied keptFor times without one.
	keptSize = 1 << 20
	keptFor  = 64
	// maxSkipped is the longest reply that is skipped. A longer one is taken for
	// garbage.
	maxSkipped = 1 << 30
)

// input cuts the stream of bytes into frames, in place. It grows with what has
// arrived, never with what is announced.
type input struct {
	buf   []byte
	calm  int // how often it was emptied since a large buffer was needed
	start int // first byte that was not consumed
	end   int // first byte that was not read
	skip  int // bytes of an oversized reply that are still to be thrown away
	limit int // of a reply
	// events is the limit of an event, where it is more than that of a reply. An
	// event that could not be read would come again with every connection.
	events int
	got    int // bytes that the last fill read
}

// shrink is called when every byte in the buffer was consumed. It gives up a large
// buffer that these bytes did not need: one above keptSize at once, another after
// keptFor such calls in a row.
func (in *input) shrink() {
	if in.end > readSize {
		in.calm = 0
		return
	}
	in.calm++
	unused := len(in.buf) > readSize && in.calm > keptFor
	if unused || len(in.buf) > keptSize {
		in.buf = make([]byte, readSize)
	}
}

// fill reads once.
func (in *input) fill(rd io.Reader) error {
	switch {
	case in.buf == nil:
		in.buf = make([]byte, readSize)
	case in.start == in.end:
		in.shrink()
		in.start, in.end = 0, 0
	case in.end == len(in.buf) && in.start > 0:
		in.end = copy(in.buf, in.buf[in.start:in.end])
		in.start = 0
	case in.end == len(in.buf):
		in.buf = append(in.buf, make([]byte, len(in.buf))...)
	}
	n, err := rd.Read(in.buf[in.end:])
	in.end += n
	in.got = n
	if n > 0 {
		return nil // an error comes again with the next read
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// next takes the next whole frame out of the stream. It returns false if more
// bytes are needed.
func (in *input) next(f *Frame) (ok bool, err error) {
	if in.skip > 0 {
		n := min(in.skip, in.end-in.start)
		in.skip -= n
		in.start += n
	}
	have := in.buf[in.start:in.end]
	if len(have) < proto.FrameHeader {
		return false, nil
	}
	size := proto.FrameLen(have)
	if size < proto.ReplyHeaderLen || size > max(maxSkipped, in.limit) {
		return false, fmt.Errorf("%w: frame of %d bytes", ErrProtocol, size)
	}
	have = have[proto.FrameHeader:]
	limit := in.limit
	if size > limit {
		if len(have) < proto.ReplyHeaderLen {
			return false, nil
		}
		if int32(proto.FrameLen(have)) == proto.XidWatchEvent {
			limit = max(limit, in.events)
		}
	}
	f.TooLarge = size > limit
	switch {
	case f.TooLarge:
		n := min(size, len(have))
		in.start += proto.FrameHeader + n
		in.skip = size - n
		have = have[:proto.ReplyHeaderLen]
	case len(have) < size:
		return false, nil
	default:
		in.start += proto.FrameHeader + size
		have = have[:size]
	}
	var r proto.Reader
	r.Reset(have)
	f.ReplyHeader.Decode(&r)
	f.Body, f.Size = have[proto.ReplyHeaderLen:], size
	return true, nil
}

// partialReply reports whether what is left over begins a reply, and not an
// event as far as can be seen.
func (in *input) partialReply() bool {
	const head = proto.FrameHeader + 4
	have := in.buf[in.start:in.end]
	if in.skip > 0 {
		return true
	}
	if len(have) < head {
		return len(have) > 0
	}
	return int32(proto.FrameLen(have[proto.FrameHeader:])) != proto.XidWatchEvent
}

// fresh returns how many of the bytes that the last fill read are left over, or
// were thrown away with an oversized reply.
func (in *input) fresh() int {
	if in.skip > 0 {
		return in.got
	}
	return min(in.got, in.end-in.start)
}
