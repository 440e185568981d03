package docs_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/follow"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zk/settle"
	"github.com/zookit/zookit/zktest"
)

// reporting runs watch until stop is called. next returns what it reports next, and leaves
// out what it reports again.
func reporting(ctx context.Context, watch func(ctx context.Context, report func(what string))) (next func() string, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	seen, ended := make(chan string), make(chan struct{})
	last := ""
	go func() {
		defer close(ended)
		watch(ctx, func(what string) {
			if what != last {
				last = what
				select {
				case seen <- what:
				case <-ctx.Done():
				}
			}
		})
	}()
	return func() string { return <-seen }, func() { cancel(); <-ended }
}

// loseReply makes the server execute the next request of a kind and not answer it.
func loseReply(srv *zktest.Server, op string) {
	var lost atomic.Bool
	srv.OnRequest(func(q zktest.Request) zktest.Verdict {
		if q.Op == op && !lost.Swap(true) {
			return zktest.DropReplyAndCut
		}
		return zktest.Pass
	})
}

func Example_sessionStates() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		next, stop := reporting(ctx, func(ctx context.Context, report func(string)) {
			// docs:begin states
			for state := range client.States(ctx) {
				switch state {
				case zk.StateConnected:
					report(fmt.Sprint("connected, session timeout ", client.Session().Timeout()))
				case zk.StateDisconnected:
					report("no connection; the session may go on")
				case zk.StateExpired:
					report("the session is over, its ephemeral nodes are gone; a new one is opened")
				case zk.StateAuthFailed:
					report("a server refuses the credential; the client tries on")
				case zk.StateReadOnly: // only with Config.ReadOnly
					report("no quorum; only reads work")
				}
			}
			// docs:end states
		})
		defer stop()
		fmt.Println(next())
		srv.Down(0, true)
		fmt.Println(next())
		srv.Down(0, false)
		fmt.Println(next())
		return nil
	})
	// Output:
	// connected, session timeout 20s
	// no connection; the session may go on
	// connected, session timeout 20s
}

func Example_sessionGuard() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		pages := 0
		printPage := func(ctx context.Context) {
			if pages++; pages == 3 { // meanwhile
				if err := srv.ExpireSession(client.Session().ID()); err != nil {
					fmt.Println(err)
				}
				<-ctx.Done()
			}
		}
		// docs:begin guard
		session, err := client.AwaitSession(ctx)
		if err != nil {
			return err
		}
		guard, release, err := session.Guard(ctx)
		if err != nil {
			return err
		}
		defer release()
		// InSession: the node must not come to life in a later session.
		_, err = client.Create(ctx, "/printer-1", nil, zk.Ephemeral, zk.InSession(session))
		if err != nil {
			return err // zk.ErrNodeExists: another process owns it
		}
		for guard.Err() == nil { // asks the clock each time
			printPage(guard)
		}
		fmt.Println("stopped:", context.Cause(guard))
		// docs:end guard
		return nil
	})
	// Output: stopped: session expired
}

func Example_sessionOutcome() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		if err := srv.Create("/color", []byte("red")); err != nil {
			return err
		}
		loseReply(srv, "set")
		version := zk.Version(0)
		// docs:begin outcome
		_, err := client.Set(ctx, "/color", []byte("blue"), version)
		switch {
		case err == nil:
			fmt.Println("written")
		case zk.OutcomeOf(err) == zk.OutcomeRejected: // zk.ErrBadVersion, zk.ErrNoNode, ...
			fmt.Println("refused: nothing has changed")
		case zk.OutcomeOf(err) == zk.OutcomeNotSent:
			fmt.Println("not sent, and never will be: nothing has changed")
		default: // zk.OutcomeUnknown
			fmt.Println("sent, and no answer: look before you write again")
		}
		// docs:end outcome
		return nil
	})
	// Output: sent, and no answer: look before you write again
}

func Example_sessionSettle() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		if err := srv.Create("/color", []byte("red")); err != nil {
			return err
		}
		loseReply(srv, "set")
		version := zk.Version(0)
		// docs:begin settle
		stat, err := settle.Set(ctx, client, "/color", []byte("blue"), version)
		switch {
		case err == nil:
			fmt.Println("written, now version", stat.Version)
		case errors.Is(err, settle.ErrUnsettled):
			fmt.Println("somebody has changed it since: it cannot be told whether ours ran")
		case errors.Is(err, zk.ErrBadVersion):
			fmt.Println("somebody was faster: nothing of ours was written")
		default:
			return err
		}
		// docs:end settle
		return nil
	})
	// Output: written, now version 1
}

