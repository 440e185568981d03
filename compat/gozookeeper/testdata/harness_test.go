package zk

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// TestServer is a server of a TestCluster.
type TestServer struct {
	Port int
	Srv  *server
}

type server struct {
	e      ensemble.Ensemble
	member int
}

func (s *server) Stop() error  { return s.e.Stop(s.member) }
func (s *server) Start() error { return s.e.Start(context.Background(), s.member) }

// TestCluster is an ensemble for the tests of go-zookeeper/zk.
type TestCluster struct {
	e       ensemble.Ensemble
	Servers []TestServer
}

// StartTestCluster starts an ensemble.
func StartTestCluster(t *testing.T, size int, _, _ io.Writer) (*TestCluster, error) {
	e, err := ensemble.Start(context.Background(), ensemble.Options{
		Size: size, TickTime: 500 * time.Millisecond, JVM: []string{"-Dzookeeper.extendedTypesEnabled=true"},
	})
	if err != nil {
		return nil, err
	}
	tc := &TestCluster{e: e}
	for m := range size {
		var port int
		if _, err := fmt.Sscanf(e.DirectAddr(m)[strings.LastIndex(e.DirectAddr(m), ":"):], ":%d", &port); err != nil {
			return nil, err
		}
		tc.Servers = append(tc.Servers, TestServer{port, &server{e, m}})
	}
	return tc, nil
}

// Stop ends the ensemble.
func (tc *TestCluster) Stop() error { return tc.e.Close() }

// Connect connects to one server.
func (tc *TestCluster) Connect(i int) (*Conn, <-chan Event, error) {
	return recorded(tc.Servers[i:i+1], 15*time.Second)
}

// ConnectAll connects to the ensemble.
func (tc *TestCluster) ConnectAll() (*Conn, <-chan Event, error) {
	return tc.ConnectAllTimeout(15 * time.Second)
}

// ConnectAllTimeout is ConnectAll with a session timeout.
func (tc *TestCluster) ConnectAllTimeout(timeout time.Duration) (*Conn, <-chan Event, error) {
	return recorded(tc.Servers, timeout)
}

// ConnectWithOptions is ConnectAllTimeout with options.
func (tc *TestCluster) ConnectWithOptions(timeout time.Duration, options ...connOption) (*Conn, <-chan Event, error) {
	return recorded(tc.Servers, timeout, options...)
}

func (tc *TestCluster) server(addr string) *server {
	for _, s := range tc.Servers {
		if strings.HasSuffix(addr, fmt.Sprintf(":%d", s.Port)) {
			return s.Srv
		}
	}
	panic("no server " + addr)
}

// StartServer and StopServer name a server by its address.
func (tc *TestCluster) StartServer(addr string) { must(tc.server(addr).Start()) }
func (tc *TestCluster) StopServer(addr string)  { must(tc.server(addr).Stop()) }

// StartAllServers starts all servers, which StopAllServers has stopped.
func (tc *TestCluster) StartAllServers() error {
	var all sync.WaitGroup
	for _, s := range tc.Servers {
		all.Go(func() { must(s.Srv.Start()) })
	}
	all.Wait()
	return nil
}

// StopAllServers stops all servers.
func (tc *TestCluster) StopAllServers() error {
	for _, s := range tc.Servers {
		must(s.Srv.Stop())
	}
	return nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// The newest connection of each client, for cut.
var (
	connsMu sync.Mutex
	conns   = map[*Conn]*net.Conn{}
)

func recorded(servers []TestServer, timeout time.Duration, options ...connOption) (*Conn, <-chan Event, error) {
	var addrs []string
	for _, s := range servers {
		addrs = append(addrs, fmt.Sprintf("127.0.0.1:%d", s.Port))
	}
	return connectTo(addrs, timeout, options...)
}

// connectTo connects, and records the connections.
func connectTo(addrs []string, timeout time.Duration, options ...connOption) (*Conn, <-chan Event, error) {
	newest := new(net.Conn)
	dial := func(network, addr string, timeout time.Duration) (net.Conn, error) {
		nc, err := net.DialTimeout(network, addr, timeout)
		if err == nil {
			connsMu.Lock()
			*newest = nc
			connsMu.Unlock()
		}
		return nc, err
	}
	c, events, err := Connect(addrs, timeout, append([]connOption{WithDialer(dial)}, options...)...)
	if err == nil {
		connsMu.Lock()
		conns[c] = newest
		connsMu.Unlock()
	}
	return c, events, err
}

// cut closes the connection of a client, as a network does.
func (c *Conn) cut() {
	connsMu.Lock()
	defer connsMu.Unlock()
	must((*conns[c]).Close())
}

func requireNoErrorf(t *testing.T, err error, what ...any) {
	t.Helper()
	if err != nil {
		t.Fatal(append([]any{err}, what...)...)
	}
}

// waitForSession waits for the event of a session.
func waitForSession(ctx context.Context, events <-chan Event) error {
	for {
		select {
		case e := <-events:
			if e.State == StateHasSession {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
