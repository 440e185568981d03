package docs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// The snippets of locks.md about the other kinds of locks, and about what can be done
// with a lock that is held.

func Example_lockReadWrite() {
	_, clients, stop := clientsOf(1)
	defer stop()
	ctx, client := context.Background(), clients[0]

	// docs:begin readwrite
	rw := lock.NewReadWrite(client, "/locks/catalog", lock.Config{})
	err := rw.Read().Do(ctx, func(ctx context.Context, h *lock.Held) error {
		return serve(ctx) // beside other readers
	})
	// docs:end readwrite
	succeed(err)
	// docs:begin downgrade
	err = rw.Write().Do(ctx, func(ctx context.Context, h *lock.Held) error {
		if err := rebuild(ctx); err != nil { // alone
			return err
		}
		if err := h.Downgrade(ctx); err != nil {
			return err
		}
		return serve(ctx) // beside other readers; no writer came in between
	})
	// docs:end downgrade
	fmt.Println(err)
	// Output: <nil>
}

func rebuild(ctx context.Context) error { return ctx.Err() }

func Example_lockSemaphore() {
	_, clients, stop := clientsOf(1)
	defer stop()
	ctx, client := context.Background(), clients[0]

	// docs:begin semaphore
	gpus := lock.NewSemaphore(client, "/permits/gpus", 8, lock.Config{Data: []byte("worker-7")})
	err := gpus.Do(ctx, 2, func(ctx context.Context, p *lock.Permits) error {
		fmt.Println("permits:", p.Len())
		return serve(ctx)
	})
	// docs:end semaphore
	fmt.Println(err)
	// docs:begin limit-changes
	gpus = lock.NewSemaphore(client, "/permits/gpus", 0, lock.Config{}) // whatever is stored
	err = gpus.SetLimit(ctx, 12)
	// docs:end limit-changes
	succeed(err)
	fmt.Println(gpus.Limit(ctx))
	// Output:
	// permits: 2
	// <nil>
	// 12 <nil>
}

func Example_lockMulti() {
	_, clients, stop := clientsOf(1)
	defer stop()
	ctx, client := context.Background(), clients[0]
	from, to := "/accounts/7/lock", "/accounts/3/lock"
	_, err := client.Create(ctx, "/transfers", nil, zk.Persistent)
	succeed(err)

	// docs:begin multi
	both := lock.NewMulti(lock.New(client, from, lock.Config{}), lock.New(client, to, lock.Config{}))
	err = both.Do(ctx, func(ctx context.Context, h *lock.MultiHeld) error {
		ops := append(h.Check(), zk.CreateOp("/transfers/t-", nil, zk.PersistentSequential))
		_, err := client.Multi(ctx, ops...) // only while both are held
		return err
	})
	// docs:end multi
	fmt.Println(err)
	// Output: <nil>
}

func Example_lockRevoke() {
	_, clients, stop := clientsOf(2)
	defer stop()
	ctx := context.Background()
	mine := lock.New(clients[0], "/locks/cache", lock.Config{})
	theirs := lock.New(clients[1], "/locks/cache", lock.Config{})

	h, err := mine.Acquire(ctx)
	succeed(err)

	// docs:begin revoke
	err = theirs.Revoke(ctx) // asks the holder, and does not wait for it
	// docs:end revoke
	succeed(err)
	work := func(ctx context.Context) error {
		// docs:begin revoked
		select {
		case <-h.Revoked(): // somebody asks: finish, and release
			return nil
		case <-ctx.Done(): // the lock is lost
			return context.Cause(ctx)
		}
		// docs:end revoked
	}
	fmt.Println(work(h.Context()), h.Release(ctx))
	// Output: <nil> <nil>
}

func Example_lockContenders() {
	_, clients, stop := clientsOf(1)
	defer stop()
	ctx := context.Background()
	l := lock.New(clients[0], "/locks/invoices", lock.Config{Data: []byte("worker-7")})
	h, err := l.Acquire(ctx)
	succeed(err)
	defer h.Release(ctx)

	// docs:begin contenders
	list, err := l.Contenders(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range list {
		fmt.Printf("%s holds: %v, token: %v\n", c.Data, c.Holder, c.Token == h.Token())
	}
	// docs:end contenders
	// Output: worker-7 holds: true, token: true
}

func Example_lockDetach() {
	srv, clients, stop := clientsOf(1)
	defer stop()
	ctx, client := context.Background(), clients[0]
	h, err := lock.New(client, "/locks/invoices", lock.Config{}).Acquire(ctx)
	succeed(err)

	// docs:begin detach
	hold, err := h.Detach(ctx) // ends h.Context(); the lock stays locked
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.Detach(ctx) // and the client is over
	// docs:end detach
	succeed(err)

	cfg := srv.ClientConfig()
	cfg.Logger = slog.New(slog.DiscardHandler)
	// docs:begin resume
	cfg.Resume = session // in the next process: zk.ParseDetachedSession(session.Marshal())
	next, err := zk.Connect(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	again, err := lock.New(next, "/locks/invoices", lock.Config{}).Resume(ctx, hold)
	// docs:end resume
	succeed(err)
	fmt.Println("the same token:", again.Token() == h.Token())
	fmt.Println("why the first hold ended:", errors.Is(context.Cause(h.Context()), lock.ErrDetached))
	succeed(again.Release(ctx))
	succeed(next.Close(ctx))
	// Output:
	// the same token: true
	// why the first hold ended: true
}
