package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/zookit/zookit/contrib/zkprom"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// taskVariable passes its task to a worker, which is a second process of this program.
const taskVariable = "ZOOKIT_STORY_TASK"

// The paths of the story.
const (
	lockDir     = "/locks/invoices"
	electionDir = "/election/scheduler"
	servicesDir = "/services"
)

// sessionTimeout is that of every worker.
const sessionTimeout = 12 * time.Second

// task says what a worker is.
type task struct {
	Name    string
	Servers map[string]string // the address of each server, by its name
	At      string            // the server at which it begins; "": any, and it need not be reached
	// Password is that of the user orders. "": the worker has no credential.
	Password string
}

// runWorker is the main function of a worker. It ends when its standard input does.
func runWorker(text string) error {
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	client, metrics, err := t.connect(ctx)
	if err != nil {
		return err
	}
	if err := serve(metrics); err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, job := range []func(context.Context, *zk.Client){t.register, t.copies, t.bill, t.schedule} {
		all.Go(func() { again(ctx, func() { job(ctx, client) }) })
	}
	<-ctx.Done()
	end, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	err = client.Close(end)
	all.Wait()
	if t.At == "" {
		err = nil // it may never have had a connection
	}
	return err
}

// again calls job again and again until ctx ends, as a program would that must not stop
// to work.
func again(ctx context.Context, job func()) {
	for ctx.Err() == nil {
		job()
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

// serve serves the metrics, and writes the address to the standard output.
func serve(metrics *zkprom.Metrics) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(listener, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})) }() //nolint:gosec // ends with the process
	fmt.Println(listener.Addr())
	return nil
}

// connect returns a client that is connected to the server t.At. The client tries the
// servers in random order, so connect may need more than one client. Only the last one
// logs.
func (t task) connect(ctx context.Context) (*zk.Client, *zkprom.Metrics, error) {
	for {
		var log held
		metrics := zkprom.New(zkprom.Options{})
		cfg := zk.Config{
			Servers: "zk1:2181,zk2:2181,zk3:2181", DialContext: t.dial, SessionTimeout: sessionTimeout, Background: t.At == "",
			Logger: slog.New(slog.NewTextHandler(&log, nil)), Hooks: []zk.Hook{metrics},
		}
		if t.Password != "" {
			cfg.Auth = []zk.Authenticator{zk.DigestMD5("orders", t.Password)}
		}
		client, err := zk.Connect(ctx, cfg)
		if err != nil {
			return nil, nil, err
		}
		if t.At == "" || client.Stats().Server == t.At {
			metrics.Observe(client)
			return client, metrics, log.release()
		}
		if err := client.Close(ctx); err != nil {
			return nil, nil, err
		}
	}
}

// dial connects to a server by its name.
func (t task) dial(ctx context.Context, network, server string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, t.Servers[server])
}

// held keeps what is written until release, and passes it on to the standard error then.
type held struct {
	mu   sync.Mutex // guards the fields below
	buf  bytes.Buffer
	free bool
}

func (h *held) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.free {
		return os.Stderr.Write(b)
	}
	return h.buf.Write(b)
}

func (h *held) release() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = true
	_, err := h.buf.WriteTo(os.Stderr)
	return err
}

// register keeps the worker registered as an instance of a service.
func (t task) register(ctx context.Context, c *zk.Client) {
	port := 8080
	r, err := discovery.New(c, servicesDir, discovery.Config{}).Registration(discovery.Instance{
		Name: "orders", ID: t.Name, Address: t.Name + ".example", Port: &port,
	})
	if err == nil {
		_ = r.Serve(ctx, discovery.Gate{})
	}
}

// copies keeps a copy of all services.
func (t task) copies(ctx context.Context, c *zk.Client) {
	_ = discovery.New(c, servicesDir, discovery.Config{}).Cache().Run(ctx)
}

// bill works under the lock for as long as it has it.
func (t task) bill(ctx context.Context, c *zk.Client) {
	_ = lock.New(c, lockDir, lock.Config{Data: []byte(t.Name)}).Do(ctx, func(ctx context.Context, _ *lock.Held) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
}

// schedule leads for as long as it may.
func (t task) schedule(ctx context.Context, c *zk.Client) {
	err := election.New(c, electionDir, election.Config{ID: t.Name}).Run(ctx, func(ctx context.Context, _ *election.Leadership) error {
		<-ctx.Done()
		return nil
	})
	if errors.Is(err, zk.ErrClosed) {
		<-ctx.Done()
	}
}
