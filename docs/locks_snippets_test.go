package docs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"sync"
	"time"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// clientsOf returns clients of one embedded server, and a function that ends all of them.
func clientsOf(n int) (srv *zktest.Server, clients []*zk.Client, stop func()) {
	srv, err := zktest.New(zktest.Config{})
	succeed(err)
	cfg := srv.ClientConfig()
	cfg.SessionTimeout, cfg.Logger = 30*time.Second, slog.New(slog.DiscardHandler)
	for range n {
		c, err := zk.Connect(context.Background(), cfg)
		succeed(err)
		clients = append(clients, c)
	}
	return srv, clients, func() {
		for _, c := range clients {
			succeed(c.Close(context.Background()))
		}
		succeed(srv.Close())
	}
}

func succeed(err error) {
	if err != nil {
		panic(err)
	}
}

// docs:begin store
// table is a store that a paused holder cannot spoil.
type table struct {
	mu     sync.Mutex
	newest int64 // the highest token that it has seen
	rows   []string
}

// Write refuses a token that is lower than one that it has seen.
func (t *table) Write(_ context.Context, token int64, row string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if token < t.newest {
		return errors.New("an older holder's write came too late")
	}
	t.newest = token
	t.rows = append(t.rows, row)
	return nil
}

// docs:end store

func Example_lockDo() {
	_, clients, stop := clientsOf(1)
	defer stop()
	ctx, client, store := context.Background(), clients[0], &table{}

	// docs:begin do
	l := lock.New(client, "/locks/invoices", lock.Config{Data: []byte("worker-7")})
	err := l.Do(ctx, func(ctx context.Context, h *lock.Held) error {
		// ctx ends with the lock. The store refuses a token that is lower than one
		// that it has seen.
		return store.Write(ctx, h.Token(), "invoice 4711")
	})
	// docs:end do
	fmt.Println(err, store.rows)
	// Output: <nil> [invoice 4711]
}

// docs:begin acquire
func serveAlone(ctx context.Context, l *lock.Lock) error {
	h, err := l.Acquire(ctx)
	if err != nil {
		return err // the lock is not held
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := h.Release(ctx); err != nil {
			log.Print(err) // the client goes on to delete the node in the background
		}
	}()
	under, stop := context.WithCancel(h.Context()) // ends with the lock
	defer stop()
	defer context.AfterFunc(ctx, stop)() // and with ctx
	return serve(under)
}

// docs:end acquire

func serve(ctx context.Context) error { return ctx.Err() }

func Example_lockAcquire() {
	srv, clients, stop := clientsOf(1)
	defer stop()
	fmt.Println(serveAlone(context.Background(), lock.New(clients[0], "/locks/port", lock.Config{})))
	fmt.Println("nodes that are left:", srv.Children("/locks/port"))
	// Output:
	// <nil>
	// nodes that are left: []
}

func Example_lockTryAcquire() {
	_, clients, stop := clientsOf(2)
	defer stop()
	ctx := context.Background()
	other, err := lock.New(clients[1], "/locks/report", lock.Config{Data: []byte("worker-8")}).Acquire(ctx)
	succeed(err)
	defer other.Release(ctx)
	l := lock.New(clients[0], "/locks/report", lock.Config{Data: []byte("worker-7")})

	// docs:begin try
	h, err := l.TryAcquire(ctx)
	if busy, ok := errors.AsType[*recipes.WaitError](err); ok {
		fmt.Printf("not now: %s has it\n", busy.First.Data)
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	// docs:end try
	fmt.Println(h.Release(ctx))
	// Output: not now: worker-8 has it
}

func Example_lockCheck() {
	srv, clients, stop := clientsOf(1)
	defer stop()
	ctx, client := context.Background(), clients[0]
	succeed(srv.Create("/state", nil))
	h, err := lock.New(client, "/locks/state", lock.Config{}).Acquire(ctx)
	succeed(err)
	write := func() error {
		// docs:begin check
		_, err := client.Multi(ctx, h.Check(), zk.SetOp("/state", []byte("done"), zk.AnyVersion))
		if errors.Is(err, lock.ErrNotHeld) {
			return fmt.Errorf("the lock was lost, and nothing was written: %w", err)
		}
		// docs:end check
		return err
	}
	fmt.Println(write())
	succeed(h.Release(ctx))
	fmt.Println(errors.Is(write(), lock.ErrNotHeld))
	// Output:
	// <nil>
	// true
}
