// Quickstart elects a leader among three workers, takes a lock, loses a session
// on purpose, and prints the state of each handle. It needs only Go: it runs on the
// embedded server, or with -servers on a real one.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func main() {
	servers := flag.String("servers", "", "connect string of a real ensemble; default: the embedded server")
	flag.Parse()
	cfg, stop := ensemble(*servers)
	defer stop()
	ctx := context.Background()
	root := fmt.Sprintf("/quickstart-%d", time.Now().UnixNano())

	// Three workers; the network of each can be cut.
	var clients [3]*zk.Client
	var leaders [3]*election.Leadership
	led := make(chan int, 3)
	var cut [3]atomic.Bool
	for i := range clients {
		clients[i] = connect(ctx, cfg, &cut[i])
		defer clients[i].Close(ctx)
		go func() {
			e := election.New(clients[i], root+"/leader", election.Config{ID: fmt.Sprint("worker-", i)})
			if l, err := e.Campaign(ctx); err == nil { // an error: main has ended
				leaders[i] = l
				led <- i
			}
		}()
	}
	first := <-led
	fmt.Printf("worker-%d leads, token %d\n", first, leaders[first].Token())

	held, err := lock.New(clients[first], root+"/lock", lock.Config{}).Acquire(ctx)
	check(err)
	_, err = clients[first].Create(ctx, root+"/data", nil, zk.Persistent)
	check(err)
	guarded := func() error {
		_, err := clients[first].Multi(ctx, held.Check(), zk.SetOp(root+"/data", []byte("mine"), zk.AnyVersion))
		return err
	}
	check(guarded())
	fmt.Printf("worker-%d holds the lock too, and has written under it\n", first)

	fmt.Printf("cutting worker-%d off, session timeout %v …\n", first, clients[first].Session().Timeout())
	start := time.Now()
	cut[first].Store(true)
	<-held.Context().Done()
	fmt.Printf("%4dms  the lock's context ended: %v\n", time.Since(start).Milliseconds(), context.Cause(held.Context()))
	<-leaders[first].Context().Done()
	fmt.Printf("%4dms  the leadership's too: %v\n", time.Since(start).Milliseconds(), context.Cause(leaders[first].Context()))
	next := <-led
	fmt.Printf("%4dms  worker-%d leads, token %d\n", time.Since(start).Milliseconds(), next, leaders[next].Token())

	<-clients[first].Session().Context().Done()
	cut[first].Store(false)
	why := guarded() // waits for the connection
	fmt.Printf("%4dms  worker-%d is back in a new session; a write under the old lock is refused: %v\n",
		time.Since(start).Milliseconds(), first, why)
	check(held.Release(ctx)) // the lock is lost already; that is no error
	check(leaders[next].Resign(ctx))
}

// ensemble returns the configuration of clients of the servers, or of an embedded one
// that stop ends.
func ensemble(servers string) (cfg zk.Config, stop func()) {
	cfg = zk.Config{Servers: servers, SessionTimeout: 4 * time.Second}
	cfg.Logger = slog.New(slog.DiscardHandler) // the output tells the story; by default a client logs to slog.Default()
	if servers != "" {
		return cfg, func() {}
	}
	srv, err := zktest.New(zktest.Config{})
	check(err)
	cfg.Servers, cfg.DialContext = srv.ConnectString(), srv.DialContext
	return cfg, func() { srv.Close() }
}

// connect connects a client whose network goes silent while cut is true.
func connect(ctx context.Context, cfg zk.Config, cut *atomic.Bool) *zk.Client {
	dial := cfg.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if cut.Load() {
			return nil, fmt.Errorf("%s is out of reach", addr)
		}
		nc, err := dial(ctx, network, addr)
		return &silenced{nc, cut}, err
	}
	c, err := zk.Connect(ctx, cfg)
	check(err)
	return c
}

// silenced is a connection that swallows what is written while cut is true.
type silenced struct {
	net.Conn
	cut *atomic.Bool
}

func (s *silenced) Write(b []byte) (int, error) {
	if s.cut.Load() {
		return len(b), nil
	}
	return s.Conn.Write(b)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
