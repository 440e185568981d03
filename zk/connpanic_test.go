package zk

import (
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk/internal/link"
)

// settlements counts how often each call got its result.
type settlements struct {
	times map[string]int
	err   map[string]error
	panic string // the call whose result makes settle panic
}

func (s *settlements) settle(cl *call) {
	s.times[cl.path]++
	s.err[cl.path] = cl.err
	if cl.path == s.panic {
		panic("in settle")
	}
}

// bareConn returns a connection without a session, of a client that has no loop. A
// function that needs the session panics. The link is not started. The calls wait to
// be written, and each has a place.
func bareConn(t *testing.T, calls ...*call) (*conn, *settlements) {
	cn, _, s := bareConnAndServer(t, calls...)
	return cn, s
}

// bareConnAndServer is bareConn that returns the server's end too.
func bareConnAndServer(t *testing.T, calls ...*call) (*conn, net.Conn, *settlements) {
	s := &settlements{times: map[string]int{}, err: map[string]error{}}
	c := &core{log: slog.New(slog.DiscardHandler), room: room{places: len(calls), taken: len(calls)}}
	for _, cl := range calls {
		cl.future = s
		cl.state.Store(callPending)
		c.queue.Push(&cl.req)
	}
	ours, theirs := net.Pipe()
	t.Cleanup(func() { theirs.Close() })
	cn := &conn{c: c, server: "server"}
	cn.link = link.New(ours, cn, link.Config{Now: time.Now, Log: c.log, ReplyLimit: 1 << 10}, &c.queue)
	t.Cleanup(func() {
		cn.link.Fail(ErrClosed)
		cn.link.Join()
	})
	return cn, theirs, s
}

// plainCall returns a read of the given path.
func plainCall(path string) *call { return (&calls{pool: &sync.Pool{}}).newCall(opGet, path) }

// brokenCall returns a read in a pipeline that is broken.
func brokenCall(path string) *call {
	cl := plainCall(path)
	cl.pipe = &Pipeline{}
	cl.pipe.breakOff(ErrTooLarge)
	return cl
}

// paths returns the paths of the calls of requests.
func paths(requests []*link.Request) (out []string) {
	for _, r := range requests {
		out = append(out, callOf(r).path)
	}
	return out
}

// endedByPanic waits for the end of a link that a panic ends, and returns the calls that
// count as sent.
func (cn *conn) endedByPanic(t *testing.T) []string {
	<-cn.link.Ended()
	cn.link.Join()
	require.ErrorIs(t, cn.link.Err(), ErrProtocol)
	require.ErrorContains(t, cn.link.Err(), "panic")
	require.True(t, cn.c.mu.TryLock(), "the client stays locked")
	cn.c.Unlock()
	var unsent link.Queue
	sent := paths(cn.link.TakeBack(&unsent))
	require.Zero(t, unsent.Len())
	return sent
}

// A panic while a batch is made ready to be written ends the connection. Every
// call of the batch is still there, once, although one before it was to be dropped.
func TestSending_PanicKeepsTheBatch(t *testing.T) {
	confirming := plainCall("c")
	confirming.confirms = true // without a session: a panic
	cn, s := bareConn(t, brokenCall("a"), plainCall("b"), confirming)
	cn.link.Start()
	require.Equal(t, []string{"a", "b", "c"}, cn.endedByPanic(t))
	require.Empty(t, s.times)
	require.Equal(t, 3, cn.c.room.taken)
}

// A panic while a call is dropped, because its pipeline is broken, ends the
// connection. The client is not locked then, and each call is either dropped or
// counts as sent.
func TestSending_PanicWhileACallIsDropped(t *testing.T) {
	for name, arm := range map[string]func(cl *call, s *settlements){
		"in its place":  func(cl *call, _ *settlements) { cl.reg.Path = "/n" }, // which was not queued: a panic
		"in its result": func(_ *call, s *settlements) { s.panic = "a" },
	} {
		t.Run(name, func(t *testing.T) {
			a := brokenCall("a")
			cn, s := bareConn(t, a, plainCall("b"), brokenCall("c"), plainCall("d"))
			arm(a, s)
			cn.link.Start()
			require.Equal(t, []string{"b", "d"}, cn.endedByPanic(t))
			require.Equal(t, map[string]int{"a": 1, "c": 1}, s.times)
			require.ErrorIs(t, s.err["a"], ErrPipelineBroken)
			require.ErrorIs(t, s.err["c"], ErrPipelineBroken)
			require.Equal(t, 2, cn.c.room.taken)
		})
	}
}

// A panic while replies are recorded, such as one in a log handler, ends the
// connection. Every call of the batch ends as lost, and gives its place back once.
func TestReceive_PanicInRecordLosesNoCall(t *testing.T) {
	for name, arm := range map[string]func(cn *conn){
		"at the first reply": func(*conn) {}, // without a session: a panic
		"behind the replies": func(cn *conn) {
			cn.sess = &Session{c: cn.c}
			cn.c.later(func() { panic("in the log") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			calls := []*call{plainCall("a"), plainCall("b"), plainCall("c")}
			var replies []byte
			size := 0
			for i, cl := range calls {
				size += len(cl.req.Frame)
				reply := serverproto.AppendReplyHeader(proto.BeginFrame(nil), proto.ReplyHeader{Xid: int32(i + 1), Zxid: 1})
				replies = append(replies, proto.EndFrame(reply, 0)...)
			}
			cn, server, s := bareConnAndServer(t, calls...)
			arm(cn)
			cn.link.Start()
			_, err := io.CopyN(io.Discard, server, int64(size))
			require.NoError(t, err)
			_, err = server.Write(replies)
			require.NoError(t, err)
			require.Empty(t, cn.endedByPanic(t))
			require.Equal(t, map[string]int{"a": 1, "b": 1, "c": 1}, s.times)
			for path, err := range s.err {
				require.ErrorIs(t, err, ErrConnectionLoss, path)
			}
			require.Zero(t, cn.c.room.taken)
			require.Zero(t, cn.zxid, "the replies are not believed")
		})
	}
}
