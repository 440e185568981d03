// Tour goes through the operations of a client: watch a node that does not
// exist, create it, read it, set it by version, give it a child, get refused,
// delete both, and see that the watch fired once.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/examples/internal/start"
	"github.com/zookit/zookit/zk"
)

func main() {
	clients, root, stop := start.Clients(1)
	defer stop()
	c, ctx, check := clients[0], context.Background(), start.Check

	_, exists, watch, err := c.ExistsW(ctx, root)
	check(err)
	fmt.Println("exists:", exists)

	made, err := c.Create(ctx, root, []byte("hello"), zk.Persistent)
	check(err)
	fmt.Println("created, version", made.Stat.Version)

	node, err := c.Get(ctx, root)
	check(err)
	fmt.Printf("data: %s\n", node.Data)

	stat, err := c.Set(ctx, root, []byte("world"), zk.Version(node.Stat.Version))
	check(err)
	fmt.Println("set, version", stat.Version)
	_, err = c.Set(ctx, root, nil, zk.Version(node.Stat.Version))
	fmt.Println("set by the old version refused:", errors.Is(err, zk.ErrBadVersion), zk.OutcomeOf(err))

	_, err = c.Create(ctx, root+"/child-", nil, zk.EphemeralSequential)
	check(err)
	names, _, err := c.Children(ctx, root)
	check(err)
	fmt.Println("children:", names)
	fmt.Println("delete of the parent refused:", errors.Is(c.Delete(ctx, root, zk.AnyVersion), zk.ErrNotEmpty))
	check(c.Delete(ctx, root+"/"+names[0], zk.AnyVersion))
	check(c.Delete(ctx, root, zk.Version(stat.Version)))
	fmt.Println("both deleted")

	events := 0
	for ev := range watch.C() { // closed after its one event
		events++
		fmt.Println("watch:", ev.Type)
	}
	fmt.Println("events:", events)
}
