package clienttest

import (
	"bufio"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zktest"
)

// Keeper makes an embedded server behave as ClickHouse Keeper before 25.11, by what
// stands in Keeper's source:
//
//   - It closes the connection on an operation that it does not know, without an answer.
//   - It resumes no session: every handshake opens a new one. It keeps the old one, with
//     its ephemeral nodes, until its timeout has passed.
//   - It closes the connection in the place of an answer to closeSession.
//   - Its answer to a handshake has no field for read-only.
//   - While it has no leader, it answers a handshake with protocol version 42.
type Keeper struct {
	Server *zktest.Server

	leaderless atomic.Bool
	running    sync.WaitGroup
}

// NewKeeper returns a Keeper that ends with the test.
func NewKeeper(t testing.TB) *Keeper {
	k := &Keeper{Server: zktest.Start(t, zktest.Config{Version: zktest.V3_4})}
	t.Cleanup(k.running.Wait) // the server ends after that, and clients end before
	return k
}

// Leaderless says whether the Keeper has no leader.
func (k *Keeper) Leaderless(on bool) { k.leaderless.Store(on) }

// keeperOps are the operations that such a Keeper knows.
var keeperOps = map[proto.OpCode]bool{
	proto.OpCreate: true, proto.OpDelete: true, proto.OpExists: true, proto.OpGetData: true, proto.OpSetData: true,
	proto.OpGetACL: true, proto.OpSetACL: true, proto.OpGetChildren: true, proto.OpGetChildren2: true, proto.OpSync: true,
	proto.OpPing: true, proto.OpMulti: true, proto.OpCheck: true, proto.OpAuth: true, proto.OpCloseSession: true,
}

// keeperRejects is the protocol version with which a Keeper refuses clients.
const keeperRejects = 42

// DialContext connects to the Keeper.
func (k *Keeper) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	behind, err := k.Server.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	client, pipe := net.Pipe()
	front := &buffered{Conn: pipe, r: bufio.NewReader(pipe)}
	k.running.Go(func() {
		defer front.Close()
		defer behind.Close()
		if k.greet(front, behind) {
			closing := make(chan int32, 1)
			k.running.Go(func() {
				defer front.Close()
				defer behind.Close()
				answer(front, behind, closing)
			})
			ask(front, behind, closing)
		}
	})
	return client, nil
}

// buffered is a connection that takes a whole Write of its peer at once, as a socket
// does. A client may send a request with its handshake.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// greet answers the handshake. It reports whether the connection goes on.
func (k *Keeper) greet(front, behind net.Conn) bool {
	body, err := proto.ReadFrame(front, nil, 1<<20)
	if err != nil {
		return false
	}
	q := serverproto.DecodeConnectRequest(proto.NewReader(body))
	q.SessionID, q.LastZxidSeen, q.Password = 0, 0, make([]byte, proto.PasswordLen)
	p := proto.ConnectResponse{ProtocolVersion: keeperRejects, TimeoutMillis: q.TimeoutMillis, SessionID: -1}
	if !k.leaderless.Load() {
		if body, err = exchange(behind, q.Append(nil)); err != nil {
			return false
		}
		p.Decode(proto.NewReader(body))
	}
	p.Password = make([]byte, proto.PasswordLen)
	reply := serverproto.AppendConnectResponse(nil, p)
	return send(front, reply[:len(reply)-1]) == nil && p.ProtocolVersion == 0
}

// ask forwards requests until one is unknown. It notes the xid of a closeSession.
func ask(front, behind net.Conn, closing chan<- int32) {
	for {
		body, err := proto.ReadFrame(front, nil, 1<<20)
		if err != nil {
			return
		}
		h := serverproto.DecodeRequestHeader(proto.NewReader(body))
		if !keeperOps[h.Op] {
			return
		}
		if h.Op == proto.OpCloseSession {
			closing <- h.Xid
		}
		if send(behind, body) != nil {
			return
		}
	}
}

// answer forwards replies and events, but not the reply to a closeSession.
func answer(front, behind net.Conn, closing <-chan int32) {
	last := int32(0)
	for {
		body, err := proto.ReadFrame(behind, nil, 1<<24)
		if err != nil {
			return
		}
		var h proto.ReplyHeader
		h.Decode(proto.NewReader(body))
		select {
		case last = <-closing:
		default:
		}
		if h.Xid == last && last != 0 || send(front, body) != nil {
			return
		}
	}
}

func exchange(nc net.Conn, body []byte) ([]byte, error) {
	if err := send(nc, body); err != nil {
		return nil, err
	}
	return proto.ReadFrame(nc, nil, 1<<20)
}

func send(nc net.Conn, body []byte) error {
	_, err := nc.Write(proto.EndFrame(append(proto.BeginFrame(nil), body...), 0))
	return err
}
