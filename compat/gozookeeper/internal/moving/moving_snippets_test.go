// Package moving_test has the code of docs/moving-from-go-zookeeper.md for a program that moves by
// one line. It is no test of package zk: go mod tidy also reads the tests of the packages that
// a program imports. It would then need this module under its own path, beside the replaced
// one, which Go refuses.
package moving_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	zk "github.com/zookit/zookit/compat/gozookeeper"
	"github.com/zookit/zookit/zktest"
)

// theirs is a program as it was written for go-zookeeper/zk, but for one line.
func theirs(servers []string, work func(context.Context) error, apply func([]byte)) error {
	// docs:begin compat-worker
	conn, _, err := zk.Connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	open := zk.WorldACL(zk.PermAll)
	if _, err := conn.Create("/workers/host-7", []byte("10.0.0.7:8080"), zk.FlagEphemeral, open); err != nil {
		return err
	}

	l := zk.NewLock(conn, "/locks/report", open)
	if err := l.Lock(); err != nil {
		return err
	}
	err = work(l.Context()) // this line is new: the context ends before another can have the lock
	if err := errors.Join(err, l.Unlock()); err != nil {
		return err
	}

	for {
		config, _, changed, err := conn.GetW("/config")
		if err != nil {
			return err
		}
		apply(config)
		if event := <-changed; event.Err != nil {
			return event.Err // the session or the client has ended
		}
	}
	// docs:end compat-worker
}

func Example_moving() {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	for path, data := range map[string]string{"/workers": "", "/config": "v1"} {
		if err := srv.Create(path, []byte(data)); err != nil {
			log.Fatal(err)
		}
	}
	err = theirs([]string{addr}, func(ctx context.Context) error {
		fmt.Println("works under the lock:", ctx.Err() == nil, srv.Children("/workers"))
		return nil
	}, func(config []byte) {
		fmt.Printf("config: %s\n", config)
		if err := srv.Delete("/config"); err != nil {
			log.Fatal(err)
		}
	})
	fmt.Println(err == zk.ErrNoNode)
	// Output:
	// works under the lock: true [host-7]
	// config: v1
	// true
}
