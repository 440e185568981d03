//go:build !linux

package ensemble

import (
	"fmt"
	"net"
)

// port is a port that was free a moment ago. Other systems than Linux have no
// way to keep one for a listener that comes and goes, so two test binaries can
// clash there; it shows as a server that cannot bind.
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
