package zk_test

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/zookit/zookit/zk"
)

// trace logs what happens to the connections and the watches of a client.
type trace struct{ *log.Logger }

func (t trace) OnConnOpened(e zk.ConnOpened) { t.Println("connected, resumed:", e.Resumed) }

func (t trace) OnConnLost(e zk.ConnLost) {
	t.Println("connection lost:", e.Unanswered, "unanswered,", e.Queued, "queued")
}

func (t trace) OnRequestAnswered(e zk.RequestAnswered) {
	switch {
	case e.Watch:
		t.Println(e.Op, e.Path, "sets a watch, error:", e.Err)
	case e.Restores > 0:
		t.Println(e.Op, "sets", e.Restores, "watches again, error:", e.Err)
	}
}

func (t trace) OnWatchFired(e zk.WatchFired) {
	t.Println(e.Type, e.Path, "got by", e.Watches, "watches")
}

func (t trace) OnWatchLost(e zk.WatchLost) { t.Println("watch lost:", e.Path) }

// A hook that logs the way of each watch: set, set again after a reconnect, fired or
// lost. It implements the interfaces that it needs, and no others.
func ExampleHook() {
	srv := exampleServer()
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := zk.Connect(ctx, zk.Config{
		Servers:     srv.ConnectString(),
		DialContext: srv.DialContext,
		Hooks:       []zk.Hook{trace{log.New(os.Stdout, "", 0)}},
	})
	if err != nil {
		log.Fatal(err)
	}

	_, _, watch, err := client.ExistsW(ctx, "/orders")
	if err != nil {
		log.Fatal(err)
	}
	srv.Down(1, true) // cuts its connections
	if err := srv.Create("/orders", nil); err != nil {
		log.Fatal(err)
	}
	srv.Down(1, false)
	if _, err := watch.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	if err := client.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// connected, resumed: false
	// exists /orders sets a watch, error: <nil>
	// connection lost: 0 unanswered, 0 queued
	// connected, resumed: true
	// created /orders got by 1 watches
	// setWatches sets 1 watches again, error: <nil>
	// connection lost: 0 unanswered, 0 queued
}
