package docs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/fourletter"
	"github.com/zookit/zookit/zk/zkdebug"
	"github.com/zookit/zookit/zk/zkhealth"
	"github.com/zookit/zookit/zktest"
)

// operated is a server for the examples of operating.md. It does not fail in them.
func operated() *zktest.Server {
	srv, err := zktest.New(zktest.Config{})
	must(err)
	return srv
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// The configuration of a service in production. It has no output, because it needs servers
// with TLS.
func Example_operatingConfig() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	// docs:begin config
	client, err := zk.Connect(ctx, zk.Config{
		Servers:         "zk1.example.org:2281,zk2.example.org:2281,zk3.example.org:2281/orders",
		SessionTimeout:  12 * time.Second, // six ticks of 2 s
		ReconnectSpread: time.Second,      // many clients share the ensemble
		LoadTLS:         zk.TLSFiles("/etc/orders/ca.pem", "/etc/orders/cert.pem", "/etc/orders/key.pem"),
	})
	// docs:end config
	must(err)
	defer client.Close(ctx)
}

func Example_operatingACL() {
	srv := operated()
	defer srv.Close()
	ctx := context.Background()
	cfg := srv.ClientConfig()
	cfg.Auth = []zk.Authenticator{zk.DigestAuth("orders", "secret")}
	client, err := zk.Connect(ctx, cfg)
	must(err)
	defer client.Close(ctx)

	// docs:begin acl
	// The directory once, by an administrator or at deployment: no world:anyone below it.
	mine := zk.CreatorACL(zk.PermAll)
	_, err = client.Create(ctx, "/locks", nil, zk.Persistent, zk.WithACL(mine...))
	must(err)

	// The recipe puts the same ACL on the nodes that it creates.
	invoices := lock.New(client, "/locks/invoices", lock.Config{ACL: mine})
	// docs:end acl
	must(invoices.Do(ctx, func(context.Context, *lock.Held) error { return nil }))

	stranger, err := zk.Connect(ctx, srv.ClientConfig())
	must(err)
	defer stranger.Close(ctx)
	_, err = lock.New(stranger, "/locks/invoices", lock.Config{}).Acquire(ctx)
	// docs:begin right
	var right *recipes.RightError
	if errors.As(err, &right) {
		fmt.Println("missing:", right.Right, "on", right.Path)
	}
	// docs:end right

	// Output: missing: CREATE on /locks/invoices
}

func Example_operatingProbes() {
	srv := operated()
	defer srv.Close()
	ctx := context.Background()
	client, err := zk.Connect(ctx, srv.ClientConfig())
	must(err)
	defer client.Close(ctx)
	candidate := election.New(client, "/election", election.Config{ID: "a"})
	mux := http.NewServeMux()

	// docs:begin probes
	mux.Handle("/healthz", zkhealth.Handler(map[string]zkhealth.Check{"zookeeper": zkhealth.Live(client)}))
	mux.Handle("/readyz", zkhealth.Handler(map[string]zkhealth.Check{
		"zookeeper": zkhealth.Ready(client),
		"election":  zkhealth.Of(candidate.Status), // leads, or is a candidate
	}))
	mux.Handle("/debug/zk", zkdebug.Handler(map[string]*zk.Client{"orders": client})) // for operators alone
	// docs:end probes

	for _, path := range []string{"/healthz", "/readyz"} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
		fmt.Println(path, answer.Code)
	}
	// Output:
	// /healthz 200
	// /readyz 503
}

func Example_operatingWords() {
	srv := operated()
	defer srv.Close()
	ctx := context.Background()
	dial := srv.DialContext
	// docs:begin words
	for _, addr := range []string{"zk1:2181"} {
		server := fourletter.Server{Addr: addr, DialContext: dial} // without DialContext: the network
		status, err := server.Srvr(ctx)
		switch {
		case errors.Is(err, fourletter.ErrNotServing):
			fmt.Println(addr, "runs, and has no quorum")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println(addr, status.Mode, "outstanding:", status.Outstanding)
		}
	}
	// docs:end words

	// Output: zk1:2181 standalone outstanding: 0
}

func Example_operatingRestart() {
	srv := operated()
	defer srv.Close()
	ctx := context.Background()
	cfg := srv.ClientConfig()
	client, err := zk.Connect(ctx, cfg)
	must(err)
	held, err := lock.New(client, "/locks/invoices", lock.Config{}).Acquire(ctx)
	must(err)
	token := held.Token()

	// docs:begin detach
	// The old process. Stop the work under the lock before: Detach ends its context.
	moved, err := held.Detach(ctx)
	must(err)
	session, err := client.Detach(ctx)
	must(err)
	baton, err := json.Marshal(struct {
		Session []byte // a secret
		Lock    recipes.Detached
	}{session.Marshal(), moved}) // write it to a pipe that only the next process reads
	// docs:end detach
	must(err)

	// docs:begin resume
	// The next process.
	var b struct {
		Session []byte
		Lock    recipes.Detached
	}
	must(json.Unmarshal(baton, &b))
	cfg.Resume, err = zk.ParseDetachedSession(b.Session)
	must(err)
	client, err = zk.Connect(ctx, cfg) // zk.ErrSessionExpired: too late, connect without Resume
	must(err)
	held, err = lock.New(client, "/locks/invoices", lock.Config{}).Resume(ctx, b.Lock)
	// docs:end resume
	must(err)
	defer client.Close(ctx)
	fmt.Println("the same token:", held.Token() == token)
	// Output: the same token: true
}

func Example_operatingStop() {
	srv := operated()
	defer srv.Close()
	client, err := zk.Connect(context.Background(), srv.ClientConfig())
	must(err)
	ctx, stop := context.WithCancel(context.Background())
	work := func(ctx context.Context, _ *election.Leadership) error {
		fmt.Println("leads")
		stop() // in the place of SIGTERM
		<-ctx.Done()
		return nil
	}

	// docs:begin stop
	candidate := election.New(client, "/election", election.Config{ID: "orders-a"})
	lead := recipes.Running(context.WithoutCancel(ctx), "stop leading", func(ctx context.Context) error {
		defer stop() // if Run returns by itself, the program ends as on SIGTERM
		return candidate.Run(ctx, work)
	})
	<-ctx.Done()                                                                  // SIGTERM
	deadline, cancel := context.WithTimeout(context.Background(), 10*time.Second) // less than the grace period
	defer cancel()
	err = recipes.Shutdown(deadline, client, lead) // stops leading, then closes the client
	fmt.Println("shutdown:", err)
	// docs:end stop

	// Output:
	// leads
	// shutdown: <nil>
}
