package docs_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"sync"
	"time"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/follow"
	"github.com/zookit/zookit/zk/settle"
	"github.com/zookit/zookit/zk/tree"
	"github.com/zookit/zookit/zktest"
)

// The code of the pages moving-from-*.md.

// moving runs f with two clients of an embedded server. The second one stands for a
// program that has not moved. It prints the error of f.
func moving(f func(ctx context.Context, c, other *zk.Client) error) {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var clients [2]*zk.Client
	for i := range clients {
		cfg := srv.ClientConfig()
		cfg.Logger = slog.New(slog.DiscardHandler)
		if clients[i], err = zk.Connect(ctx, cfg); err != nil {
			log.Fatal(err)
		}
		defer clients[i].Close(ctx)
	}
	if err := f(ctx, clients[0], clients[1]); err != nil {
		fmt.Println(err)
	}
}

// contender creates the node of a contender of another library.
func contender(ctx context.Context, c *zk.Client, path, data string) error {
	if err := recipes.EnsurePath(ctx, c, zk.Parent(path)); err != nil {
		return err
	}
	_, err := c.Create(ctx, path, []byte(data), zk.EphemeralSequential)
	return err
}

func Example_movingFromGoZookeeper() {
	moving(func(ctx context.Context, c, _ *zk.Client) error {
		if _, err := c.Create(ctx, "/config", []byte("v1"), zk.Persistent); err != nil {
			return err
		}
		work := func(ctx context.Context, token int64) error {
			fmt.Println("works under the lock:", ctx.Err() == nil && token > 0)
			return nil
		}
		apply := func(config []byte) {
			fmt.Printf("config: %s\n", config)
			if err := c.Delete(ctx, "/config", zk.AnyVersion); err != nil {
				log.Fatal(err)
			}
		}
		// docs:begin go-zookeeper-native
		workers := groupmembership.New(c, "/workers", groupmembership.Config{})
		member, err := workers.Join(ctx, "host-7", []byte("10.0.0.7:8080")) // also after an expired session
		if err != nil {
			return err
		}
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			member.Leave(ctx) // what it cannot delete now, the client deletes in the background
		}()

		report := lock.New(c, "/locks/report", lock.Config{})
		err = report.Do(ctx, func(ctx context.Context, h *lock.Held) error {
			return work(ctx, h.Token()) // ctx ends before another can have the lock
		})
		if err != nil {
			return err
		}

		for node, err := range follow.Data(ctx, c, "/config") {
			if err != nil {
				return err // ctx has ended, or a retry does not help
			}
			if node == nil {
				break // there is no /config any more
			}
			apply(node.Data)
		}
		// docs:end go-zookeeper-native
		return nil
	})
	// Output:
	// works under the lock: true
	// config: v1
}

func Example_movingFromCurator() {
	moving(func(ctx context.Context, c, other *zk.Client) error {
		java := "/services/billing/leader/_c_6ba7b810-9dad-11d1-80b4-00c04fd430c8-latch-"
		if err := contender(ctx, other, java, "java-1"); err != nil {
			return err
		}
		schedule := func(ctx context.Context) error {
			fmt.Println("go-2 leads")
			return nil
		}
		done := make(chan error, 1)
		go func() {
			done <- func() error {
				// docs:begin curator-latch
				e := election.New(c, "/services/billing/leader", election.Config{ID: "go-2"})
				err := e.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
					return schedule(ctx) // ctx ends before anybody else can lead
				})
				// docs:end curator-latch
				return err
			}()
		}()
		e := election.New(c, "/services/billing/leader", election.Config{})
		for both := false; !both; { // until it waits in the queue
			list, err := e.Candidates(ctx)
			if err != nil {
				return err
			}
			both = len(list) == 2
		}
		// docs:begin curator-participants
		list, err := e.Candidates(ctx)
		if err != nil {
			return err
		}
		for _, x := range list {
			fmt.Printf("%s leads: %t, has moved: %t\n", x.Data, x.Leader, !x.Foreign)
		}
		// docs:end curator-participants
		if err := other.Close(ctx); err != nil {
			return err
		}
		return <-done
	})
	// Output:
	// java-1 leads: true, has moved: false
	// go-2 leads: false, has moved: true
	// go-2 leads
}

