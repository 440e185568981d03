package zk

import (
	"fmt"
	"log"
	"time"

	"github.com/zookit/zookit/zktest"
)

// silent is a Logger.
type silent struct{}

func (silent) Printf(string, ...any) {}

// A program that was written for go-zookeeper/zk. Only the import is another one, or a line
// of its go.mod. What is new is the context of a lock, which ends when the lock does.
func Example() {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}

	conn, _, err := Connect([]string{addr}, 10*time.Second, WithLogger(silent{}))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Create("/config", []byte("v1"), 0, WorldACL(PermAll)); err != nil {
		log.Fatal(err)
	}
	data, stat, err := conn.Get("/config")
	fmt.Println(string(data), stat.Version, err)

	lock := NewLock(conn, "/locks/invoices", WorldACL(PermAll))
	if err := lock.Lock(); err != nil {
		log.Fatal(err)
	}
	ctx := lock.Context()
	fmt.Println("held:", ctx.Err() == nil)
	if err := lock.Unlock(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("held:", ctx.Err() == nil)
	// Output:
	// v1 0 <nil>
	// held: true
	// held: false
}
