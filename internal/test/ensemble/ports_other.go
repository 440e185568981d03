//go:build !linux

package ensemble

import (
	"fmt"
	"net"
)

// port is a port that was free a moment ago. Only Linux can reserve a port for a
// listener that stops and starts. Elsewhere two test binaries can use the same
// port. A server then cannot bind.
type port struct{ number int }

func reservePort() (*port, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("ensemble: reserve a port: %w", err)
	}
	defer ln.Close()
	return &port{number: ln.Addr().(*net.TCPAddr).Port}, nil
}

func (p *port) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.number) }

func (p *port) release() {}
