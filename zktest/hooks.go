package zktest

import (
	"sync/atomic"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// Request describes a request to the hook of OnRequest, before the server executes
// it.
type Request struct {
	Server  int   // the number of the member that received it, from 1
	Session int64 // the client's session
	Xid     int32 // as the client numbered it; pings have -2
	// Op is "create", "delete", "exists", "get", "set", "children", "sync",
	// "ping", "multi", "check", "getACL", "setACL", "addWatch", "removeWatches",
	// "checkWatches", "reconfig", "setWatches", "auth" or "closeSession".
	Op string
	// Path is the path of the request, or of the first op of a multi. It is "" if
	// there is none.
	Path string
}

// Connect describes a handshake to the hook of OnConnect.
type Connect struct {
	Server   int   // the number of the member that received it, from 1
	Session  int64 // the session to resume, or 0 for a new one
	LastZxid int64 // the last zxid that the client has seen
	ReadOnly bool  // the client accepts a read-only server
}

// Verdict is a hook's decision about a request or handshake. The zero value is
// Pass.
type Verdict struct {
	kind verdictKind
	code proto.ErrCode
	n    int
	raw  []byte
}

type verdictKind uint8

const (
	pass verdictKind = iota
	dropReply
	dropReplyAndCut
	cutReplyAfter
	cutBefore
	hang
	fail
	rawReply
)

// The verdicts without a parameter.
var (
	// Pass executes and answers the request, as if there were no hook.
	Pass = Verdict{}
	// DropReply executes the request and drops its reply. Later requests are
	// answered.
	DropReply = Verdict{kind: dropReply}
	// DropReplyAndCut executes the request, sends the replies to earlier
	// requests, and resets the connection.
	DropReplyAndCut = Verdict{kind: dropReplyAndCut}
	// CutBefore does not execute the request. It sends the replies to earlier
	// requests and resets the connection.
	CutBefore = Verdict{kind: cutBefore}
	// Hang neither executes nor answers the request, nor any later request on
	// this connection. The connection stays open and still gets events.
	Hang = Verdict{kind: hang}
)

// CutReplyAfter executes the request, sends the first n bytes of the reply's frame
// and resets the connection. The frame begins with its length of four bytes.
func CutReplyAfter(n int) Verdict { return Verdict{kind: cutReplyAfter, n: n} }

// Fail does not execute the request. It answers with an error code of the
// protocol, for instance -101 for NoNode. A handshake is answered as if the
// session had expired, whatever the code.
func Fail(code int32) Verdict { return Verdict{kind: fail, code: proto.ErrCode(code)} }

// RawReply does not execute the request. It answers with a frame that has this
// body.
func RawReply(body []byte) Verdict { return Verdict{kind: rawReply, raw: body} }

// OnRequest sets the hook that the server calls with every request before it
// executes it; nil removes the hook.
//
// The hook runs on the goroutine of the connection. It gets the requests of one
// connection in their order, and those of several connections concurrently. It may
// call the server, and it may block, which delays its own connection and Close.
func (s *Server) OnRequest(f func(Request) Verdict) { setHook(&s.onRequest, f) }

// OnConnect is OnRequest for handshakes. DropReply opens or resumes the session
// without an answer.
func (s *Server) OnConnect(f func(Connect) Verdict) { setHook(&s.onConnect, f) }

func setHook[T any](at *atomic.Pointer[func(T) Verdict], f func(T) Verdict) {
	if f == nil {
		at.Store(nil)
		return
	}
	at.Store(&f)
}

// askHook calls a hook, if there is one, and returns its verdict. If the request must
// not be executed under the verdict, askHook applies it and returns an error.
func askHook[T any](c *conn, at *atomic.Pointer[func(T) Verdict], describe func() T) (Verdict, error) {
	hook := at.Load()
	if hook == nil {
		return Pass, nil
	}
	// A silenced member has not read the request yet. So the hook must not see it
	// before the silence ends.
	if err := c.enter(needMember); err != nil {
		return Pass, err
	}
	c.server.mu.Unlock()
	v := (*hook)(describe())
	return v, c.applyBefore(v)
}

// describe returns the Request for a hook.
func (q *call) describe(body []byte) Request {
	out := Request{Server: q.c.member.id, Session: q.c.session.id, Xid: q.h.Xid, Op: q.h.Op.String()}
	r := proto.NewReader(body)
	switch {
	case q.h.Op == proto.OpMulti:
		if ops := serverproto.DecodeMulti(r); len(ops) > 0 {
			out.Path = ops[0].Path
		}
	case q.h.Op == proto.OpMultiRead:
		if ops := serverproto.DecodeMultiRead(r); len(ops) > 0 {
			out.Path = ops[0].Path
		}
	case !q.op.pathless:
		out.Path = r.String()
	}
	return out
}
