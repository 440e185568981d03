package ensemble

import (
	"fmt"
	"os"
	"syscall"
)

// port is a port of the loopback interface that is reserved until it is released,
// whether or not a server listens on it.
//
// Asking for a free port, closing it and opening it again is a race between test
// binaries that run concurrently, and again at every restart of a server. So a
// socket that never listens keeps the port bound. The kernel then gives the port to
// no other process, neither for a bind of port 0 nor for an outgoing connection. A
// process that sets SO_REUSEADDR and names the port may still listen on it; Go's
// listeners and ZooKeeper's do that. While none listens, connects are refused.
type port struct {
	fd     int
	number int
}

func reservePort() (*port, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("ensemble: reserve a port: %w", os.NewSyscallError("socket", err))
	}
	p := &port{fd: fd}
	if err := p.bind(); err != nil {
		p.release()
		return nil, fmt.Errorf("ensemble: reserve a port: %w", err)
	}
	return p, nil
}

func (p *port) bind() error {
	if err := syscall.SetsockoptInt(p.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(p.fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	sa, err := syscall.Getsockname(p.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	p.number = sa.(*syscall.SockaddrInet4).Port
	return nil
}

func (p *port) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.number) }

func (p *port) release() { _ = syscall.Close(p.fd) }