func Example_movingFromCurator_counter() {
	moving(func(ctx context.Context, c, _ *zk.Client) error {
		if _, err := c.Create(ctx, "/orders", binary.BigEndian.AppendUint64(nil, 41), zk.Persistent); err != nil {
			return err
		}
		// docs:begin curator-counter
		node, err := settle.Update(ctx, c, "/orders", func(old []byte, _ zk.Stat) ([]byte, error) {
			if len(old) != 8 {
				return nil, fmt.Errorf("/orders has %d bytes, want 8", len(old))
			}
			next := binary.BigEndian.Uint64(old) + 1
			return binary.BigEndian.AppendUint64(nil, next), nil
		}, settle.UpdateConfig{})
		if errors.Is(err, settle.ErrUnsettled) {
			return err // the reply was lost, and the step may have been counted or not
		}
		if err != nil {
			return err
		}
		// docs:end curator-counter
		fmt.Println(binary.BigEndian.Uint64(node.Data))
		return nil
	})
	// Output: 42
}

func Example_movingFromKazoo() {
	moving(func(ctx context.Context, c, other *zk.Client) error {
		// docs:begin kazoo-directory
		if err := tree.Ensure(ctx, c, "/locks/report", tree.Parents{}); err != nil {
			return err
		}
		// docs:end kazoo-directory
		python := "/locks/report/0123456789abcdef0123456789abcdef__lock__"
		if err := contender(ctx, other, python, "python-1"); err != nil {
			return err
		}
		build := func(ctx context.Context) error {
			fmt.Println("go-2 has the lock")
			return ctx.Err()
		}
		// docs:begin kazoo-lock
		l := lock.New(c, "/locks/report", lock.Config{
			Dialect: recipes.Kazoo, // in every program that uses this directory
			Data:    []byte("go-2"),
		})
		// docs:end kazoo-lock
		// docs:begin kazoo-try
		_, err := l.TryAcquire(ctx)
		if wait, ok := errors.AsType[*recipes.WaitError](err); ok {
			fmt.Printf("held by %s\n", wait.First.Data)
		}
		// docs:end kazoo-try
		if err := other.Close(ctx); err != nil {
			return err
		}
		// docs:begin kazoo-do
		err = l.Do(ctx, func(ctx context.Context, h *lock.Held) error {
			return build(ctx) // ctx ends before a program of either kind can have the lock
		})
		// docs:end kazoo-do
		return err
	})
	// Output:
	// held by python-1
	// go-2 has the lock
}

func Example_movingFromEtcd() {
	moving(func(ctx context.Context, c, _ *zk.Client) error {
		if _, err := c.Create(ctx, "/report", nil, zk.Persistent); err != nil {
			return err
		}
		build := func(ctx context.Context) ([]byte, error) { return []byte("of today"), ctx.Err() }

		// docs:begin etcd-guarded
		l := lock.New(c, "/locks/report", lock.Config{})
		err := l.Do(ctx, func(ctx context.Context, h *lock.Held) error {
			report, err := build(ctx) // ctx ends before another can have the lock
			if err != nil {
				return err
			}
			_, err = c.Multi(ctx, h.Check(), zk.SetOp("/report", report, zk.AnyVersion))
			return err // with lock.ErrNotHeld the lock was lost, and nothing is written
		})
		// docs:end etcd-guarded
		if err != nil {
			return err
		}
		node, err := c.Get(ctx, "/report")
		fmt.Printf("report %s\n", node.Data)
		return err
	})
	// Output: report of today
}

// oldLock stands for the lock of another product. Its context ends when it is lost.
type oldLock struct{ mu sync.Mutex }

func (o *oldLock) acquire(ctx context.Context) (held context.Context, release func(), err error) {
	o.mu.Lock()
	held, cancel := context.WithCancel(ctx)
	return held, func() { cancel(); o.mu.Unlock() }, nil
}

