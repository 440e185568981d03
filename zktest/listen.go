package zktest

import (
	"context"
	"fmt"
	"net"
	"syscall"
)

// DialContext connects to a member by its name in ConnectString. It never blocks.
//
// The connection is in memory and behaves like TCP: writes are buffered, and
// deadlines work. It may be used inside a testing/synctest bubble if the server
// was made in the same bubble.
//
// Its error wraps
//   - ctx's error, if ctx has ended;
//   - syscall.ECONNREFUSED, if the member is down or has lost its leader, or the
//     server is closed;
//   - a *net.DNSError, if addr is not in ConnectString.
func (s *Server) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: memAddr(addr), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	m := s.memberByName(addr)
	if m == nil {
		return fail(&net.DNSError{Err: "no such host", Name: addr, IsNotFound: true})
	}
	s.mu.Lock()
	s.dials++
	name := fmt.Sprintf("client-%d", s.dials)
	s.mu.Unlock()
	client, server := newConnPair(name, addr)
	if !s.attach(server, m) {
		return fail(syscall.ECONNREFUSED)
	}
	return client, nil
}

func (s *Server) memberByName(addr string) *member {
	for _, m := range s.members {
		if addr == memberName(m.id) {
			return m
		}
	}
	return nil
}

// Listen serves the first member over TCP as well, until Close. It returns the
// address, for instance "127.0.0.1:41234" if addr is "127.0.0.1:0".
func (s *Server) Listen(addr string) (string, error) { return s.ListenServer(1, addr) }

// ListenServer is Listen for any member. If the member is down or has lost its
// leader, it accepts connections and resets them at once.
func (s *Server) ListenServer(server int, addr string) (string, error) {
	m := s.membersOf(server)[0]
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("zktest: %w", err)
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		l.Close()
		return "", fmt.Errorf("zktest: listen on %s: %w", addr, net.ErrClosed)
	}
	s.listeners = append(s.listeners, l)
	s.wg.Go(func() { // ends when Close closes l
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			s.attach(nc, m)
		}
	})
	s.mu.Unlock()
	return l.Addr().String(), nil
}

// ServeConn makes nc a client connection of a member. It returns at once. From then
// on the server owns nc, and closes it.
func (s *Server) ServeConn(nc net.Conn, server int) {
	s.attach(nc, s.membersOf(server)[0])
}
