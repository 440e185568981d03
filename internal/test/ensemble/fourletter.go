package ensemble

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// askPatience limits one request. A paused server accepts the request and never
// answers.
const askPatience = 2 * time.Second

// FourLetter sends a four-letter word to the server at addr and returns the answer.
// It gives up when ctx ends, and after two seconds.
func FourLetter(ctx context.Context, addr, word string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("ensemble: %s: %w", word, err)
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	if _, err := io.WriteString(nc, word); err != nil {
		return "", fmt.Errorf("ensemble: %s to %s: %w", word, addr, err)
	}
	answer, err := io.ReadAll(nc)
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("ensemble: %s to %s: no answer: %w", word, addr, context.Cause(ctx))
	case len(answer) > 0:
		return string(answer), nil // a server may end its answer with a reset
	case err == nil:
		err = io.ErrUnexpectedEOF
	}
	return "", fmt.Errorf("ensemble: %s to %s: %w", word, addr, err)
}

// Status is a member's answer to srvr.
type Status struct {
	Mode  string // leader, follower, standalone, read-only; "" while it serves no clients
	Epoch int64
	// Version is the server's release, such as 3.9.5.
	Version string
}

// pollPatience limits one of many requests. A server that has just bound its port
// may accept one word without an answer, and answer the next.
const pollPatience = 300 * time.Millisecond

// Ask sends srvr to the server at addr, with a short time limit, for callers that
// poll.
func Ask(ctx context.Context, addr string) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, pollPatience)
	defer cancel()
	text, err := FourLetter(ctx, addr, "srvr")
	if err != nil {
		return Status{}, err
	}
	var s Status
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "Zookeeper version":
			s.Version, _, _ = strings.Cut(value, "-")
		case "Mode":
			s.Mode = value
		case "Zxid":
			zxid, err := strconv.ParseUint(strings.TrimPrefix(value, "0x"), 16, 64)
			if err != nil {
				return s, fmt.Errorf("ensemble: zxid %q: %w", value, err)
			}
			s.Epoch = int64(zxid >> 32)
		}
	}
	return s, nil
}

// Poll calls try until it reports that it is done, or ctx ends. It then returns the
// last error.
func Poll(ctx context.Context, what string, try func() (bool, error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := try()
		if done {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("ensemble: %s: %w (last: %v)", what, context.Cause(ctx), err)
		}
	}
}
