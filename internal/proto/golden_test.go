package proto_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// The files testdata/*.hex hold every byte of real conversations with Apache
// ZooKeeper 3.8. They were recorded by this test itself, against a fresh
// standalone server with tickTime=200 that runs with the system property
// zookeeper.extendedTypesEnabled=true:
//
//	go test -run 'TestGolden|TestPeers' -capture 127.0.0.1:2181 ./internal/proto
//
// Recording and replaying run the same steps with the same checks. Only the source
// of the bytes differs.
var capture = flag.String("capture", "", "record testdata again, from the fresh standalone server at this `address`")

// TestGolden plays every scenario. The encoded request must equal the recorded one,
// byte for byte. The recorded reply must decode to the values that the step expects,
// and encode to the same bytes again.
func TestGolden(t *testing.T) {
	s := &seen{
		sessions: map[string]ConnectResponse{},
		zxids:    map[string]int64{},
		xids:     map[string]int32{},
		stats:    map[string]Stat{},
	}
	for _, c := range scenarios() {
		// The scenarios build on each other: a session is resumed with the
		// password that an earlier one got.
		ok := t.Run(c.file, func(t *testing.T) {
			name := filepath.Join("testdata", c.file+".hex")
			if *capture == "" {
				l := loadReplay(t, name)
				c.walk(t, s, l)
				if l.next != len(l.lines) {
					t.Errorf("%d recorded lines were not played", len(l.lines)-l.next)
				}
				return
			}
			l := newRecorder(t, *capture)
			defer l.conn.Close()
			c.walk(t, s, l)
			if !t.Failed() {
				save(t, name, "a connection to Apache ZooKeeper 3.8: > we, < the server", l.lines)
			}
		})
		if !ok {
			t.Fatalf("stopped at %s", c.file)
		}
	}
}

// seen holds values from replies that later requests need.
type seen struct {
	sessions map[string]ConnectResponse
	zxids    map[string]int64 // the last zxid that each session has seen
	xids     map[string]int32 // the last xid of each session; they go on over a resume
	stats    map[string]Stat
}

// A link is a connection, live or recorded.
type link interface {
	send(t *testing.T, name string, frame []byte)
	receive(t *testing.T) []byte // the body of the next frame
	closed(t *testing.T)         // the server closes
}

// walk plays one connection.
func (c connection) walk(t *testing.T, s *seen, l link) {
	q := c.connect(s)
	l.send(t, "connect", frame(q.Append(nil)))
	var p ConnectResponse
	msg := l.receive(t)
	r := NewReader(msg)
	p.Decode(r)
	finish(t, r, msg, serverproto.AppendConnectResponse(nil, p))
	c.connected(t, p)
	if _, ok := s.sessions[c.session]; !ok {
		s.sessions[c.session] = p
	}
	for _, st := range c.steps {
		st.play(t, s, c.session, l)
		if t.Failed() {
			t.Fatalf("stopped at step %q", st.name)
		}
	}
	if c.closes {
		l.closed(t)
	}
}

// play sends the request and reads its events and its reply.
func (st step) play(t *testing.T, s *seen, session string, l link) {
	xid := st.xid
	if xid == 0 {
		s.xids[session]++
		xid = s.xids[session]
	}
	b := RequestHeader{xid, st.op}.Append(BeginFrame(nil))
	if st.body != nil {
		b = st.body(s, b)
	}
	l.send(t, st.name, EndFrame(b, 0))

	for _, want := range st.events {
		msg := l.receive(t)
		r := NewReader(msg)
		var h ReplyHeader
		var got WatchEvent
		h.Decode(r)
		got.Decode(r)
		finish(t, r, msg, serverproto.AppendWatchEvent(serverproto.AppendReplyHeader(nil, h), got))
		if got != want || h != (ReplyHeader{XidWatchEvent, -1, OK}) {
			t.Errorf("%s: event %+v %+v, want %+v", st.name, h, got, want)
		}
	}

	msg := l.receive(t)
	r := NewReader(msg)
	var h ReplyHeader
	h.Decode(r)
	if h.Xid != xid || h.Err != st.err {
		t.Errorf("%s: reply to xid %d: %v (%d), want %d: %v", st.name, h.Xid, h.Err, int32(h.Err), xid, st.err)
	}
	s.zxids[session] = max(s.zxids[session], h.Zxid)
	again := serverproto.AppendReplyHeader(nil, h)
	if st.reply != nil && h.Err == OK {
		again = append(again, st.reply(t, s, r)...)
	}
	finish(t, r, msg, again)
}

