package docs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The snippets of barriers.md.

func Example_barrierGate() {
	_, clients, stop := clientsOf(2)
	defer stop()
	ctx, client := context.Background(), clients[0]

	// docs:begin raise
	gate := barrier.New(client, "/gates/migration", barrier.Config{Data: []byte("host-1 migrates")})
	if err := gate.Raise(ctx); err != nil { // closes it
		log.Fatal(err)
	}
	// docs:end raise
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			client := clients[1]
			// docs:begin wait
			gate := barrier.New(client, "/gates/migration", barrier.Config{})
			if err := gate.Wait(ctx); err != nil {
				log.Fatal(err)
			}
			// The gate was open at some moment since the call.
			// docs:end wait
			fmt.Println("through")
		})
	}
	fmt.Println("migrated")
	// docs:begin lower
	err := gate.Lower(ctx) // opens it, for everybody
	// docs:end lower
	succeed(err)
	workers.Wait()
	// Output:
	// migrated
	// through
	// through
}

// docs:begin double
// phase does its part of the work when all parties are there, and returns when all have
// done theirs.
func phase(ctx context.Context, d *barrier.Double, work func(ctx context.Context, round int64) error) error {
	e, err := d.Enter(ctx) // waits for all parties
	if err != nil {
		return err // this party is not in
	}
	done := work(e.Context(), e.Round())
	if err := e.Leave(ctx); err != nil { // waits until all have left
		return errors.Join(done, err)
	}
	return done
}

// docs:end double

func Example_barrierDouble() {
	_, clients, stop := clientsOf(3)
	defer stop()
	ctx := context.Background()
	rounds := make(chan int64, 3)
	var parties sync.WaitGroup
	for _, client := range clients {
		parties.Go(func() {
			// docs:begin new-double
			d := barrier.NewDouble(client, "/barriers/load-test", 3, barrier.DoubleConfig{})
			// docs:end new-double
			succeed(phase(ctx, d, func(_ context.Context, round int64) error {
				rounds <- round
				return nil
			}))
		})
	}
	parties.Wait()
	a, b, c := <-rounds, <-rounds, <-rounds
	fmt.Println("one round:", a == b && b == c)
	// Output: one round: true
}

// A party of three is cut off while all are inside. The other two can leave when its
// session has ended, and its own Leave says that it was lost.
func TestBarriersPage_ALostPartyHoldsTheOthersUntilItsSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout, tick = 12 * time.Second, 2 * time.Second
		srv := zktest.Start(t, zktest.Config{Servers: 2, TickTime: tick})
		var entries [3]*barrier.Entry
		var parties sync.WaitGroup
		for i, server := range []string{"zk1:2181", "zk2:2181", "zk2:2181"} {
			c := srv.Client(t, func(cfg *zk.Config) { cfg.Servers, cfg.SessionTimeout = server, timeout })
			parties.Go(func() {
				var err error
				entries[i], err = barrier.NewDouble(c, "/b", 3, barrier.DoubleConfig{}).Enter(t.Context())
				succeed(err)
			})
		}
		parties.Wait()
		require.Equal(t, entries[0].Round(), entries[2].Round())
		time.Sleep(20*time.Second + 300*time.Millisecond) // not when a heartbeat is due

		srv.Silence(1, true)
		cut := time.Now()
		<-entries[0].Context().Done()
		require.ErrorIs(t, context.Cause(entries[0].Context()), zk.ErrLeaseLapsed)
		ended := time.Since(cut)
		for _, e := range entries[1:] {
			parties.Go(func() { succeed(e.Leave(t.Context())) })
		}
		parties.Wait()
		require.Greater(t, time.Since(cut), ended)
		require.GreaterOrEqual(t, time.Since(cut), timeout-timeout/12)
		require.LessOrEqual(t, time.Since(cut), timeout+tick)
		srv.Silence(1, false)
		require.ErrorIs(t, entries[0].Leave(t.Context()), barrier.ErrLost)
	})
}
