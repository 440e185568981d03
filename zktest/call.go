package zktest

import (
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/proto"
)

// call is one request while it is executed. A connection has one, used again
// and again.
type call struct {
	c   *conn
	h   proto.RequestHeader
	r   proto.Reader // of the body
	out []byte       // the reply's frame so far
}

// bodyStart is where the body of a reply begins in its frame.
const bodyStart = proto.FrameHeader + proto.ReplyHeaderLen

var (
	// errFinished says that the writer is going to close the connection, or
	// that somebody else has.
	errFinished = errors.New("finished by the server")
	errPeerGone = errors.New("closed by the client")
)

// need is what a request needs besides its own member.
type need uint8

const (
	needMember need = iota // the member alone
	needLeader             // the leader has to be asked
	needQuorum             // a transaction has to be committed
)

func needOf(op proto.OpCode) need {
	switch op {
	case proto.OpSync:
		return needLeader
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL,
		proto.OpDelete, proto.OpSetData, proto.OpSetACL, proto.OpCheck, proto.OpMulti,
		proto.OpReconfig, proto.OpCloseSession:
		return needQuorum
	}
	return needMember
}

// handle reads, executes and answers one request. Its error ends the
// connection.
func (c *conn) handle(frame []byte) error {
	s, q := c.server, &c.call
	q.r.Reset(frame)
	q.h.Decode(&q.r)
	if err := q.r.Err(); err != nil {
		return fmt.Errorf("request header: %w", err)
	}
	s.requests.Add(1)

	var v Verdict
	if hook := s.onRequest.Load(); hook != nil {
		// Like every request that a silenced member has not read yet, it stays
		// unseen until the silence is over.
		if err := c.enter(needMember); err != nil {
			return err
		}
		s.mu.Unlock()
		v = (*hook)(c.describe(q.h, frame[len(frame)-q.r.Left():]))
		if err := c.before(v); err != nil {
			return err
		}
	}

	if err := c.enter(needOf(q.h.Op)); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if c.moved && needOf(q.h.Op) == needQuorum && q.h.Op != proto.OpCloseSession {
		c.end(thenClose) // the leader refuses it: the session has another owner now
		return errFinished
	}
	c.touch()
	ends := false
	switch v.kind {
	case rawReply:
		q.out = append(proto.BeginFrame(q.out[:0]), v.raw...)
	case fail:
		q.finishReply(v.code)
	default:
		code := q.execute()
		q.finishReply(code)
		ends = q.ends(code)
	}
	q.out = proto.EndFrame(q.out, 0)
	c.send(q.out, v)
	if ends {
		c.end(thenClose)
	}
	if c.over {
		return errFinished
	}
	return nil
}

// enter waits until the member can serve a request that needs n, and returns
// with Server.mu held; or it returns an error without.
func (c *conn) enter(n need) error {
	for {
		c.server.mu.Lock()
		if c.over {
			c.server.mu.Unlock()
			return errFinished
		}
		if !c.member.withholds(n) {
			return nil
		}
		changed := c.member.changed
		c.server.mu.Unlock()
		c.out.flush() // what came before is not to wait too
		// A client that goes away meanwhile does not take back what it has
		// sent: like bytes in the buffers of a real server it is executed when
		// the fault is over, unless its session has moved on.
		select {
		case <-changed:
		case <-c.done:
			return errFinished
		}
	}
}

// before applies a verdict that keeps the request from being executed.
func (c *conn) before(v Verdict) error {
	switch v.kind {
	case cutBefore:
		c.server.mu.Lock()
		c.end(thenReset)
		c.server.mu.Unlock()
		return errFinished
	case hang:
		c.out.flush()
		select {
		case <-c.done:
			return errFinished
		case <-peerGone(c.nc):
			return errPeerGone
		}
	}
	return nil
}

// send puts a frame, or what a verdict leaves of it.
func (c *conn) send(frame []byte, v Verdict) {
	switch v.kind {
	case dropReply:
	case dropReplyAndCut:
		c.end(thenReset)
	case cutReplyAfter:
		c.out.put(frame[:min(max(v.n, 0), len(frame))])
		c.end(thenReset)
	default:
		c.out.put(frame)
	}
}

// finishReply writes the header. A reply with an error has no body.
func (q *call) finishReply(code proto.ErrCode) {
	zxid := q.c.member.view.zxid
	switch {
	case q.h.Op == proto.OpAuth:
		zxid = 0 // answered before it reaches the tree
	case q.c.server.unknown(q.h.Op):
		zxid = -1
	}
	if code != proto.OK {
		q.startReply()
	}
	h := proto.ReplyHeader{Xid: q.h.Xid, Zxid: zxid, Err: code}
	h.Append(q.out[:proto.FrameHeader])
}

// startReply makes room for length and header, so that bodies are appended.
func (q *call) startReply() {
	q.out = append(q.out[:0], make([]byte, bodyStart)...)
}
