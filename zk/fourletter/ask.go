package fourletter

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/zk"
)

// Why a server gave no answer that can be used. Each is wrapped in an *Error.
var (
	// ErrNotListed: the word is not in the server's 4lw.commands.whitelist.
	ErrNotListed = errors.New("the server does not execute it: it is not in its 4lw.commands.whitelist")
	// ErrNotServing: the server runs, and serves no clients: it has no quorum, for
	// instance.
	ErrNotServing = errors.New("the server does not serve clients now: it may have no quorum")
	// ErrSilent: the server was not reached, or did not answer, in time. A port for TLS is
	// silent if it is asked without TLS.
	ErrSilent = errors.New("the server did not answer in time: it may hang, or its port may be for TLS")
	// ErrNoAnswer: the server closed the connection without an answer.
	ErrNoAnswer = errors.New("the server closed the connection without an answer: it may not know the word, or its port may be for TLS")
	// ErrNotZooKeeper: the answer is none of ZooKeeper's.
	ErrNotZooKeeper = errors.New("the answer is none of ZooKeeper")
	// ErrTooLarge: the answer is over Server.MaxAnswer.
	ErrTooLarge = errors.New("answer too large")
)

// Error is the error of every function of this package.
type Error struct {
	Addr string
	Word string
	Err  error
}

// Error names the server, the word and the reason.
func (e *Error) Error() string {
	return fmt.Sprintf("fourletter: %s to %s: %v", e.Word, e.Addr, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Server says how to ask a server. It may be copied, and used by many goroutines.
type Server struct {
	Addr string // host and port
	// TLS, if set, makes the connection a TLS one. The certificate is checked against the
	// host of Addr unless ServerName is set.
	TLS *tls.Config
	// DialContext makes the connection. Default: that of a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Timeout bounds a word, from the dial to the end of the answer. Default 5 s.
	Timeout time.Duration
	// MaxAnswer bounds an answer in bytes. Default 16 MiB: cons has a line for each
	// connection.
	MaxAnswer int
}

// Ask sends a word of four letters and returns the answer as it is. It ends when ctx ends,
// or after Timeout.
func (s Server) Ask(ctx context.Context, word string) (string, error) {
	answer, err := s.ask(ctx, word)
	if err != nil {
		return "", s.failed(word, err)
	}
	return answer, nil
}

func (s Server) failed(word string, err error) error {
	return &Error{Addr: s.Addr, Word: word, Err: err}
}

func (s Server) ask(ctx context.Context, word string) (string, error) {
	if len(word) != 4 || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", fmt.Errorf("%w: %q is not a word of four letters", zk.ErrBadArguments, word)
	}
	timed, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, 5*time.Second))
	defer cancel()
	nc, err := s.connect(timed)
	if err == nil {
		defer nc.Close()
		defer context.AfterFunc(timed, func() { nc.Close() })()
		if _, err = io.WriteString(nc, word); err == nil {
			return s.read(ctx, timed, nc, word)
		}
	}
	switch {
	case ctx.Err() != nil:
		return "", ctxerr.Of(ctx)
	case timed.Err() != nil:
		return "", fmt.Errorf("%w: %w", ErrSilent, err)
	}
	return "", err
}

// connect connects to the server.
func (s Server) connect(ctx context.Context) (net.Conn, error) {
	dial := s.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	nc, err := dial(ctx, "tcp", s.Addr)
	if err != nil || s.TLS == nil {
		return nc, err
	}
	cfg := s.TLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(s.Addr)
	}
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	return tc, nil
}

// read reads the answer. A server may end it by a reset.
func (s Server) read(ctx, timed context.Context, nc net.Conn, word string) (string, error) {
	limit := cmp.Or(s.MaxAnswer, 16<<20)
	b, err := io.ReadAll(io.LimitReader(nc, int64(limit)+1))
	answer := string(b)
	switch {
	case len(b) > limit:
		return "", fmt.Errorf("%w: over %d bytes", ErrTooLarge, limit)
	case ctx.Err() != nil:
		return "", ctxerr.Of(ctx)
	case timed.Err() != nil:
		return "", fmt.Errorf("%w: %d bytes came", ErrSilent, len(b))
	case answer == "" && err != nil:
		return "", fmt.Errorf("%w: %w", ErrNoAnswer, err)
	case answer == "":
		return "", ErrNoAnswer
	}
	return answer, refusal(word, answer)
}

// refusal returns the error that an answer stands for, nil if it may be a good one.
func refusal(word, answer string) error {
	start := strings.TrimSpace(answer)
	switch {
	case strings.HasPrefix(start, word+" is not executed because it is not in the whitelist"):
		return ErrNotListed
	case strings.HasPrefix(start, "This ZooKeeper instance is not currently serving requests"):
		return ErrNotServing
	case strings.HasPrefix(answer, "\x15\x03"):
		return alien(answer, "it is an alert of TLS: set Server.TLS, or use the port without TLS")
	case strings.HasPrefix(answer, "HTTP/"):
		return alien(answer, "it is HTTP")
	case strings.HasPrefix(answer, "SSH-"):
		return alien(answer, "it is SSH")
	}
	return nil
}

// alien is the error of an answer that is none of ZooKeeper's.
func alien(answer, what string) error {
	const shown = 40
	return fmt.Errorf("%w: %s: %q", ErrNotZooKeeper, what, answer[:min(shown, len(answer))])
}
