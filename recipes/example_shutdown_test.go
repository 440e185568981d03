package recipes_test

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A service leads and is a member of a group until SIGTERM, and then has ten seconds.
func ExampleShutdown() {
	srv, err := zktest.New(zktest.Config{})
	check(err)
	defer srv.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	client, err := zk.Connect(ctx, srv.ClientConfig())
	check(err)

	// Running gets a context that SIGTERM does not end, so that Shutdown decides the order.
	lead := recipes.Running(context.WithoutCancel(ctx), "stop leading", func(ctx context.Context) error {
		candidate := election.New(client, "/leader", election.Config{ID: "worker-1"})
		return candidate.Run(ctx, func(ctx context.Context, _ *election.Leadership) error {
			fmt.Println("leads")
			stop() // in a real service, SIGTERM arrives some time
			<-ctx.Done()
			fmt.Println("leads no more")
			return nil
		})
	})
	member, err := groupmembership.New(client, "/workers", groupmembership.Config{}).Join(context.WithoutCancel(ctx), "worker-1", nil)
	check(err)

	<-ctx.Done()
	deadline, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = recipes.Shutdown(deadline, client, lead, recipes.Step{Name: "leave the group", Do: member.Leave})
	fmt.Println("shutdown:", err)
	fmt.Println("members:", srv.Children("/workers"))
	// Output:
	// leads
	// leads no more
	// shutdown: <nil>
	// members: []
}
