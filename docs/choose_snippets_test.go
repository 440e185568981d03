package docs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// docs:begin cron

// runOnce makes the report that was scheduled for a time, unless another machine makes
// it or has made it.
func runOnce(ctx context.Context, c *zk.Client, scheduled time.Time, report func(context.Context) error) error {
	held, err := lock.New(c, "/locks/report", lock.Config{}).TryAcquire(ctx)
	if errors.Is(err, lock.ErrHeld) {
		return nil // another machine makes it
	}
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		held.Release(ctx) // what it cannot delete now, the client deletes in the background
	}()

	due := scheduled.UTC().Format(time.RFC3339)
	last, err := c.Get(ctx, "/report/last") // has what earlier holders have written
	if err != nil {
		return err
	}
	if string(last.Data) >= due {
		return nil // a machine whose clock is ahead has made it
	}
	under, stop := context.WithCancel(held.Context()) // ends with the lock
	defer stop()
	defer context.AfterFunc(ctx, stop)() // and with ctx
	if err := report(under); err != nil {
		return err
	}
	_, err = c.Multi(ctx, held.Check(), zk.SetOp("/report/last", []byte(due), zk.Version(last.Stat.Version)))
	return err
}

// docs:end cron

func Example_chooseCron() {
	srv, c, end := readmeServer()
	defer end()
	ctx := context.Background()
	if err := srv.Create("/report", nil); err != nil {
		log.Fatal(err)
	}
	if err := srv.Create("/report/last", nil); err != nil {
		log.Fatal(err)
	}
	midnight := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	report := func(ctx context.Context) error {
		fmt.Println("makes the report:", ctx.Err() == nil)
		// Another machine comes while this one is at work.
		return runOnce(context.Background(), c, midnight, func(context.Context) error { return errors.New("made twice") })
	}
	for _, scheduled := range []time.Time{midnight, midnight, midnight.Add(24 * time.Hour)} {
		if err := runOnce(ctx, c, scheduled, report); err != nil {
			log.Fatal(err)
		}
	}
	last, _ := srv.Get("/report/last")
	fmt.Printf("%s\n", last)
	// Output:
	// makes the report: true
	// makes the report: true
	// 2026-11-30T00:00:00Z
}
