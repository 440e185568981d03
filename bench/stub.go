package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// stubEnv is the environment variable that makes this program the stub server.
const stubEnv = "ZOOKIT_BENCH_STUB"

// stubbed serves as the stub until the process ends, if this process was started as one.
func stubbed() bool {
	if os.Getenv(stubEnv) == "" {
		return false
	}
	fail(serveStub())
	return true
}

// startStub runs the stub in its own process. It returns the stub's address and a
// function that ends it.
func startStub() (string, func(), error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), stubEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe() // the stub ends when this pipe closes, also if this process is killed
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, fmt.Errorf("bench: stub: %w", err)
	}
	return strings.TrimSpace(addr), func() {
		in.Close()
		_ = cmd.Wait()
	}, nil
}

// serveStub is the stub's process.
func serveStub() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() { // ends this process when its parent ends
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	s := newStub()
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		go s.serve(nc)
	}
}

// stub answers every request with success and ready-made bytes. It keeps no
// nodes. It knows the watches that were set, and fires all of them when a multi
// comes.
type stub struct {
	value, large, list []byte // bodies
	stat               []byte

	mu       sync.Mutex // guards the fields below
	sessions int64
	watching map[*stubConn][]string
}

// The nodes of the workloads. The stub chooses its answers by these names.
const (
	dir       = "/bench"
	small     = dir + "/small"    // 100 bytes
	big       = dir + "/big"      // 64 KiB
	family    = dir + "/family"   // 10,000 children
	watchRoot = dir + "/watched"  // 10,000 watched nodes
	scratch   = dir + "/scratch/" // parent of nodes that are created and deleted
	members   = 10_000
	bigSize   = 64 << 10
	smallSize = 100
)

func childName(i int) string { return "member-" + strconv.Itoa(100000+i) }

func newStub() *stub {
	stat := serverproto.AppendStat(nil, proto.Stat{Czxid: 1, Mzxid: 1, NumChildren: members, DataLength: smallSize})
	names := make([]string, members)
	for i := range names {
		names[i] = childName(i)
	}
	return &stub{
		stat:     stat,
		value:    append(proto.AppendBuffer(nil, make([]byte, smallSize)), stat...),
		large:    append(proto.AppendBuffer(nil, make([]byte, bigSize)), stat...),
		list:     append(proto.AppendStrings(nil, names), stat...),
		watching: map[*stubConn][]string{},
	}
}

type stubConn struct {
	nc net.Conn
	mu sync.Mutex // held while writing, because other connections write events
}

func (c *stubConn) write(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.nc.Write(b)
	return err
}

func (s *stub) serve(nc net.Conn) {
	c := &stubConn{nc: nc}
	defer nc.Close()
	defer func() {
		s.mu.Lock()
		delete(s.watching, c)
		s.mu.Unlock()
	}()
	if s.handshake(c) != nil {
		return
	}
	in := make([]byte, 0, 256<<10)
	out := make([]byte, 0, 256<<10)
	for {
		if len(in) == cap(in) {
			in = append(in, make([]byte, cap(in))...)[:len(in)]
		}
		n, err := nc.Read(in[len(in):cap(in)])
		if err != nil {
			return
		}
		in = in[:len(in)+n]
		out = out[:0]
		used := 0
		for len(in)-used >= 4 {
			size := 4 + proto.FrameLen(in[used:])
			if len(in)-used < size {
				break
			}
			out = s.answer(c, in[used+4:used+size], out)
			used += size
		}
		in = in[:copy(in, in[used:])]
		if err := c.write(out); err != nil {
			return
		}
	}
}

func (s *stub) handshake(c *stubConn) error {
	body, err := proto.ReadFrame(c.nc, nil, 1<<20)
	if err != nil {
		return err
	}
	q := serverproto.DecodeConnectRequest(proto.NewReader(body))
	s.mu.Lock()
	s.sessions++
	p := proto.ConnectResponse{TimeoutMillis: q.TimeoutMillis, SessionID: s.sessions, Password: make([]byte, 16)}
	s.mu.Unlock()
	return c.write(proto.EndFrame(serverproto.AppendConnectResponse(proto.BeginFrame(nil), p), 0))
}

// answer appends the reply to one request.
func (s *stub) answer(c *stubConn, q, out []byte) []byte {
	xid := int32(binary.BigEndian.Uint32(q))
	op := proto.OpCode(binary.BigEndian.Uint32(q[4:]))
	body := q[8:]
	start := len(out)
	out = serverproto.AppendReplyHeader(proto.BeginFrame(out), proto.ReplyHeader{Xid: xid, Zxid: 1})
	switch op {
	case proto.OpPing, proto.OpDelete, proto.OpRemoveWatches, proto.OpSetWatches, proto.OpSetWatches2, proto.OpCloseSession, proto.OpAuth:
	case proto.OpGetData, proto.OpExists, proto.OpGetChildren2:
		path := pathOf(body)
		if body[len(body)-1] != 0 {
			s.mu.Lock()
			s.watching[c] = append(s.watching[c], string(path))
			s.mu.Unlock()
		}
		switch {
		case op == proto.OpExists:
			out = append(out, s.stat...)
		case op == proto.OpGetChildren2:
			out = append(out, s.list...)
		case string(path) == big:
			out = append(out, s.large...)
		default:
			out = append(out, s.value...)
		}
	case proto.OpSetData:
		out = append(out, s.stat...)
	case proto.OpCreate:
		out = proto.AppendString(out, string(pathOf(body))+"0000000001")
	case proto.OpCreate2, proto.OpCreateContainer:
		out = append(proto.AppendString(out, string(pathOf(body))+"0000000001"), s.stat...)
	case proto.OpSync:
		out = proto.AppendString(out, "/")
	case proto.OpMulti:
		out = serverproto.AppendMultiResponse(out, nil)
		defer s.fire()
	}
	return proto.EndFrame(out, start)
}

// fire sends the event of every watch, and removes the watches.
func (s *stub) fire() {
	s.mu.Lock()
	all := s.watching
	s.watching = map[*stubConn][]string{}
	s.mu.Unlock()
	for c, paths := range all {
		var b []byte
		for _, path := range paths {
			start := len(b)
			b = serverproto.AppendReplyHeader(proto.BeginFrame(b), proto.ReplyHeader{Xid: proto.XidWatchEvent, Zxid: -1})
			b = serverproto.AppendWatchEvent(b, proto.WatchEvent{Type: 3, State: 3, Path: path})
			b = proto.EndFrame(b, start)
		}
		_ = c.write(b) // fails if the client has left
	}
}

func pathOf(body []byte) []byte { return body[4 : 4+proto.FrameLen(body)] }
