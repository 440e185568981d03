package zk

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/zookit/zookit/internal/proto"
)

// A server that does not serve this client closes or resets the connection and gives no
// reason. Which of the two the client sees depends on the instant, so the hint names all
// likely reasons.
const (
	hintClosed    = "the server closed the connection without an answer: it may have no quorum, or too many connections from this address (maxClientCnxns), or its port may be for TLS (Config.TLS)"
	hintClosedTLS = "the server closed the connection after the TLS handshake: it may have no quorum"
	hintNoTLS     = "the server ended the connection in the TLS handshake: its port may be without TLS, or it may have too many connections from this address (maxClientCnxns)"
	hintTLSPort   = "the server answered in TLS: set Config.TLS, or use the port without TLS"
	hintSilent    = "the server accepted the connection and did not answer: it may be overloaded or hang, or is this port not ZooKeeper's?"
)

// hinted returns err with a hint behind it, if there is one.
func hinted(err error, hint string) error {
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}

// dialHint says what may be wrong with a server to which no connection was made.
func dialHint(err error) string {
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return hintClosed // it had accepted the connection, and reset it at once
	}
	return ""
}

// helloHint says what may be wrong with a server that answered the ConnectRequest with
// err. first are the first four bytes of its answer, if err wraps ErrMalformed.
func helloHint(err error, overTLS bool, first []byte) string {
	switch {
	case errors.Is(err, proto.ErrMalformed):
		return bytesHint(first)
	case !endedByPeer(err):
		return ""
	case overTLS:
		return hintClosedTLS
	}
	return hintClosed
}

// tlsHint says what may be wrong with a server with which the TLS handshake failed.
func tlsHint(err error) string {
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &noTLS):
		return bytesHint(noTLS.RecordHeader[:])
	case endedByPeer(err):
		return hintNoTLS
	}
	return ""
}

// bytesHint says what the server is, by the first bytes of its answer.
func bytesHint(first []byte) string {
	unprintable := func(r rune) bool { return (r < ' ' || r > '~') && r != '\r' && r != '\n' }
	switch {
	case len(first) > 2 && first[0] >= 0x14 && first[0] <= 0x17 && first[1] == 3: // the header of a TLS record
		return hintTLSPort
	case !strings.ContainsFunc(string(first), unprintable):
		return fmt.Sprintf("the first bytes are %q: is this port ZooKeeper's?", first)
	}
	return ""
}

// endedByPeer reports whether the other side has closed or reset a connection.
func endedByPeer(err error) bool {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return false // this side has
	}
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &op) && !op.Timeout() && (op.Op == "read" || op.Op == "write")
}

// defaultMaxBuffer is the size of a request from which on servers end the connection, if
// jute.maxbuffer does not say otherwise.
const defaultMaxBuffer = 0xfffff

// sizeHint says what may be wrong with a request of n bytes whose connection the server
// has ended.
func sizeHint(n int, lost error) string {
	if n <= defaultMaxBuffer || !endedByPeer(lost) {
		return ""
	}
	return fmt.Sprintf("the request has %d bytes: the server may take less, as its jute.maxbuffer says", n)
}
