package zk_test

import (
	"context"
	"net"
	"sync"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// tap records the frames that a client writes, one list for each connection.
type tap struct {
	mu    sync.Mutex
	conns [][]tapped
}

// tapped is one frame that a client wrote. The first of a connection is the
// handshake, which has no header.
type tapped struct {
	proto.RequestHeader
	handshake proto.ConnectRequest
	body      []byte // behind the header
	size      int    // with the length
}

// on makes a client's connections pass through the tap.
func (tp *tap) on(srv *zktest.Server) func(*zk.Config) {
	return func(cfg *zk.Config) {
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := srv.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			tp.mu.Lock()
			defer tp.mu.Unlock()
			tp.conns = append(tp.conns, nil)
			return &tapConn{Conn: nc, tap: tp, n: len(tp.conns) - 1}, nil
		}
	}
}

// dials returns how many connections there were.
func (tp *tap) dials() int {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return len(tp.conns)
}

// frames returns the frames that were written on the nth connection, from 0.
func (tp *tap) frames(n int) []tapped {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.conns[n]
}

type tapConn struct {
	net.Conn
	tap  *tap
	n    int
	rest []byte // begins with a frame's length
}

func (c *tapConn) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	for len(c.rest) >= proto.FrameHeader {
		size := proto.FrameHeader + proto.FrameLen(c.rest)
		if len(c.rest) < size {
			break
		}
		f := tapped{size: size}
		r := proto.NewReader(c.rest[proto.FrameHeader:size])
		c.tap.mu.Lock()
		if len(c.tap.conns[c.n]) == 0 {
			f.handshake = serverproto.DecodeConnectRequest(r)
		} else {
			f.RequestHeader = serverproto.DecodeRequestHeader(r)
		}
		f.body = append(f.body, c.rest[size-r.Left():size]...)
		c.tap.conns[c.n] = append(c.tap.conns[c.n], f)
		c.tap.mu.Unlock()
		c.rest = c.rest[size:]
	}
	return c.Conn.Write(b)
}
