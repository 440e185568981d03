package zktest

import (
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// call is one request while the server executes it. A connection has one call,
// which it uses for one request after the other.
type call struct {
	c   *conn
	h   proto.RequestHeader
	op  operation    // of the request
	r   proto.Reader // of the request's body
	out []byte       // the frame of the reply, as far as it is encoded
}

// bodyStart is the offset of the body in a reply's frame.
const bodyStart = proto.FrameHeader + proto.ReplyHeaderLen

var (
	// errFinished says that the connection is closed, or that the writer will
	// close it.
	errFinished = errors.New("the server ended the connection")
	errPeerGone = errors.New("the client closed the connection")
)

// handle decodes, executes and answers one request. If it returns an error, the
// connection ends.
func (c *conn) handle(frame []byte) error {
	s, q := c.server, &c.call
	q.r.Reset(frame)
	q.h = serverproto.DecodeRequestHeader(&q.r)
	if err := q.r.Err(); err != nil {
		return fmt.Errorf("request header: %w", err)
	}
	q.op = operations[q.h.Op]
	s.requests.Add(1)

	body := frame[len(frame)-q.r.Left():]
	v, err := askHook(c, &s.onRequest, func() Request { return q.describe(body) })
	if err != nil {
		return err
	}
	if err := c.enter(q.op.need); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if c.moved && q.op.need == needQuorum && q.h.Op != proto.OpCloseSession {
		c.end(thenClose) // the leader refuses the write: the session has moved to another member
		return errFinished
	}
	if !q.authenticates() && !q.unauthenticated() {
		c.touch()
	}
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

// enter waits until the member can execute a request that needs n. It returns
// with Server.mu locked, or with an error and Server.mu unlocked.
func (c *conn) enter(n need) error {
	for {
		c.server.mu.Lock()
		if c.over {
			c.server.mu.Unlock()
			return errFinished
		}
		if !c.member.cannotExecute(n) {
			return nil
		}
		changed := c.member.changed.C()
		c.server.mu.Unlock()
		c.out.flush() // the replies to earlier requests must not wait as well
		// If the client closes the connection meanwhile, the request stays. It
		// is executed when the fault ends, like bytes in the buffers of a real
		// server, unless the session has moved to another member.
		select {
		case <-changed:
		case <-c.done:
			return errFinished
		}
	}
}

// applyBefore applies a verdict under which the request is not executed.
func (c *conn) applyBefore(v Verdict) error {
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
		case <-peerGone(c.raw):
			return errPeerGone
		}
	}
	return nil
}

// send sends a frame, or the part of it that the verdict leaves.
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

// finishReply encodes the header. A reply with an error has no body.
func (q *call) finishReply(code proto.ErrCode) {
	zxid := q.c.member.view.zxid
	switch {
	case q.authenticates(), code == proto.SessionClosedRequireSaslAuth:
		zxid = 0 // the server answers before the request reaches the tree
	case q.unknown():
		zxid = -1
	}
	if code != proto.OK {
		q.startReply()
		if q.h.Op == proto.OpSASL {
			q.out = proto.AppendBuffer(q.out, nil) // that one has a body all the same
		}
	}
	h := proto.ReplyHeader{Xid: q.h.Xid, Zxid: zxid, Err: code}
	serverproto.AppendReplyHeader(q.out[:proto.FrameHeader], h)
}

// startReply makes room for the length and the header. The body is appended then.
func (q *call) startReply() {
	q.out = append(q.out[:0], make([]byte, bodyStart)...)
}
