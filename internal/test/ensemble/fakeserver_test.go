package ensemble_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/internal/test/ensemble"
)

// fakeServer answers every request in order, and reports to the test what it saw.
type fakeServer struct {
	ln     net.Listener
	opened chan net.Conn
	got    chan proto.RequestHeader
	ended  chan error // how a connection ended; nil: in order
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// behindProxy starts a fake server and a proxy before it.
func behindProxy(t *testing.T) (*fakeServer, *ensemble.Proxy) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &fakeServer{
		ln: ln, opened: make(chan net.Conn, 100),
		got: make(chan proto.RequestHeader, 10000), ended: make(chan error, 100),
	}
	s.wg.Go(s.accept)
	t.Cleanup(func() {
		ln.Close()
		s.mu.Lock()
		for _, nc := range s.conns {
			nc.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	p, err := ensemble.NewProxy(ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return s, p
}

func (s *fakeServer) accept() {
	for {
		nc, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, nc)
		s.mu.Unlock()
		s.opened <- nc
		s.wg.Go(func() {
			err := s.serve(nc)
			nc.Close()
			s.ended <- err
		})
	}
}

func (s *fakeServer) serve(nc net.Conn) error {
	if _, err := proto.ReadFrame(nc, nil, 1<<20); err != nil {
		return err
	}
	greeting := proto.ConnectResponse{TimeoutMillis: 4000, SessionID: 7, Password: []byte("0123456789abcdef")}
	if _, err := nc.Write(proto.EndFrame(serverproto.AppendConnectResponse(proto.BeginFrame(nil), greeting), 0)); err != nil {
		return err
	}
	for {
		body, err := proto.ReadFrame(nc, nil, 8<<20)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		h := serverproto.DecodeRequestHeader(proto.NewReader(body))
		reply := proto.ReplyHeader{Xid: h.Xid, Zxid: 1}
		_, err = nc.Write(proto.EndFrame(serverproto.AppendReplyHeader(proto.BeginFrame(nil), reply), 0))
		// Report only now. A test may close the connection when it gets the report,
		// and the close must not overtake the reply.
		s.got <- h
		if err != nil {
			return err
		}
	}
}
