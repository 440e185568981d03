package link

import (
	"cmp"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// Frame is a reply or an event.
type Frame struct {
	proto.ReplyHeader
	Body     []byte // valid until Receive returns
	Size     int    // of the header and the body
	TooLarge bool   // it was larger than its limit, and its body was skipped
	// Request is the request that a reply answers, nil for an event. The request of a
	// ping has no Owner.
	Request *Request
}

// readLoop is the reader's goroutine.
func (l *Link) readLoop() {
	l.guarded(func() error {
		for {
			if err := l.readSome(); err != nil {
				return err
			}
		}
	})
}

// readSome reads once and delivers every whole frame. If a frame is bad, it still
// delivers the frames before it.
func (l *Link) readSome() error {
	if err := l.in.fill(l.nc); err != nil {
		return err
	}
	bad := l.cut()
	now := l.cfg.Now()
	n, heard, unmatched := l.match(now)
	var refused error
	if n > 0 || heard {
		refused = l.h.Receive(now, l.batch[:n], heard)
	}
	clear(l.batch)
	if err := cmp.Or(refused, unmatched, bad); err != nil {
		return err
	}
	if l.delivering { // only the reader sets it
		l.writeDelivered()
	}
	return nil
}

// cut fills the batch with the whole frames of the input. The error says what is
// wrong with the frame behind them.
func (l *Link) cut() error {
	l.batch = l.batch[:0]
	for {
		n := len(l.batch)
		l.batch = append(l.batch, Frame{})
		if ok, err := l.in.next(&l.batch[n]); !ok {
			l.batch = l.batch[:n]
			return err
		}
	}
}

// match finds the request of every reply in the batch. It returns how many frames
// were matched, and whether the server was heard (see Handler.Receive). The error
// says what is wrong with the first frame that does not match.
func (l *Link) match(now time.Time) (n int, heard bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, false, l.err // TakeBack returns what is left in sent
	}
	l.pace.roll(now, l.cfg.PaceWindow)
	replies, waiting := 0, 0
	for n < len(l.batch) && err == nil {
		f := &l.batch[n]
		switch f.Xid {
		case proto.XidWatchEvent:
			// An event answers no request: there is nothing to match.
		case proto.XidPing:
			err = l.matchPing(f)
		case proto.XidAuth:
			err = l.matchAuth(f)
		default:
			err = l.matchReply(f)
			if err == nil {
				replies++
				if f.Request.Waits {
					waiting++
				}
			}
		}
		if err == nil {
			n++
		}
	}
	switch {
	case replies > 0:
		l.lastReply = now
		heard = true
	case l.in.partialReply():
		heard = l.arrived(now, l.in.fresh())
	}
	l.delivering = waiting > 1
	if !l.delivering {
		l.wakeForRest()
	}
	return n, heard, err
}

func (l *Link) matchPing(f *Frame) error {
	if len(l.pings) == 0 {
		return fmt.Errorf("%w: reply to a ping that was not sent", ErrProtocol)
	}
	f.Request = l.pings[0]
	l.pings = l.pings[1:]
	return nil
}

// matchAuth finds the request of the reply to a credential. The server answers it when
// it has read it. Replies to requests that were written before may come later.
func (l *Link) matchAuth(f *Frame) error {
	if l.auths.len == 0 {
		return fmt.Errorf("%w: reply to a credential that was not sent", ErrProtocol)
	}
	f.Request = l.auths.pop()
	return nil
}

func (l *Link) matchReply(f *Frame) error {
	r := l.sent.head()
	if r == nil || r.Xid != f.Xid {
		return fmt.Errorf("%w: reply to no request, xid %d", ErrProtocol, f.Xid)
	}
	l.sent.pop()
	l.pace.current++
	f.Request = r
	return nil
}
