package ensemble

import (
	"encoding/binary"
	"slices"

	"github.com/zookit/zookit/internal/proto"
)

// Swallow describes a request: one whose reply is to vanish, or behind which
// the connection is to be cut.
type Swallow struct {
	// Ops are op codes of the protocol (1 create and every newer form of it, 2
	// delete, 5 set, 14 multi, …); none means any. A ping (11) is meant only
	// when it is named.
	Ops []int32
	// Session is whose request it is; 0 means anybody's.
	Session int64
	// Cut resets the connection in the reply's place.
	Cut bool
}

// swallow is an order that waits for its request, or has it and waits for the
// reply.
type swallow struct {
	Swallow
	forward  bool          // cut as soon as the request went to the server
	happened chan struct{} // closed when it has taken effect
}

// SwallowNext lets the next request that fits through to the server, and makes
// its reply vanish: the server has done what the client will never hear of.
// Without Cut the replies that follow still arrive.
//
// The channel is closed when that has happened. A connection that breaks before
// the reply came is not it: the order then stands for the next request. cancel
// takes an order back that has no request yet. Several orders may stand; each
// request serves the oldest one that it fits.
func (p *Proxy) SwallowNext(s Swallow) (happened <-chan struct{}, cancel func()) {
	return p.order(&swallow{Swallow: s, happened: make(chan struct{})})
}

// CutAfterForward cuts the connection when the next request that fits has gone
// to the server, without waiting for the reply: the client sees a reset and may
// be back before the server has done what it asked. Swallow.Cut means nothing
// here. The channel and cancel are those of SwallowNext.
func (p *Proxy) CutAfterForward(s Swallow) (happened <-chan struct{}, cancel func()) {
	return p.order(&swallow{Swallow: s, forward: true, happened: make(chan struct{})})
}

func (p *Proxy) order(w *swallow) (<-chan struct{}, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swallow = append(p.swallow, w)
	return w.happened, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.swallow = slices.DeleteFunc(p.swallow, func(o *swallow) bool { return o == w })
	}
}

// rearm puts orders back whose reply will not come.
func (p *Proxy) rearm(doomed map[int32]*swallow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range doomed {
		p.swallow = append(p.swallow, w)
	}
}

// fits reports whether a request is the one that is meant.
func (w *swallow) fits(xid int32, op proto.OpCode, session int64) bool {
	if w.Session != 0 && w.Session != session {
		return false
	}
	if len(w.Ops) == 0 {
		return xid > 0
	}
	switch op {
	case proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		if slices.Contains(w.Ops, int32(proto.OpCreate)) {
			return true
		}
	}
	return slices.Contains(w.Ops, int32(op))
}

// sniffer is what a link knows of the session that it carries.
type sniffer struct {
	greeted [2]bool // the handshake has passed
	session int64
	doomed  map[int32]*swallow // by xid
	mute    bool               // about to be cut: the server's answer comes too late
}

// inspect looks at a chunk that is about to pass. It returns whether it may,
// and what to do after it; that returns true when the link has ended by it.
func (l *link) inspect(dir int, c chunk) (after func() bool, pass bool) {
	if !c.framed {
		return nil, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	body := c.data[proto.FrameHeader:]
	if dir == toClient && l.seen.mute {
		return nil, false
	}
	if !l.seen.greeted[dir] {
		l.seen.greeted[dir] = true
		if dir == toClient {
			l.greeting(body)
		}
		return nil, true
	}
	if len(body) < 8 {
		return nil, true
	}
	xid := int32(binary.BigEndian.Uint32(body))
	if dir == toClient {
		w := l.seen.doomed[xid]
		if w == nil {
			return nil, true
		}
		delete(l.seen.doomed, xid)
		return func() bool {
			close(w.happened)
			if w.Cut {
				l.reset()
			}
			return w.Cut
		}, false
	}
	w := l.p.forwarded(xid, proto.OpCode(int32(binary.BigEndian.Uint32(body[4:]))), l.seen.session)
	switch {
	case w == nil:
		return nil, true
	case w.forward:
		l.seen.mute = true
		return func() bool {
			close(w.happened)
			// Closed in order on the server's side, where the request must
			// not be lost with the connection.
			_ = l.client.SetLinger(0)
			l.end(false)
			return true
		}, true
	}
	if l.over {
		l.p.rearm(map[int32]*swallow{xid: w})
		return nil, true
	}
	if l.seen.doomed == nil {
		l.seen.doomed = map[int32]*swallow{}
	}
	l.seen.doomed[xid] = w
	return nil, true
}

// greeting remembers the session of a ConnectResponse.
func (l *link) greeting(body []byte) {
	var w proto.ConnectResponse
	r := proto.NewReader(body)
	w.Decode(r)
	if r.Err() != nil || w.TimeoutMillis <= 0 {
		return
	}
	l.seen.session = w.SessionID
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.p.sessions[w.SessionID] = w.Password
}

// forwarded counts a request and returns the order that it serves, if any.
func (p *Proxy) forwarded(xid int32, op proto.OpCode, session int64) *swallow {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests[op]++
	for i, w := range p.swallow {
		if w.fits(xid, op, session) {
			p.swallow = slices.Delete(p.swallow, i, i+1)
			return w
		}
	}
	return nil
}
