package zk_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// exampleServer and exampleClient keep the examples short.

func exampleServer() *zktest.Server {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	return srv
}

func exampleClient(srv *zktest.Server) *zk.Client {
	client, err := zk.Connect(context.Background(), zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// A client of an embedded server. For an ensemble, set Servers alone, such as
// "zk1:2181,zk2:2181,zk3:2181".
func ExampleConnect() {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := zk.Connect(ctx, zk.Config{
		Servers:        srv.ConnectString(),
		DialContext:    srv.DialContext,
		SessionTimeout: 10 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())

	fmt.Println(client.State(), client.Session().Timeout())
	// Output:
	// connected 10s
}

// Stats shows what a client does now. It answers from memory, so that a page for
// operators may ask at any time.
func ExampleClient_Stats() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)

	_, _, watch, err := client.ExistsW(ctx, "/config")
	if err != nil {
		log.Fatal(err)
	}
	defer watch.Stop()
	s := client.Stats()
	fmt.Println(s.State, s.Session.Timeout)
	fmt.Println("in flight:", s.InFlight, "queued:", s.Queued, "reconnects:", s.Reconnects)
	fmt.Println("waiting for a node to be created:", s.Watches.Absent)
	// Output:
	// connected 10s
	// in flight: 0 queued: 0 reconnects: 0
	// waiting for a node to be created: 1
}

// With a chroot, every path of the client is below it.
func ExampleConnect_chroot() {
	srv := exampleServer()
	defer srv.Close()
	if err := srv.Create("/app/config", []byte("blue")); err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{Servers: srv.ConnectString() + "/app", DialContext: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	node, err := client.Get(ctx, "/config")
	fmt.Println(string(node.Data), err)

	// A chroot has to exist.
	_, err = zk.Connect(ctx, zk.Config{Servers: srv.ConnectString() + "/typo", DialContext: srv.DialContext})
	fmt.Println("no chroot:", errors.Is(err, zk.ErrNoChroot))
	// Output:
	// blue <nil>
	// no chroot: true
}

// Set succeeds only if the node still has the version that was read. Two programs
// that change the same node do not overwrite each other.
func ExampleClient_Set() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)

	if _, err := client.Create(ctx, "/config", []byte("red"), zk.Persistent); err != nil {
		log.Fatal(err)
	}
	node, err := client.Get(ctx, "/config")
	if err != nil {
		log.Fatal(err)
	}
	read := zk.Version(node.Stat.Version)

	stat, err := client.Set(ctx, "/config", []byte("blue"), read)
	fmt.Println("version", stat.Version, err)

	_, err = client.Set(ctx, "/config", []byte("green"), read)
	fmt.Println("changed meanwhile:", errors.Is(err, zk.ErrBadVersion))
	// Output:
	// version 1 <nil>
	// changed meanwhile: true
}

// The reply to a write is lost. The program finds out whether the write ran before
// it writes again.
func ExampleOutcomeOf() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)
	if err := srv.Create("/config", []byte("red")); err != nil {
		log.Fatal(err)
	}

	srv.OnRequest(func(q zktest.Request) zktest.Verdict {
		if q.Op == "set" {
			return zktest.DropReplyAndCut // the server runs it and does not answer
		}
		return zktest.Pass
	})
	_, err := client.Set(ctx, "/config", []byte("blue"), 0)

	switch outcome := zk.OutcomeOf(err); {
	case err == nil:
		fmt.Println("written")
	case outcome == zk.OutcomeRejected:
		fmt.Println("refused: nothing has changed")
	case outcome == zk.OutcomeNotSent:
		fmt.Println("not sent: nothing has changed")
	case outcome == zk.OutcomeUnknown:
		// Behind a sync the answer is final.
		if err := client.Sync(ctx, "/config"); err != nil {
			log.Fatal(err)
		}
		node, err := client.Get(ctx, "/config")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("outcome unknown: now it is %s, version %d\n", node.Data, node.Stat.Version)
	}
	// Output:
	// outcome unknown: now it is blue, version 1
}

// A client keeps its session when it loses its connection.
func ExampleClient_States() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)

	session := client.Session()
	for state := range client.States(ctx) {
		fmt.Println(state)
		if state == zk.StateDisconnected {
			srv.Down(0, false)
		} else if session.Resumed() == 0 {
			srv.Down(0, true)
		} else {
			break
		}
	}
	fmt.Println("same session:", client.Session() == session)
	// Output:
	// connected
	// disconnected
	// connected
	// same session: true
}

// When a session has expired, its ephemeral nodes are gone. The client opens another
// session, in which the program creates them again.
func ExampleSession() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)

	for range 2 {
		session, err := client.AwaitSession(ctx)
		if err != nil {
			log.Fatal(err)
		}
		// InSession: the node must not come to life in a later session.
		_, err = client.Create(ctx, "/me", nil, zk.Ephemeral, zk.InSession(session))
		fmt.Println("created:", err)

		if err := srv.ExpireSession(session.ID()); err != nil {
			log.Fatal(err)
		}
		<-session.Context().Done()
		fmt.Println("the session ended:", context.Cause(session.Context()))
	}
	// Output:
	// created: <nil>
	// the session ended: session expired
	// created: <nil>
	// the session ended: session expired
}

// A guard is a context that ends before anybody else can own what the session owns.
func ExampleSession_Guard() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)

	session, err := client.AwaitSession(ctx)
	if err != nil {
		log.Fatal(err)
	}
	guard, release, err := session.Guard(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer release()
	made, err := client.Create(ctx, "/leader", nil, zk.Ephemeral, zk.InSession(session))
	if err != nil {
		log.Fatal(err)
	}
	token := made.Stat.Czxid // larger for every later leader: send it along
	fmt.Println("leads:", guard.Err() == nil, token > 0)

	if err := srv.ExpireSession(session.ID()); err != nil {
		log.Fatal(err)
	}
	<-guard.Done()
	fmt.Println("ended:", context.Cause(guard))
	// Output:
	// leads: true true
	// ended: session expired
}

