package docs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os/signal"
	"syscall"
	"time"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
)

// The snippets of elections.md.

func Example_electionRun() {
	srv, clients, stop := clientsOf(1)
	defer stop()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	client := clients[0]
	succeed(srv.Create("/scheduler", nil))
	schedule := func(ctx context.Context, save func(string) error) error {
		err := save("job 1 started")
		fmt.Println("saved:", err)
		end() // in a real program, when it is told to stop
		<-ctx.Done()
		return err
	}

	// docs:begin run
	e := election.New(client, "/election/scheduler", election.Config{ID: "worker-7"})
	err := e.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
		// We lead. ctx ends before another candidate can.
		return schedule(ctx, func(state string) error {
			_, err := client.Multi(ctx, l.Check(), zk.SetOp("/scheduler", []byte(state), zk.AnyVersion))
			return err // election.ErrNotLeader: nothing was written
		})
	})
	// docs:end run
	fmt.Println(err)
	// Output:
	// saved: <nil>
	// <nil>
}

// docs:begin campaign
func migrateOnce(ctx context.Context, e *election.Election) error {
	l, err := e.Campaign(ctx)
	if err != nil {
		return err // we do not lead
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := l.Resign(ctx); err != nil {
			log.Print(err) // the client goes on to delete the node in the background
		}
	}()
	leading, stop := context.WithCancel(l.Context()) // ends with the leadership
	defer stop()
	defer context.AfterFunc(ctx, stop)() // and with ctx
	return migrate(leading, l.Token())
}

// docs:end campaign

func migrate(ctx context.Context, _ int64) error { return ctx.Err() }

func Example_electionCampaign() {
	srv, clients, stop := clientsOf(1)
	defer stop()
	fmt.Println(migrateOnce(context.Background(), election.New(clients[0], "/election/migration", election.Config{})))
	fmt.Println("nodes that are left:", srv.Children("/election/migration"))
	// Output:
	// <nil>
	// nodes that are left: []
}

func Example_electionObserve() {
	_, clients, stop := clientsOf(2)
	defer stop()
	ctx, client := context.Background(), clients[1]
	l, err := election.New(clients[0], "/election/scheduler", election.Config{ID: "worker-7"}).Campaign(ctx)
	succeed(err)
	// docs:begin proclaim
	err = l.Proclaim(ctx, []byte("10.0.0.7:8080")) // followers see this instead of the ID
	// docs:end proclaim
	succeed(err)
	ctx, end := context.WithCancel(ctx)
	defer end()
	err = followLeader(ctx, election.New(client, "/election/scheduler", election.Config{}), func(address string) {
		fmt.Println("leader:", address)
		succeed(l.Resign(context.Background()))
	}, func(why string) {
		fmt.Println("no leader:", why)
		end()
	})
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// leader: 10.0.0.7:8080
	// no leader: nobody leads
	// true
}

// docs:begin observe
func followLeader(ctx context.Context, e *election.Election, use func(address string), hold func(why string)) error {
	for now, err := range e.Observe(ctx) {
		if err != nil {
			return err // ctx has ended, or the server refuses
		}
		switch now.State {
		case election.Led:
			use(string(now.Leader.Data))
		case election.Vacant:
			hold("nobody leads")
		case election.Unknown:
			hold("not connected")
		}
	}
	return nil
}

// docs:end observe

func Example_electionStatus() {
	_, clients, stop := clientsOf(1)
	defer stop()
	ctx := context.Background()
	e := election.New(clients[0], "/election/scheduler", election.Config{ID: "worker-7"})
	l, err := e.Campaign(ctx)
	succeed(err)
	// docs:begin status
	fmt.Println(e.IsLeader(), e.Status().State) // from memory: no request
	fmt.Println(e.Known().State, string(e.Known().Leader.Data))
	all, err := e.Candidates(ctx) // asks the server
	// docs:end status
	succeed(err)
	fmt.Println(len(all))
	succeed(l.Resign(ctx))
	fmt.Println(e.IsLeader(), e.Status().State)
	// Output:
	// true leading
	// led worker-7
	// 1
	// false idle
}

func Example_electionLeaderPage() {
	_, clients, stop := clientsOf(1)
	defer stop()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	mux := http.NewServeMux()
	e := election.New(clients[0], "/election/scheduler", election.Config{ID: "worker-7"})
	// docs:begin leader-page
	go func() { // keeps Known up to date, in every instance
		for _, err := range e.Observe(ctx) {
			if err != nil {
				log.Print(err) // ctx has ended, or the server refuses
			}
		}
	}()
	mux.HandleFunc("/leader", func(w http.ResponseWriter, _ *http.Request) {
		now := e.Known() // from memory
		fmt.Fprintf(w, "%s %s\n", now.State, now.Leader.Data)
	})
	// docs:end leader-page
	l, err := e.Campaign(ctx)
	succeed(err)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/leader", nil))
	fmt.Print(answer.Body)
	succeed(l.Resign(ctx))
	// Output: led worker-7
}

// The program ends if Run returns although nobody has told it to stop.
func Example_electionShutdownByItself() {
	_, clients, stop := clientsOf(1)
	defer stop()
	ctx, stopNotify := context.WithCancel(context.Background()) // SIGTERM does not come
	defer stopNotify()
	e := election.New(clients[0], "/election/scheduler", election.Config{ID: "worker-7"})
	leads := recipes.Running(context.WithoutCancel(ctx), "stop leading", func(ctx context.Context) error {
		defer stopNotify()
		return e.Run(ctx, func(context.Context, *election.Leadership) error { return errors.New("no plan") })
	})
	<-ctx.Done()
	fmt.Println(recipes.Shutdown(context.Background(), clients[0], leads))
	// Output: shutdown: "stop leading": no plan
}

func Example_electionShutdown() {
	_, clients, stop := clientsOf(1)
	defer stop()
	client := clients[0]
	leading := make(chan struct{})
	lead := func(ctx context.Context, _ *election.Leadership) error {
		close(leading)
		<-ctx.Done()
		return nil
	}

	// docs:begin shutdown
	ctx, stopNotify := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stopNotify()
	e := election.New(client, "/election/scheduler", election.Config{ID: "worker-7"})
	// Running gets a context that SIGTERM does not end. Shutdown ends it, in its turn.
	leads := recipes.Running(context.WithoutCancel(ctx), "stop leading", func(ctx context.Context) error {
		defer stopNotify() // if Run returns by itself, the program ends as on SIGTERM
		return e.Run(ctx, lead)
	})
	// docs:end shutdown
	<-leading
	stopNotify()
	// docs:begin shutdown-end
	<-ctx.Done()
	deadline, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := recipes.Shutdown(deadline, client, leads) // stops leading, and closes the client
	// docs:end shutdown-end
	fmt.Println(err, e.IsLeader())
	// Output: <nil> false
}
