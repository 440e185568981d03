package link

import (
	"fmt"
	"io"

	"github.com/zookit/zookit/internal/proto"
)

const (
	readSize = 16 << 10 // the usual size of the read buffer
	// A larger buffer, up to keptSize, is kept while large replies come now and
	// then. It is dropped when it has been emptied keptFor times without a large reply.
	keptSize = 1 << 20
	keptFor  = 64
	// maxSkipped is the longest reply that is skipped. A longer one is a protocol
	// error.
	maxSkipped = 1 << 30
)

// input cuts the stream of bytes into frames, in place. Its buffer grows with the
// bytes that have arrived, never with the length that a frame announces.
type input struct {
	buf   []byte
	calm  int // how often buf was emptied since it had to be large
	start int // buf[start:end] has not been consumed
	end   int
	skip  int // how many bytes of an oversized reply must still be dropped
	limit int // of a reply
	// events is the limit of an event, if it is larger than that of a reply. An event
	// that cannot be read would come again with every connection.
	events int
	got    int // bytes that the last fill read
}

// shrink is called when every byte in the buffer was consumed. If these bytes did
// not need a large buffer, it may replace it by a small one: a buffer above keptSize
// at once, another one after keptFor such calls in a row.
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
		return nil // the next Read returns the error again
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// next takes the next whole frame out of the stream. It returns false if the frame
// is not whole yet.
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

// partialReply reports whether the bytes that are left begin a reply. It returns
// true as long as they are too few to tell a reply from an event.
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

// fresh returns how many bytes of the last fill belong to a frame that is not whole
// yet. The dropped bytes of an oversized reply count.
func (in *input) fresh() int {
	if in.skip > 0 {
		return in.got
	}
	return min(in.got, in.end-in.start)
}
