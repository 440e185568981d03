package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	gozk "github.com/go-zookeeper/zk"

	"github.com/zookit/zookit/zk"
)

// The clients that are compared.
const (
	ours   = "zookit"
	theirs = "go-zookeeper"
	raw    = "raw socket"
)

// timeout is the session timeout of every client here.
const timeout = 10 * time.Second

// client is one session. Many goroutines call its methods at once, except those of the
// raw socket.
type client interface {
	get(path string) (int, error)
	exists(path string) error
	set(path string, data []byte) error
	createDelete(prefix string) error // an ephemeral sequential node
	children(path string) (int, error)
	// pipeline keeps depth gets of path outstanding until stop returns true. It returns
	// the number of answered gets.
	pipeline(path string, depth int, stop func() bool) (int, error)
	// watch sets a watch on every path. It returns a function that waits until all of
	// them have fired.
	watch(paths []string) (func() error, error)
	close() error
}

func dialZookit(addr string) (client, error) {
	c, err := connectZookit(addr, timeout, nil)
	return &zookitClient{c}, err
}

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

func connectZookit(addr string, timeout time.Duration, dial dialer) (*zk.Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return zk.Connect(ctx, zk.Config{
		Servers: addr, SessionTimeout: timeout, DialContext: dial, Logger: slog.New(slog.DiscardHandler),
	})
}

type zookitClient struct{ c *zk.Client }

var background = context.Background()

func (z *zookitClient) get(path string) (int, error) {
	n, err := z.c.Get(background, path)
	return len(n.Data), err
}

func (z *zookitClient) exists(path string) error {
	_, _, err := z.c.Exists(background, path)
	return err
}

func (z *zookitClient) set(path string, data []byte) error {
	_, err := z.c.Set(background, path, data, zk.AnyVersion)
	return err
}

func (z *zookitClient) createDelete(prefix string) error {
	made, err := z.c.Create(background, prefix, nil, zk.EphemeralSequential)
	if err != nil {
		return err
	}
	return z.c.Delete(background, made.Path, zk.AnyVersion)
}

func (z *zookitClient) children(path string) (int, error) {
	names, _, err := z.c.Children(background, path)
	return len(names), err
}

// pipeline waits only for the last one of a batch of replies. Replies arrive in order,
// so the others have arrived by then. A wait for each reply would cost a wake-up for
// each.
func (z *zookitClient) pipeline(path string, depth int, stop func() bool) (int, error) {
	p := z.c.Pipeline()
	some := depth / 20
	ring := make([]*zk.Future[zk.Node], 0, depth)
	done := 0
	take := func(n int) error { // waits for the oldest n
		if _, err := ring[n-1].Wait(background); err != nil {
			return err
		}
		for _, f := range ring[:n] {
			if _, err := f.Wait(background); err != nil {
				return err
			}
			done++
		}
		ring = ring[:copy(ring, ring[n:])]
		return nil
	}
	for !stop() {
		for len(ring) < depth {
			ring = append(ring, p.Get(background, path))
		}
		if err := take(some); err != nil {
			return done, err
		}
	}
	return done, take(len(ring))
}

func (z *zookitClient) watch(paths []string) (func() error, error) {
	p := z.c.Pipeline()
	const depth = 500
	watches := make([]*zk.Watch, len(paths))
	futures := make([]*zk.Future[zk.Watched[zk.Existence]], depth)
	take := func(i int) error {
		w, err := futures[i%depth].Wait(background)
		watches[i] = w.Watch
		return err
	}
	for i, path := range paths {
		if i >= depth {
			if err := take(i - depth); err != nil {
				return nil, err
			}
		}
		futures[i%depth] = p.ExistsW(background, path)
	}
	for i := max(0, len(paths)-depth); i < len(paths); i++ {
		if err := take(i); err != nil {
			return nil, err
		}
	}
	return func() error {
		for _, w := range watches {
			if _, err := w.Wait(background); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (z *zookitClient) close() error {
	ctx, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	return z.c.Close(ctx)
}

type gozkClient struct{ c *gozk.Conn }

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func dialGozk(addr string) (client, error) {
	c, err := connectGozk(addr, timeout, nil)
	return &gozkClient{c}, err
}

// connectGozk returns when the session is established, as zookit's Connect does.
func connectGozk(addr string, timeout time.Duration, dial gozk.Dialer) (*gozk.Conn, error) {
	if dial == nil {
		dial = net.DialTimeout
	}
	c, events, err := gozk.Connect([]string{addr}, timeout, gozk.WithLogger(quiet{}), gozk.WithDialer(dial))
	if err != nil {
		return nil, err
	}
	deadline := time.After(30 * time.Second)
	for {
		select {
		case ev := <-events:
			if ev.State == gozk.StateHasSession {
				go func() { // ends with the connection, which closes the channel
					for range events {
					}
				}()
				return c, nil
			}
		case <-deadline:
			c.Close()
			return nil, errors.New("bench: go-zookeeper: no session")
		}
	}
}

func (g *gozkClient) get(path string) (int, error) {
	b, _, err := g.c.Get(path)
	return len(b), err
}

func (g *gozkClient) exists(path string) error {
	_, _, err := g.c.Exists(path)
	return err
}

func (g *gozkClient) set(path string, data []byte) error {
	_, err := g.c.Set(path, data, -1)
	return err
}

func (g *gozkClient) createDelete(prefix string) error {
	path, err := g.c.Create(prefix, nil, gozk.FlagEphemeral|gozk.FlagSequence, gozk.WorldACL(gozk.PermAll))
	if err != nil {
		return err
	}
	return g.c.Delete(path, -1)
}

func (g *gozkClient) children(path string) (int, error) {
	names, _, err := g.c.Children(path)
	return len(names), err
}

// pipeline uses a goroutine for each outstanding get. The client offers no other way.
func (g *gozkClient) pipeline(path string, depth int, stop func() bool) (int, error) {
	return inParallel(depth, stop, func() error {
		_, _, err := g.c.Get(path)
		return err
	})
}

func (g *gozkClient) watch(paths []string) (func() error, error) {
	channels := make([]<-chan gozk.Event, len(paths))
	const callers = 500
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for k := range callers {
		wg.Go(func() {
			for i := k; i < len(paths); i += callers {
				if _, _, channels[i], errs[k] = g.c.ExistsW(paths[i]); errs[k] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return func() error {
		for _, ch := range channels {
			<-ch
		}
		return nil
	}, errors.Join(errs...)
}

func (g *gozkClient) close() error {
	g.c.Close()
	return nil
}

// inParallel calls f over and over in n goroutines, and returns how many calls
// succeeded.
func inParallel(callers int, stop func() bool, f func() error) (int, error) {
	counts := make([]int, callers)
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			n := 0
			for !stop() {
				if errs[i] = f(); errs[i] != nil {
					break
				}
				n++
			}
			counts[i] = n
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum, errors.Join(errs...)
}