func Example_sessionProtect() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		if err := srv.Create("/queue", nil); err != nil {
			return err
		}
		loseReply(srv, "create")
		data := []byte("order 17")
		// docs:begin protect
		made, err := protect.Create(ctx, client, "/queue/n-", data, zk.PersistentSequential)
		if err != nil {
			return err
		}
		// docs:end protect
		fmt.Println("found:", srv.Exists(made.Path), "nodes:", len(srv.Children("/queue")))
		return nil
	})
	// Output: found: true nodes: 1
}

func Example_sessionFollow() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		if err := srv.Create("/color", []byte("red")); err != nil {
			return err
		}
		next, stop := reporting(ctx, func(ctx context.Context, report func(string)) {
			_ = followColor(ctx, client, report)
		})
		defer stop()
		fmt.Println(next())

		// A change while the client has no connection, and one while its session expires.
		srv.Down(0, true)
		if err := srv.Set("/color", []byte("blue")); err != nil {
			return err
		}
		srv.Down(0, false)
		fmt.Println(next())

		srv.Down(0, true)
		if err := errors.Join(srv.ExpireSession(client.Session().ID()), srv.Delete("/color")); err != nil {
			return err
		}
		srv.Down(0, false)
		fmt.Println(next())
		return nil
	})
	// Output:
	// the color is red
	// the color is blue
	// no color
}

// followColor reports each state of a node until ctx ends.
func followColor(ctx context.Context, client *zk.Client, report func(what string)) error {
	// docs:begin follow
	for node, err := range follow.Data(ctx, client, "/color") {
		switch {
		case err != nil:
			return err // ctx has ended, or no retry can help
		case node == nil:
			report("no color")
		default:
			report("the color is " + string(node.Data))
		}
	}
	// docs:end follow
	return nil
}

func Example_sessionRestart() {
	onEmbedded(func(ctx context.Context, srv *zktest.Server, client *zk.Client) error {
		cfg := srv.ClientConfig()
		pipe, token, err := detachLock(ctx, client)
		if err != nil {
			return err
		}
		next, held, err := resumeLock(ctx, cfg, pipe)
		if err != nil {
			return err
		}
		fmt.Println("the same token:", held.Token() == token, "still held:", held.Context().Err() == nil)
		return errors.Join(held.Release(ctx), next.Close(ctx))
	})
	// Output: the same token: true still held: true
}

// handover is what a process passes to the next one.
type handover struct {
	session []byte
	lock    recipes.Detached
}

// detachLock is the end of the old process.
func detachLock(ctx context.Context, client *zk.Client) (pipe handover, token int64, err error) {
	held, err := lock.New(client, "/app/lock", lock.Config{}).Acquire(ctx)
	if err != nil {
		return pipe, 0, err
	}
	token = held.Token()
	// docs:begin detach
	pipe.lock, err = held.Detach(ctx) // ends held.Context: stop the work before
	if err != nil {
		return pipe, token, err
	}
	session, err := client.Detach(ctx) // ends the client
	if err != nil {
		return pipe, token, err
	}
	pipe.session = session.Marshal() // a secret: it has the password of the session
	// docs:end detach
	return pipe, token, nil
}

// resumeLock is the beginning of the next process.
func resumeLock(ctx context.Context, cfg zk.Config, pipe handover) (*zk.Client, *lock.Held, error) {
	// docs:begin resume
	session, err := zk.ParseDetachedSession(pipe.session)
	if err != nil {
		return nil, nil, err
	}
	cfg.Resume = session
	client, err := zk.Connect(ctx, cfg)
	if err != nil {
		// zk.ErrSessionExpired, for instance: the restart has taken too long. Connect
		// without Resume, and Acquire, as a process does that starts for the first time.
		return nil, nil, err
	}
	held, err := lock.New(client, "/app/lock", lock.Config{}).Resume(ctx, pipe.lock)
	// docs:end resume
	return client, held, err
}
