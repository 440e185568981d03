package zktest_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// world is one of the two servers to compare, with its clients.
type world struct {
	tb       testing.TB
	name     string
	dial     func() (net.Conn, error)
	start    time.Time
	base     int64 // zxid at the beginning
	clients  []*rawClient
	sessions map[int64]int // number by id, in the order of opening
	members  []string      // the lines of the configuration of an ensemble
	version  int64         // of that configuration, as it was read last
}

// step is one action of one client, the same in both worlds.
type step struct {
	client int
	what   string
	op     proto.OpCode
	body   func(w *world) []byte // zxids and session ids differ from world to world
}

// Actions other than requests.
const (
	stepResume    proto.OpCode = -1000 - iota // resumes the session on a second connection
	stepDrop                                  // closes the connection, and opens a new session
	stepHandshake                             // sends the given bytes as the handshake of a new connection, then closes it
)

func embeddedWorld(tb testing.TB, v zktest.Version) *world {
	s := zktest.Start(tb, zktest.Config{Version: v, TickTime: 200 * time.Millisecond, SuperPassword: "admin"})
	dial := func() (net.Conn, error) { return s.DialContext(context.Background(), "tcp", addr1) }
	return &world{tb: tb, name: "embedded", dial: dial}
}

func realWorld(tb testing.TB, addr string) *world {
	dial := func() (net.Conn, error) { return net.DialTimeout("tcp", addr, 5*time.Second) }
	return &world{tb: tb, name: "Apache ZooKeeper", dial: dial}
}

// begin opens the sessions of n clients.
func (w *world) begin(n int) {
	w.start = time.Now()
	w.sessions = make(map[int64]int)
	w.clients = make([]*rawClient, n)
	for i := range w.clients {
		w.open(i)
	}
	w.base = w.clients[n-1].do(proto.OpPing, nil).Zxid
}

// clean deletes the directory of all runs with everything below it. If again is
// true, it creates the directory again.
func (w *world) clean(again bool) {
	w.tb.Helper()
	c := w.connect()
	c.handshake(proto.ConnectRequest{TimeoutMillis: 60000, Password: make([]byte, 16)})
	for _, credentials := range []string{"alice:secret", "user0:x", "user1:x", "user2:x"} {
		c.auth("digest", credentials)
	}
	c.deleteAll(holder)
	if again {
		for _, path := range []string{holder, root} {
			o := proto.MultiOp{Op: opCreate, Path: path, ACL: openACL} // every version knows this create
			c.wantCode("create "+path, c.do(opCreate, o.Append(nil)).Err, proto.OK)
		}
	}
	c.closeSession()
}

// end deletes everything and closes the sessions.
func (w *world) end() {
	for _, c := range w.clients {
		c.closeSession()
	}
	w.clean(false)
}

func (w *world) connect() *rawClient {
	w.tb.Helper()
	nc, err := w.dial()
	if err != nil {
		w.tb.Fatalf("%s: %v", w.name, err)
	}
	nc.SetDeadline(time.Now().Add(time.Minute))
	return newRawClient(w.tb, nc)
}

func (w *world) open(i int) {
	w.tb.Helper()
	c := w.connect()
	c.handshake(proto.ConnectRequest{TimeoutMillis: 60000, Password: make([]byte, 16)})
	w.sessions[c.id] = len(w.sessions)
	w.clients[i] = c
}

// run runs a step. It returns what clients saw: the reply or the end of the
// connection, and the events of every client.
func (w *world) run(st step) string {
	w.tb.Helper()
	var seen []string
	say := func(format string, args ...any) { seen = append(seen, fmt.Sprintf(format, args...)) }
	c := w.clients[st.client]
	switch st.op {
	case stepResume:
		n := w.connect()
		n.xid = c.xid
		n.handshake(proto.ConnectRequest{
			TimeoutMillis: 30000, SessionID: c.id, Password: c.password, LastZxidSeen: c.zxid,
		})
		say("resumed %s timeout %v, old connection: %v", w.owner(n.id), n.timeout, c.ended())
		w.clients[st.client] = n
	case stepDrop:
		c.closeSession()
		say("closed: %v", c.ended())
		w.open(st.client)
	case stepHandshake:
		n := w.connect()
		n.write(st.body(w))
		frame, err := n.read()
		if err != nil {
			say("no reply: %v", err)
			break
		}
		length := len(frame)
		if length == 36 {
			frame = append(frame, 0) // the server answered as to a client before 3.4
		}
		n.readConnectResponse(frame)
		if n.id != 0 {
			w.sessions[n.id] = len(w.sessions)
			say("%d bytes, %s timeout %v", length, w.owner(n.id), n.timeout)
			n.closeSession()
		}
		say("%d bytes, timeout %v, end: %v", length, n.timeout, n.ended())
	default:
		p, err := c.try(st.op, st.body(w))
		if err != nil {
			say("connection ended: %v", err)
			w.open(st.client)
			break
		}
		say("%s", w.canonical(st.op, p))
		if p.Err == proto.Unimplemented {
			seen = append(seen, w.endBehind(st.client))
		}
	}
	for i := range w.clients {
		seen = append(seen, w.eventsOf(i, st.op)...)
	}
	return strings.Join(seen, "\n\t")
}

// endBehind reports whether a server ends the connection after it has answered that
// it does not know a request. It sends no ping to find out: Apache ZooKeeper still
// reads and answers requests until another of its threads closes the connection.
func (w *world) endBehind(i int) string {
	c := w.clients[i]
	if err := c.nc.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		w.tb.Fatal(err)
	}
	err := c.ended()
	if isTimeout(err) {
		_ = c.nc.SetReadDeadline(time.Time{})
		return fmt.Sprintf("client %d: the connection still works", i)
	}
	w.open(i)
	return fmt.Sprintf("client %d: connection ended behind the reply: %v", i, err)
}

// eventsOf returns the events of a client. It sends a ping first, so that all of
// them have arrived.
func (w *world) eventsOf(i int, op proto.OpCode) []string {
	c := w.clients[i]
	p, err := c.try(proto.OpPing, nil)
	if err != nil {
		w.open(i)
		return []string{fmt.Sprintf("client %d: connection ended behind the reply: %v", i, err)}
	}
	var out []string
	if p.Xid != proto.XidPing || len(p.body) != 0 {
		out = append(out, fmt.Sprintf("odd ping reply %+v", p))
	}
	for _, e := range c.events {
		out = append(out, fmt.Sprintf("client %d: event %d %s zxid %s", i, e.Type, e.Path, w.zxid(e.zxid)))
	}
	c.events = nil
	if op == stepDrop {
		slices.Sort(out) // a server deletes the ephemerals of a session in any order
	}
	return out
}

// deleteAll deletes a node and everything below it. It fails the test if an ACL
// does not allow that.
func (c *rawClient) deleteAll(path string) {
	c.tb.Helper()
	p := c.pathWatch(proto.OpGetChildren2, path, false)
	if p.Err == proto.NoNode {
		return
	}
	r := proto.NewReader(p.body)
	for _, name := range r.Strings() {
		c.deleteAll(path + "/" + name)
	}
	if code := c.delete(path, -1); code != proto.OK && code != proto.NoNode {
		c.tb.Errorf("cleaning up %s: %v", path, code)
	}
}
