package docs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// readmeServer returns an embedded server, a client of it, and what ends both.
func readmeServer() (srv *zktest.Server, c *zk.Client, end func()) {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	c, err = zk.Connect(context.Background(), srv.ClientConfig())
	if err != nil {
		log.Fatal(err)
	}
	return srv, c, func() {
		if err := errors.Join(c.Close(context.Background()), srv.Close()); err != nil {
			log.Fatal(err)
		}
	}
}

// fencedStore is a store that refuses a write with a lower token than it has seen.
type fencedStore struct {
	mu     sync.Mutex
	newest int64
	data   string
}

func (s *fencedStore) Write(_ context.Context, token int64, data string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token < s.newest {
		return errors.New("a later holder has written already")
	}
	s.newest, s.data = token, data
	return nil
}

func Example_readmeLock() {
	_, c, end := readmeServer()
	defer end()
	ctx := context.Background()
	store := &fencedStore{}
	const invoice = "invoice 7"
	// docs:begin lock
	l := lock.New(c, "/locks/invoices", lock.Config{})
	err := l.Do(ctx, func(ctx context.Context, held *lock.Held) error {
		// ctx ends when the lock may be lost, and before another client can have it.
		// The store refuses a token that is lower than one it has seen.
		return store.Write(ctx, held.Token(), invoice)
	})
	// docs:end lock
	fmt.Println(store.data, err)
	// Output: invoice 7 <nil>
}

func Example_readmeGuardedWrite() {
	srv, c, end := readmeServer()
	defer end()
	ctx := context.Background()
	if _, err := c.Create(ctx, "/state", nil, zk.Persistent); err != nil {
		log.Fatal(err)
	}
	held, err := lock.New(c, "/locks/invoices", lock.Config{}).Acquire(ctx)
	if err != nil {
		log.Fatal(err)
	}
	data := []byte("written under the lock")
	// docs:begin guarded-write
	_, err = c.Multi(ctx, held.Check(), zk.SetOp("/state", data, zk.AnyVersion))
	// docs:end guarded-write
	fmt.Println(err)

	if err := srv.Delete(held.Path()); err != nil { // the lock is lost
		log.Fatal(err)
	}
	_, err = c.Multi(ctx, held.Check(), zk.SetOp("/state", data, zk.AnyVersion))
	fmt.Println(errors.Is(err, lock.ErrNotHeld), held.Release(ctx))
	// Output:
	// <nil>
	// true <nil>
}

func Example_readmeElection() {
	_, c, end := readmeServer()
	defer end()
	ctx, done := context.WithCancel(context.Background())
	schedule := func(ctx context.Context) error {
		fmt.Println("schedules:", ctx.Err() == nil)
		done()
		<-ctx.Done()
		return ctx.Err()
	}
	// docs:begin election
	e := election.New(c, "/election/scheduler", election.Config{ID: "worker-7"})
	err := e.Run(ctx, func(ctx context.Context, _ *election.Leadership) error {
		// ctx ends before the next leader can begin. If the leadership is lost, Run
		// campaigns again when schedule has returned.
		return schedule(ctx)
	})
	// docs:end election
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// schedules: true
	// true
}

func Example_readmeDiscovery() {
	_, c, end := readmeServer()
	defer end()
	ctx, cancel := context.WithCancel(context.Background())
	call := func(_ context.Context, address string, port int) error {
		fmt.Printf("call %s:%d\n", address, port)
		return nil
	}
	err := func() error {
		// docs:begin discovery
		d := discovery.New(c, "/services", discovery.Config{})
		_, err := d.Register(ctx, discovery.Instance{Name: "web", Address: "10.0.0.7", Port: new(8080)})
		if err != nil {
			return err
		}

		cache := d.Cache() // in another process: all instances of all services
		go cache.Run(ctx)
		if err := cache.Loaded(ctx); err != nil {
			return err
		}
		web := cache.Provider("web", discovery.ProviderConfig{Strategy: discovery.RoundRobin()})
		use, err := web.Pick()
		if err != nil {
			return err
		}
		err = call(ctx, use.Instance.Address, *use.Instance.Port) // Port is nil if the instance has none
		use.Done(err)                                             // an instance that fails is set aside for a while
		// docs:end discovery
		return err
	}()
	cancel()
	fmt.Println(err)
	// Output:
	// call 10.0.0.7:8080
	// <nil>
}
