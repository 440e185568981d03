package recipes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// baton is what a process gives to its successor. Session is a secret: write the baton
// to a pipe that only the successor reads.
type baton struct {
	Session            []byte
	Lock, Lead, Member recipes.Detached
}

// A service is restarted, and loses neither its lock nor its leadership nor its place in
// the group.
func ExampleDetached() {
	srv, err := zktest.New(zktest.Config{})
	check(err)
	defer srv.Close()
	cfg := zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext}
	ctx := context.Background()

	// The old process. Detach ends each context, so its work must stop before. What is
	// not to go on has to be released.
	old, err := zk.Connect(ctx, cfg)
	check(err)
	held, err := lock.New(old, "/lock", lock.Config{}).Acquire(ctx)
	check(err)
	lead, err := election.New(old, "/lead", election.Config{ID: "service"}).Campaign(ctx)
	check(err)
	member, err := groupmembership.New(old, "/group", groupmembership.Config{}).Join(ctx, "service", nil)
	check(err)
	token := held.Token()

	var b baton
	b.Lock, err = held.Detach(ctx)
	check(err)
	b.Lead, err = lead.Detach(ctx)
	check(err)
	b.Member, err = member.Detach(ctx)
	check(err)
	session, err := old.Detach(ctx)
	check(err)
	b.Session = session.Marshal()
	pipe, err := json.Marshal(b)
	check(err)

	// The new process. If Connect or a Resume fails, it begins as any other: the error
	// says why, and Connect without Resume opens a session of its own.
	b = baton{}
	check(json.Unmarshal(pipe, &b))
	cfg.Resume, err = zk.ParseDetachedSession(b.Session)
	check(err)
	c, err := zk.Connect(ctx, cfg)
	check(err)
	defer c.Close(ctx)
	held, err = lock.New(c, "/lock", lock.Config{}).Resume(ctx, b.Lock)
	check(err)
	lead, err = election.New(c, "/lead", election.Config{ID: "service"}).Resume(ctx, b.Lead)
	check(err)
	member, err = groupmembership.New(c, "/group", groupmembership.Config{}).Resume(ctx, "service", b.Member, nil)
	check(err)
	fmt.Println(held.Token() == token, held.Context().Err(), lead.Context().Err(), member.Context().Err())
	// Output: true <nil> <nil> <nil>
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