func Example_movingBoth() {
	moving(func(ctx context.Context, c, _ *zk.Client) error {
		old := new(oldLock).acquire
		work := func(ctx context.Context, token int64) error {
			fmt.Println("has both:", ctx.Err() == nil && token > 0)
			return nil
		}
		// docs:begin both
		held, release, err := old(ctx) // the old lock first, in every program
		if err != nil {
			return err
		}
		defer release()
		l := lock.New(c, "/locks/report", lock.Config{})
		return l.Do(held, func(ctx context.Context, h *lock.Held) error {
			return work(ctx, h.Token()) // ctx ends when either lock may be lost
		})
		// docs:end both
	})
	// Output: has both: true
}

func Example_movingFromConsul() {
	moving(func(ctx context.Context, c, other *zk.Client) error {
		theirs, err := lock.New(other, "/locks/nightly", lock.Config{Data: []byte("host-3")}).Acquire(ctx)
		if err != nil {
			return err
		}
		work := func(ctx context.Context, token int64) error {
			fmt.Println("works:", ctx.Err() == nil && token > theirs.Token())
			return nil
		}
		once := func() error {
			// docs:begin consul-try
			l := lock.New(c, "/locks/nightly", lock.Config{Data: []byte("host-7")})
			h, err := l.TryAcquire(ctx)
			if busy, ok := errors.AsType[*recipes.WaitError](err); ok {
				fmt.Printf("not tonight: %s has it\n", busy.First.Data)
				return nil
			}
			if err != nil {
				return err
			}
			holding, stop := context.WithCancel(h.Context()) // it takes the place of the channel
			defer stop()
			defer context.AfterFunc(ctx, stop)() // and ends with ctx too
			err = work(holding, h.Token())
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return errors.Join(err, h.Release(ending))
			// docs:end consul-try
		}
		if err := once(); err != nil {
			return err
		}
		if err := theirs.Release(ctx); err != nil {
			return err
		}
		return once()
	})
	// Output:
	// not tonight: host-3 has it
	// works: true
}

func Example_movingFromRedsync() {
	moving(func(ctx context.Context, c, _ *zk.Client) error {
		var newest int64
		store := func(ctx context.Context, token int64) error {
			if token < newest {
				return fmt.Errorf("token %d is older than %d", token, newest)
			}
			newest = token
			return ctx.Err()
		}
		charge := func() error {
			// docs:begin redsync-lock
			l := lock.New(c, "/locks/account-42", lock.Config{})
			waiting, cancel := context.WithTimeout(ctx, 5*time.Second) // in place of tries and delays
			defer cancel()
			h, err := l.Acquire(waiting) // the timeout bounds the waiting, and not the hold
			if err != nil {
				return err
			}
			holding, stop := context.WithCancel(h.Context()) // ends with the lock
			defer stop()
			defer context.AfterFunc(ctx, stop)() // and with ctx
			err = store(holding, h.Token())      // the store refuses a token lower than one it has seen
			ending, end := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer end()
			return errors.Join(err, h.Release(ending))
			// docs:end redsync-lock
		}
		for range 2 {
			before := newest
			if err := charge(); err != nil {
				return err
			}
			fmt.Println("higher token:", newest > before)
		}
		return nil
	})
	// Output:
	// higher token: true
	// higher token: true
}

func Example_movingFromClientGo() {
	moving(func(ctx context.Context, c, _ *zk.Client) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		reconcile := func(ctx context.Context, token int64) {
			fmt.Println("reconciles:", ctx.Err() == nil && token > 0)
			stop() // in a real service, SIGTERM arrives some time
			<-ctx.Done()
		}
		// docs:begin client-go-run
		e := election.New(c, "/services/billing/leader", election.Config{ID: "pod-7"})
		err := e.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
			reconcile(ctx, l.Token()) // until ctx ends: the leadership is lost, or the program stops
			fmt.Println("stopped leading")
			return nil
		})
		// After a loss, Run campaigns again by itself. It returns when the program stops.
		// docs:end client-go-run
		fmt.Println("leads:", e.IsLeader())
		return err
	})
	// Output:
	// reconciles: true
	// stopped leading
	// leads: false
}
