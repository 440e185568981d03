package zk_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A server that is not the right one is named in the error of Connect.
func TestConnect_HintsAtWhatIsWrongWithAServer(t *testing.T) {
	a := newAuthority(t)
	pair, _, _ := a.issue(time.Now().Add(time.Hour), "127.0.0.1")
	overTLS := func(after func(nc *tls.Conn)) func(net.Conn) {
		return func(nc net.Conn) {
			tc := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{pair}})
			if tc.Handshake() == nil {
				after(tc)
			}
		}
	}
	readThenClose := func(nc net.Conn) { io.ReadFull(nc, make([]byte, 61)) } // the ConnectRequest and the ping behind it
	says := func(b string) func(net.Conn) {
		return func(nc net.Conn) { nc.Write([]byte(b)); io.Copy(io.Discard, nc) }
	}
	client := &tls.Config{RootCAs: a.pool}
	for _, c := range []struct {
		name   string
		server func(net.Conn)
		tls    *tls.Config
		as     error // what it wraps
		text   string
	}{
		{"no quorum, or a TLS port that says nothing", readThenClose, nil, io.EOF, "handshake: EOF (the server closed the connection without an answer: it may have no quorum, or too many connections from this address (maxClientCnxns), or its port may be for TLS (Config.TLS))"},
		{"maxClientCnxns", func(nc net.Conn) { nc.(*net.TCPConn).SetLinger(0) }, nil, nil, "too many connections from this address (maxClientCnxns)"},
		{"half a length", cutShort("\x00\x00"), nil, io.ErrUnexpectedEOF, "handshake: unexpected EOF"},
		{"TLS port with an alert", says("\x15\x03\x03\x00\x02\x02\x46"), nil, zk.ErrProtocol, "set Config.TLS"},
		{"HTTP", says("HTTP/1.1 400 Bad Request\r\n\r\n"), nil, zk.ErrProtocol, `the first bytes are "HTTP": is this port ZooKeeper's?`},
		{"SSH", says("SSH-2.0-OpenSSH_9.2\r\n"), nil, zk.ErrProtocol, `the first bytes are "SSH-": is this port ZooKeeper's?`},
		{"garbage", says("\xff\xfe\x00\x01"), nil, zk.ErrProtocol, "limit 4096"},
		{"TLS to a plaintext port", func(nc net.Conn) { io.ReadFull(nc, make([]byte, 4)) }, client, nil, "its port may be without TLS"},
		{"TLS to HTTP", says("HTTP/1.1 400 Bad Request\r\n\r\n"), client, nil, `the first bytes are "HTTP/": is this port ZooKeeper's?`},
		{"TLS to SSH", says("SSH-2.0-OpenSSH_9.2\r\n"), client, nil, `the first bytes are "SSH-2": is this port ZooKeeper's?`},
		{"TLS, no quorum", overTLS(func(nc *tls.Conn) { readThenClose(nc) }), client, io.EOF, "after the TLS handshake: it may have no quorum"},
		{"TLS, HTTP", overTLS(func(nc *tls.Conn) { says("HTTP/1.1 400 Bad Request\r\n\r\n")(nc) }), client, zk.ErrProtocol, `the first bytes are "HTTP"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := connectTo(t, c.server, c.tls)
			require.ErrorContains(t, err, c.text)
			if c.as != nil {
				require.ErrorIs(t, err, c.as)
			}
			require.NotErrorIs(t, err, zk.ErrAuthFailed)
		})
	}
}

// A server that resets a connection at once may do so before the client has it.
func TestConnect_HintsAtAResetWhileItDials(t *testing.T) {
	for _, c := range []struct {
		errno syscall.Errno
		hint  bool
	}{{syscall.EPIPE, true}, {syscall.ECONNRESET, true}, {syscall.ECONNREFUSED, false}} {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := zk.Connect(ctx, zk.Config{Servers: "h1", DialContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", c.errno)}
			}})
			require.ErrorIs(t, err, c.errno)
			require.Equal(t, c.hint, strings.Contains(err.Error(), "maxClientCnxns"), "%v", err)
		})
	}
}

// cutShort is a server that sends b and closes the connection when it has read a request.
func cutShort(b string) func(net.Conn) {
	return func(nc net.Conn) { io.ReadFull(nc, make([]byte, 61)); nc.Write([]byte(b)) }
}

// connectTo returns the error of Connect at a server that serves each connection by
// serve.
func connectTo(t *testing.T, serve func(net.Conn), cfg *tls.Config) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	defer running.Wait()
	defer l.Close()
	running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { defer nc.Close(); serve(nc) })
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tries := 0
	_, err = zk.Connect(ctx, zk.Config{
		Servers: l.Addr().String(), TLS: cfg,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if tries++; tries == 3 {
				cancel()
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	})
	require.Error(t, err)
	return err
}
