package zktest

import (
	"sync/atomic"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest/internal/wire"
)

// Request is what a hook set with OnRequest is told of a request, before it is
// executed.
type Request struct {
	Server  int // the member that has received it, from 1
	Session int64
	Xid     int32
	Op      string // "create", "delete", "exists", "get", "set", "children", "sync", "ping", "multi", "getACL", "setACL", "addWatch", "removeWatches", "checkWatches", "reconfig", "setWatches", "auth", "closeSession"
	Path    string // of a multi, that of its first op; "" if there is none
}

// Connect is what a hook set with OnConnect is told of a handshake.
type Connect struct {
	Server   int
	Session  int64 // the session to resume, or 0
	LastZxid int64
	ReadOnly bool // the client accepts a read-only server
}

// Verdict says what becomes of a request or handshake. The zero value is Pass.
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
	// Pass executes and answers as if there were no hook.
	Pass = Verdict{}
	// DropReply executes, and swallows exactly this reply; what comes behind
	// it is answered.
	DropReply = Verdict{kind: dropReply}
	// DropReplyAndCut executes, and resets the connection without the reply.
	// The replies before it are sent.
	DropReplyAndCut = Verdict{kind: dropReplyAndCut}
	// CutBefore resets the connection without executing. The replies before it
	// are sent.
	CutBefore = Verdict{kind: cutBefore}
	// Hang neither executes nor answers, nor anything behind it on this
	// connection, which stays open and goes on to receive events.
	Hang = Verdict{kind: hang}
)

// CutReplyAfter executes, sends the first n bytes of the reply, its length of
// four bytes included, and resets the connection.
func CutReplyAfter(n int) Verdict { return Verdict{kind: cutReplyAfter, n: n} }

// Fail answers with an error code, for instance -101, without executing. A
// handshake is answered, whatever the code, as if the session had expired.
func Fail(code int32) Verdict { return Verdict{kind: fail, code: proto.ErrCode(code)} }

// RawReply answers with these bytes behind the frame's length, without
// executing.
func RawReply(body []byte) Verdict { return Verdict{kind: rawReply, raw: body} }

// OnRequest sets the hook that every request is shown to; nil removes it. The
// hook runs on the goroutine of the connection, in the order of the requests of
// that connection and concurrently with those of others; it may call the server
// and may block, which delays its own connection (and Close).
func (s *Server) OnRequest(f func(Request) Verdict) { setHook(&s.onRequest, f) }

// OnConnect is OnRequest for handshakes. DropReply opens or resumes the session
// and says nothing.
func (s *Server) OnConnect(f func(Connect) Verdict) { setHook(&s.onConnect, f) }

func setHook[T any](at *atomic.Pointer[func(T) Verdict], f func(T) Verdict) {
	if f == nil {
		at.Store(nil)
		return
	}
	at.Store(&f)
}

// describe reads what a hook is told out of a request.
func (c *conn) describe(h proto.RequestHeader, body []byte) Request {
	q := Request{Server: c.member.id, Session: c.session.id, Xid: h.Xid, Op: h.Op.String()}
	r := proto.NewReader(body)
	switch h.Op {
	case proto.OpPing, proto.OpAuth, proto.OpSetWatches, proto.OpSetWatches2, proto.OpReconfig, proto.OpCloseSession:
	case proto.OpMulti:
		if ops := wire.DecodeMulti(r); len(ops) > 0 {
			q.Path = ops[0].Path
		}
	default:
		q.Path = r.String()
	}
	return q
}
