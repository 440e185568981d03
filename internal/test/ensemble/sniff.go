package ensemble

import (
	"encoding/binary"
	"slices"

	"github.com/zookit/zookit/internal/proto"
)

// Swallow describes a request whose reply is to be dropped, or after which the
// connection is to be cut.
type Swallow struct {
	// Ops are op codes of the protocol (1 create and every newer form of it, 2
	// delete, 5 set, 14 multi, …). Empty means any op code but a ping (11), which
	// must be named.
	Ops []int32
	// Session is the session of the request. 0 means any session.
	Session int64
	// Cut resets the connection instead of the reply.
	Cut bool
}

// swallow is an order that waits for its request, or for the reply to it.
type swallow struct {
	Swallow
	forward  bool          // cut when the request was sent to the server
	happened chan struct{} // closed when the order has taken effect
}

// SwallowNext passes the next matching request to the server, and drops its reply:
// the server has executed a request whose result the client never learns. Without
// Cut, later replies still arrive.
//
// The channel is closed when the reply was dropped. If the connection breaks before
// the reply, the order stays for the next matching request. cancel withdraws an
// order that has no request yet. There may be several orders. Each request is used
// for the oldest order that it matches.
func (p *Proxy) SwallowNext(s Swallow) (happened <-chan struct{}, cancel func()) {
	return p.order(&swallow{Swallow: s, happened: make(chan struct{})})
}

// CutAfterForward cuts the connection when the next matching request was sent to
// the server, without waiting for the reply. The client sees a reset, and may
// reconnect before the server has executed the request. Swallow.Cut has no effect
// here. The channel and cancel are as in SwallowNext.
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

// rearm returns orders to the list whose reply will not arrive.
func (p *Proxy) rearm(doomed map[int32]*swallow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range doomed {
		p.swallow = append(p.swallow, w)
	}
}

// fits reports whether a request matches.
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

// sniffer is what a link knows about the session of its connection.
type sniffer struct {
	greeted [2]bool // by direction: the handshake has passed
	session int64
	doomed  map[int32]*swallow // by xid
	mute    bool               // about to be cut: the server's reply is too late
}

// inspect examines a chunk that is about to pass. It returns whether the chunk may
// pass, and what to do afterwards. The returned function returns true if it has
// ended the link.
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
			// Close the server's side in order, so that the request is not lost
			// with the connection.
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

// greeting records the session of a ConnectResponse.
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

// forwarded counts a request and returns the order that it matches, if any.
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
