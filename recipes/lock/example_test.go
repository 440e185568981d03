package lock_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// client returns a client of an embedded server, and a function that ends both.
func client() (*zk.Client, func()) {
	srv, err := zktest.New(zktest.Config{})
	check(err)
	c, err := zk.Connect(context.Background(), zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
	check(err)
	return c, func() {
		check(c.Close(context.Background()))
		check(srv.Close())
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleLock_Do() {
	c, end := client()
	defer end()
	ctx := context.Background()

	l := lock.New(c, "/app/lock", lock.Config{Data: []byte("me")})
	err := l.Do(ctx, func(ctx context.Context, h *lock.Held) error {
		// ctx ends with the lock. After the lock is lost, the server refuses writes with
		// h.Check, even if this process has not noticed yet.
		_, err := c.Multi(ctx, h.Check(), zk.CreateOp("/app/data", []byte("mine"), zk.Persistent))
		return err
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleReadWrite() {
	c, end := client()
	defer end()
	ctx := context.Background()

	rw := lock.NewReadWrite(c, "/app/rw", lock.Config{})
	check(rw.Write().Do(ctx, func(ctx context.Context, h *lock.Held) error {
		_, err := rw.Read().TryAcquire(ctx)
		fmt.Println("read while it is written:", errors.Is(err, lock.ErrHeld))
		check(h.Downgrade(ctx)) // now a reader; no writer got in between
		return rw.Read().Do(ctx, func(context.Context, *lock.Held) error {
			fmt.Println("two readers")
			return nil
		})
	}))
	// Output:
	// read while it is written: true
	// two readers
}

func ExampleSemaphore() {
	c, end := client()
	defer end()
	ctx := context.Background()

	s := lock.NewSemaphore(c, "/app/permits", 3, lock.Config{})
	check(s.Do(ctx, 2, func(ctx context.Context, p *lock.Permits) error {
		fmt.Println("have", p.Len())
		_, err := s.TryAcquire(ctx, 2)
		fmt.Println("2 more:", errors.Is(err, lock.ErrHeld))
		_, err = s.Acquire(ctx, 4)
		fmt.Println(err)
		return nil
	}))
	// Output:
	// have 2
	// 2 more: true
	// lock: /app/permits: 4 permits are more than the limit of 3
}

// Status answers from memory, for a log or a page for operators.
func ExampleLock_Status() {
	c, end := client()
	defer end()
	ctx := context.Background()

	l := lock.New(c, "/app/lock", lock.Config{})
	h, err := l.Acquire(ctx)
	check(err)
	s := l.Status()
	fmt.Println("holds:", len(s.Holds), "waiting:", s.Waiting)
	check(h.Release(ctx))
	fmt.Println("holds:", len(l.Status().Holds))
	// Output:
	// holds: 1 waiting: 0
	// holds: 0
}

func ExampleMulti() {
	c, end := client()
	defer end()
	ctx := context.Background()

	from, to := lock.New(c, "/accounts/7", lock.Config{}), lock.New(c, "/accounts/3", lock.Config{})
	check(lock.NewMulti(from, to).Do(ctx, func(_ context.Context, h *lock.MultiHeld) error {
		// All are held, until ctx ends.
		fmt.Println(len(h.Held()))
		return nil
	}))
	// Output: 2
}

func ExampleHeld_Revoked() {
	c, end := client()
	defer end()
	ctx := context.Background()

	l := lock.New(c, "/app/lock", lock.Config{})
	h, err := l.Acquire(ctx)
	check(err)
	check(l.Revoke(ctx)) // another process would call this
	<-h.Revoked()
	fmt.Println("asked to release:", h.Release(ctx))
	// Output: asked to release: <nil>
}
