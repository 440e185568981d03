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
	Body     []byte   // valid until Receive returns
	Size     int      // of the header and the body
	TooLarge bool     // it was over its limit: the body was skipped
	Request  *Request // that it answers; nil for an event. That of a ping has no Owner
}

// readLoop is the reader.
func (l *Link) readLoop() {
	l.guarded(func() error {
		for {
			if err := l.readSome(); err != nil {
				return err
			}
		}
	})
}

// readSome reads once and delivers every frame that is whole. Frames before a bad
// one are good.
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
	if l.delivering { // which only the reader sets
		l.writeDelivered()
	}
	return nil
}

// cut fills the batch with the frames that are whole. It returns what is wrong with
// the next one.
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

// match gives every reply of the batch its request. It returns how many frames
// were matched, whether the server was heard (see Handler.Receive), and what is
// wrong with the first frame that does not match.
func (l *Link) match(now time.Time) (n int, heard bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, false, l.err // what is left in sent is for TakeBack
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
