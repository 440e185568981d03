package docs_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// onEmbedded runs an example with a client of an embedded server, and prints its error.
func onEmbedded(example func(ctx context.Context, srv *zktest.Server, client *zk.Client) error) {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	cfg := srv.ClientConfig()
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.SessionTimeout = 20 * time.Second // an Example runs in real time: a slow machine must not lapse the lease
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := zk.Connect(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	if err := example(ctx, srv, client); err != nil {
		fmt.Println(err)
	}
	if err := client.Close(ctx); err != nil {
		fmt.Println(err)
	}
}

func Example_membershipJoin() {
	onEmbedded(func(ctx context.Context, _ *zktest.Server, client *zk.Client) error {
		// docs:begin join
		workers := groupmembership.New(client, "/app/workers", groupmembership.Config{})

		member, err := workers.Join(ctx, "worker-1", []byte("10.0.0.7:8080"))
		if err != nil {
			return err // no member, and no node is left
		}
		fmt.Println("joined:", member.Path())

		if err := member.Update(ctx, []byte("10.0.0.7:8080 busy")); err != nil {
			return err
		}
		all, err := workers.Members(ctx) // what the group looks like now
		if err != nil {
			return err
		}
		for _, m := range all {
			fmt.Printf("%s: %s\n", m.ID, m.Data)
		}
		return member.Leave(ctx)
		// docs:end join
	})
	// Output:
	// joined: /app/workers/worker-1
	// worker-1: 10.0.0.7:8080 busy
}

func Example_membershipMaintain() {
	onEmbedded(func(ctx context.Context, _ *zktest.Server, client *zk.Client) error {
		ctx, stop := context.WithCancel(ctx)
		workers := groupmembership.New(client, "/app/workers", groupmembership.Config{})
		ended := make(chan error, 1)
		go func() {
			// docs:begin maintain
			err := workers.Maintain(ctx, "worker-1", []byte("10.0.0.7:8080"))
			// docs:end maintain
			ended <- err
		}()
		for snapshot, err := range workers.Watch(ctx) {
			if err == nil && snapshot.Len() == 1 {
				fmt.Println("there:", snapshot.Members()[0].ID)
				break
			}
		}
		stop()
		fmt.Println(<-ended)
		return nil
	})
	// Output:
	// there: worker-1
	// groupmembership: /app/workers: context canceled
}

// workWhileMember works while the member is registered, until the membership ends.
func workWhileMember(ctx context.Context, member *groupmembership.Membership, work func(context.Context)) {
	// docs:begin work
	for status := range member.States(ctx) {
		if status.State == groupmembership.Registered {
			work(status.Context) // has to return when this context ends
		} else {
			log.Printf("not in the group: %v", status.Err)
		}
	}
	// docs:end work
}

func Example_membershipLost() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		workers := groupmembership.New(client, "/app/workers", groupmembership.Config{})
		member, err := workers.Join(ctx, "worker-1", nil)
		if err != nil {
			return err
		}
		n := 0
		next, stop := reporting(ctx, func(ctx context.Context, report func(string)) {
			workWhileMember(ctx, member, func(ctx context.Context) {
				n++
				report(fmt.Sprintf("%d: works", n))
				<-ctx.Done()
				report(fmt.Sprintf("%d: stops", n))
			})
		})
		defer stop()
		fmt.Println(next())
		if err := srv.ExpireSession(client.Session().ID()); err != nil {
			return err
		}
		fmt.Println(next())
		fmt.Println(next())
		if err := member.Leave(ctx); err != nil {
			return err
		}
		fmt.Println(next())
		fmt.Println(context.Cause(member.Context()))
		return nil
	})
	// Output:
	// 1: works
	// 1: stops
	// 2: works
	// 2: stops
	// left the group
}

// watchWorkers reports how a group changes.
func watchWorkers(ctx context.Context, workers *groupmembership.Group, report func(what string)) error {
	// docs:begin watch
	for snapshot, err := range workers.Watch(ctx) {
		if err != nil {
			return err // ctx has ended, or no retry can help
		}
		if snapshot.Stale {
			report(fmt.Sprint("no connection, last known members: ", snapshot.Len()))
			continue
		}
		for _, m := range snapshot.Left {
			report("left: " + m.ID)
		}
		for _, m := range snapshot.Joined {
			report("joined: " + m.ID)
		}
		for _, m := range snapshot.Changed {
			report(fmt.Sprintf("changed: %s: %s", m.ID, m.Data))
		}
	}
	// docs:end watch
	return nil
}

func Example_membershipWatch() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		workers := groupmembership.New(client, "/app/workers", groupmembership.Config{})
		next, stop := reporting(ctx, func(ctx context.Context, report func(string)) {
			_ = watchWorkers(ctx, workers, report)
		})
		defer stop()

		member, err := workers.Join(ctx, "worker-1", nil)
		if err != nil {
			return err
		}
		fmt.Println(next())
		if err := member.Update(ctx, []byte("busy")); err != nil {
			return err
		}
		fmt.Println(next())
		srv.Down(0, true)
		fmt.Println(next())
		srv.Down(0, false)
		if err := member.Leave(ctx); err != nil {
			return err
		}
		fmt.Println(next())
		return nil
	})
	// Output:
	// joined: worker-1
	// changed: worker-1: busy
	// no connection, last known members: 1
	// left: worker-1
}