// A one-shot watch fires at the first change after the read that has set it.
func ExampleWatch() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)
	if err := srv.Create("/config", []byte("red")); err != nil {
		log.Fatal(err)
	}

	node, watch, err := client.GetW(ctx, "/config")
	if err != nil {
		log.Fatal(err)
	}
	defer watch.Stop()
	fmt.Printf("read %s\n", node.Data)

	if err := srv.Set("/config", []byte("blue")); err != nil { // by another program
		log.Fatal(err)
	}
	event, err := watch.Wait(ctx)
	fmt.Println(event.Type, event.Path, err)
	// Output:
	// read red
	// data changed /config <nil>
}

// Servers do not replay what a subscription has missed. An EventResync says that
// there is a gap, and that the program has to read everything again.
func ExampleSubscription() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)
	if err := srv.Create("/services", nil); err != nil {
		log.Fatal(err)
	}

	// Subscribe before the first read: so no change falls between the two.
	sub, err := client.Subscribe(ctx, "/services", zk.Recursive())
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	if err := srv.Create("/services/a", nil); err != nil {
		log.Fatal(err)
	}

	for event, err := range sub.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Type, event.Path)
		if event.Type == zk.EventResync {
			break
		}
		srv.CutConnections(0) // the client reconnects
	}
	names, _, err := client.Children(ctx, "/services")
	fmt.Println("read again:", names, err)
	// Output:
	// created /services/a
	// resync /services
	// read again: [a] <nil>
}

// A pipeline sends its requests in order, without a wait between them.
func ExamplePipeline() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)

	p := client.Pipeline()
	p.Create(ctx, "/jobs", nil, zk.Persistent)
	again := p.Create(ctx, "/jobs", nil, zk.Persistent) // refused: that does not break p
	p.Create(ctx, "/jobs/a", nil, zk.Persistent)
	list := p.Children(ctx, "/jobs")

	listing, err := list.Wait(ctx)
	fmt.Println(listing.Names, err)
	_, err = again.Wait(ctx)
	fmt.Println("exists already:", errors.Is(err, zk.ErrNodeExists))
	fmt.Println("broken:", p.Err() != nil)
	// Output:
	// [a] <nil>
	// exists already: true
	// broken: false
}

// A multi runs all of its ops, or none.
func ExampleClient_Multi() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	defer client.Close(ctx)
	if err := srv.Create("/stock", []byte("1")); err != nil {
		log.Fatal(err)
	}

	sell := func(order string) {
		results, err := client.Multi(ctx,
			zk.CreateOp(order, nil, zk.Persistent),
			zk.SetOp("/stock", []byte("0"), 0), // if it is not sold yet
		)
		if err == nil {
			fmt.Println(order, "done")
			return
		}
		fmt.Println(order, "refused:", errors.Is(err, zk.ErrBadVersion))
		for _, r := range results {
			fmt.Println(" ", r.Kind, r.Path, r.State)
		}
	}
	sell("/order1")
	sell("/order2")
	fmt.Println("order2 exists:", srv.Exists("/order2"))
	// Output:
	// /order1 done
	// /order2 refused: true
	//   create /order2 rolled back
	//   set /stock failed
	// order2 exists: false
}

// auditor writes entries in the background. Each client has one.
type auditor struct {
	client *zk.Client
	ctx    context.Context
	work   sync.WaitGroup

	mu      sync.Mutex
	closing bool
	errs    []error
}

type auditorKey struct{} // nobody else can have this key

func auditorOf(client *zk.Client) *auditor {
	return client.Companion(auditorKey{}, func(ctx context.Context) zk.Companion {
		return &auditor{client: client, ctx: ctx}
	}).(*auditor)
}

// Note writes an entry, unless the client is closing.
func (a *auditor) Note(entry string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing {
		return
	}
	a.work.Go(func() {
		_, err := a.client.Create(a.ctx, "/audit/e-", []byte(entry), zk.PersistentSequential)
		if zk.OutcomeOf(err) == zk.OutcomeUnknown && err != nil {
			err = fmt.Errorf("entry %q: %w", entry, zk.ErrUnconfirmed)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.errs = append(a.errs, err)
	})
}

func (a *auditor) Closing() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closing = true
}

func (a *auditor) Finish() error {
	a.work.Wait()
	return errors.Join(a.errs...)
}

// Close waits for a companion's work, and reports what it could not confirm.
func ExampleClient_Companion() {
	srv := exampleServer()
	defer srv.Close()
	client := exampleClient(srv)
	ctx := context.Background()
	if err := srv.Create("/audit", nil); err != nil {
		log.Fatal(err)
	}

	auditorOf(client).Note("started")
	for len(srv.Children("/audit")) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := client.Sync(ctx, "/"); err != nil { // its reply comes behind that to the entry
		log.Fatal(err)
	}
	srv.OnRequest(func(q zktest.Request) zktest.Verdict {
		if q.Op == "create" {
			return zktest.DropReplyAndCut
		}
		return zktest.Pass
	})
	auditorOf(client).Note("stopped")
	for len(srv.Children("/audit")) == 1 {
		time.Sleep(time.Millisecond)
	}
	fmt.Println(client.Close(ctx))
	fmt.Println("entries:", len(srv.Children("/audit")))
	// Output:
	// zk: close: entry "stopped": not confirmed by the server
	// entries: 2
}
