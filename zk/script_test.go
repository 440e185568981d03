package zk_test

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
)

// script is a server that sends what a test wants, byte by byte. Each connection is
// served by the next of its functions. When there are no more, it refuses
// connections.
type script struct {
	mu      sync.Mutex
	play    []func(*scripted)
	timeout []time.Duration // that the connection grants; 6 s where there is none
	dials   int
	running sync.WaitGroup
}

// scripted is one connection of a script.
type scripted struct {
	nc       net.Conn
	in       *bufio.Reader // of nc: takes a whole Write of the client at once
	timeout  time.Duration // of the session
	hello    proto.ConnectRequest
	requests chan asked // closed when the client has gone
	first    bool       // of the script: a ping with the handshake is answered
}

// asked is one request.
type asked struct {
	proto.RequestHeader
	body []byte
}

// client returns a client of the script. The script may not answer closeSession, so
// Close is bounded and may end unconfirmed.
func (s *script) client(t testing.TB, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	cfg := zk.Config{Servers: "script:1", DialContext: s.dial, SessionTimeout: 6 * time.Second}
	cfg.Logger = slog.New(noPanic{t, slog.DiscardHandler})
	for _, f := range change {
		f(&cfg)
	}
	c, err := zk.Connect(inTime(t), cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			require.ErrorIs(t, err, zk.ErrUnconfirmed)
		}
		s.running.Wait()
	})
	return c
}

// noPanic fails the test when the client reports that it has recovered from a
// panic of its own.
type noPanic struct {
	t testing.TB
	slog.Handler
}

func (noPanic) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

func (h noPanic) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "panic") {
		r.Attrs(func(a slog.Attr) bool { h.t.Errorf("%s: %v", r.Message, a); return true })
	}
	return nil
}

func (s *script) dial(context.Context, string, string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dials == len(s.play) {
		return nil, syscall.ECONNREFUSED
	}
	play, timeout := s.play[s.dials], 6*time.Second
	if s.dials < len(s.timeout) {
		timeout = s.timeout[s.dials]
	}
	c := &scripted{timeout: timeout, requests: make(chan asked, 1<<16), first: s.dials == 0}
	s.dials++
	client, server := net.Pipe()
	c.nc, c.in = server, bufio.NewReader(server)
	s.running.Go(func() {
		defer server.Close()
		if c.greet() {
			s.running.Go(c.read)
			play(c)
		}
	})
	return client, nil
}

// greet answers the handshake, and on the first connection the ping that a client without
// credentials sends with it.
func (c *scripted) greet() bool {
	body, err := proto.ReadFrame(c.in, nil, 1<<20)
	if err != nil {
		return false
	}
	c.hello = serverproto.DecodeConnectRequest(proto.NewReader(body))
	p := proto.ConnectResponse{TimeoutMillis: int32(c.timeout.Milliseconds()), SessionID: 7, Password: make([]byte, proto.PasswordLen)}
	if c.say(proto.EndFrame(serverproto.AppendConnectResponse(proto.BeginFrame(nil), p), 0)) != nil {
		return false
	}
	if !c.first {
		return true
	}
	if c.in.Buffered() == 0 {
		return true // a client with credentials
	}
	q, ok := c.next()
	return ok && c.say(good(q)) == nil
}

// next reads one request.
func (c *scripted) next() (q asked, ok bool) {
	body, err := proto.ReadFrame(c.in, nil, 2<<20)
	if err != nil {
		return q, false
	}
	r := proto.NewReader(body)
	q.RequestHeader = serverproto.DecodeRequestHeader(r)
	q.body = body[len(body)-r.Left():]
	return q, true
}

func (c *scripted) read() {
	defer close(c.requests)
	for {
		q, ok := c.next()
		if !ok {
			return
		}
		c.requests <- q
	}
}

// say writes bytes as they are.
func (c *scripted) say(b []byte) error {
	_, err := c.nc.Write(b)
	return err
}

// frame returns a body behind its length.
func frame(body []byte) []byte { return proto.EndFrame(append(proto.BeginFrame(nil), body...), 0) }

// replyTo returns a reply's frame.
func replyTo(xid int32, zxid int64, code proto.ErrCode, body []byte) []byte {
	return frame(append(serverproto.AppendReplyHeader(nil, proto.ReplyHeader{Xid: xid, Zxid: zxid, Err: code}), body...))
}

// event returns the frame of a watch event.
func event(zxid int64, typ proto.EventType, path string) []byte {
	e := proto.WatchEvent{Type: typ, State: proto.StateSyncConnected, Path: path}
	return replyTo(proto.XidWatchEvent, zxid, proto.OK, serverproto.AppendWatchEvent(nil, e))
}

var aStat = proto.Stat{Czxid: 5, Mzxid: 6, Version: 1}

// good returns the good answer to a request.
func good(q asked) []byte {
	var body []byte
	switch q.Op {
	case proto.OpGetData:
		body = serverproto.AppendStat(proto.AppendBuffer(nil, []byte("x")), aStat)
	case proto.OpExists, proto.OpSetData, proto.OpSetACL:
		body = serverproto.AppendStat(nil, aStat)
	case proto.OpGetChildren2:
		body = serverproto.AppendStat(proto.AppendStrings(nil, []string{"a"}), aStat)
	case proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		body = serverproto.AppendMultiResult(nil, proto.MultiResult{Op: proto.OpCreate2, Path: proto.NewReader(q.body).String(), Stat: aStat})
	case proto.OpSync:
		body = proto.AppendString(nil, "/")
	case proto.OpGetACL:
		body = serverproto.AppendStat(proto.AppendACLs(nil, []proto.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}), aStat)
	case proto.OpAddWatch:
		body = proto.AppendInt32(nil, 0)
	case proto.OpMulti:
		body = serverproto.AppendMultiResponse(nil, []proto.MultiResult{{Op: proto.OpCheck}})
	}
	return replyTo(q.Xid, 10, proto.OK, body)
}

// serve answers the requests, with the bytes of answer where it returns any, until
// the client goes or a write fails.
func (c *scripted) serve(answer func(asked) []byte) {
	for q := range c.requests {
		var b []byte
		if answer != nil {
			b = answer(q)
		}
		if b == nil {
			b = good(q)
		}
		if c.say(b) != nil {
			return
		}
	}
}

// honest serves as a server should.
func honest(c *scripted) { c.serve(nil) }

// drain answers nothing until the client goes.
func (c *scripted) drain() {
	for range c.requests {
	}
}