// finish checks that msg was read to its end, and that again, its new encoding,
// equals it.
func finish(t *testing.T, r *Reader, msg, again []byte) {
	t.Helper()
	if err := r.Finish(); err != nil {
		t.Errorf("% x: %v", msg, err)
	}
	if !bytes.Equal(msg, again) {
		t.Errorf("encoded again:\n  got  % x\n  want % x", again, msg)
	}
}

// A replay is a link that reads from a file.
type replay struct {
	lines []string
	next  int
}

func loadReplay(t *testing.T, name string) *replay {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var l replay
	for sc := bufio.NewScanner(bytes.NewReader(data)); sc.Scan(); {
		if line := sc.Text(); line != "" && line[0] != '#' {
			l.lines = append(l.lines, line)
		}
	}
	return &l
}

func (l *replay) take(t *testing.T, mark string) []byte {
	t.Helper()
	if l.next == len(l.lines) {
		t.Fatalf("the recording ended")
	}
	text, ok := strings.CutPrefix(l.lines[l.next], mark)
	if !ok {
		t.Fatalf("recorded line %d does not begin with %q", l.next, mark)
	}
	l.next++
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (l *replay) send(t *testing.T, name string, frame []byte) {
	t.Helper()
	if want := l.take(t, "> "); !bytes.Equal(frame, want) {
		t.Fatalf("request %q:\n  got  % x\n  want % x", name, frame, want)
	}
}

func (l *replay) receive(t *testing.T) []byte {
	t.Helper()
	b := l.take(t, "< ")
	rd := bytes.NewReader(b)
	msg, err := ReadFrame(rd, nil, testLimit)
	if err != nil || rd.Len() != 0 {
		t.Fatalf("recorded frame % x: %v, %d bytes behind it", b, err, rd.Len())
	}
	return msg
}

func (l *replay) closed(t *testing.T) {
	t.Helper()
	if l.next != len(l.lines)-1 || l.lines[l.next] != "< closed" {
		t.Fatalf("the recording does not end with the server closing")
	}
	l.next++
}

// A recorder is a link to a server that records all frames.
type recorder struct {
	conn  net.Conn
	lines []string
}

func newRecorder(t *testing.T, addr string) *recorder {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &recorder{conn: conn}
}

func (l *recorder) send(t *testing.T, name string, frame []byte) {
	t.Helper()
	l.lines = append(l.lines, "# "+name, "> "+hex.EncodeToString(frame))
	if _, err := l.conn.Write(frame); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func (l *recorder) receive(t *testing.T) []byte {
	t.Helper()
	msg, err := ReadFrame(l.conn, nil, testLimit)
	if err != nil {
		t.Fatalf("after %s: %v", l.lines[len(l.lines)-2:], err)
	}
	l.lines = append(l.lines, "< "+hex.EncodeToString(frame(msg)))
	return msg
}

func (l *recorder) closed(t *testing.T) {
	t.Helper()
	if n, err := l.conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("after the last reply: %d bytes, %v; want the server to close", n, err)
	}
	l.lines = append(l.lines, "< closed")
}

func save(t *testing.T, name, title string, lines []string) {
	text := fmt.Sprintf("# %s. Recorded by golden_test.go; do not edit.\n%s\n", title, strings.Join(lines, "\n"))
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
