// Groupmembership lets two workers join a group while a third client watches the
// members.
package main

import (
	"context"
	"fmt"

	"github.com/zookit/zookit/examples/internal/start"
	"github.com/zookit/zookit/recipes/groupmembership"
)

func main() {
	clients, root, stop := start.Clients(3)
	defer stop()
	ctx, check := context.Background(), start.Check
	group := func(i int) *groupmembership.Group {
		return groupmembership.New(clients[i], root+"/workers", groupmembership.Config{})
	}

	step := 0
	var alice, bob *groupmembership.Membership
	for s, err := range group(2).Watch(ctx) {
		check(err)
		for _, m := range s.Joined {
			fmt.Printf("joined: %s with %q\n", m.ID, m.Data)
		}
		for _, m := range s.Changed {
			fmt.Printf("changed: %s to %q\n", m.ID, m.Data)
		}
		for _, m := range s.Left {
			fmt.Println("left:", m.ID)
		}
		switch step++; step {
		case 1:
			fmt.Println("members at first:", s.Len())
			alice, err = group(0).Join(ctx, "alice", []byte("starting"))
		case 2:
			bob, err = group(1).Join(ctx, "bob", []byte("ready"))
		case 3:
			err = alice.Update(ctx, []byte("ready"))
		case 4:
			err = bob.Leave(ctx)
		case 5:
			fmt.Println("alice is still a member:", alice.Context().Err() == nil)
			fmt.Println("bob is not:", context.Cause(bob.Context()))
			check(alice.Leave(ctx))
			return
		}
		check(err)
	}
}
