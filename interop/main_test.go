package interop

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asPeer starts the test binary as a peer: a process with a go-zookeeper/zk client.
const asPeer = "ZOOKIT_INTEROP_PEER"

func TestMain(m *testing.M) {
	if os.Getenv(asPeer) != "" {
		goPeer(os.Args[1:])
		return
	}
	goleak.VerifyTestMain(suite{m}, goleak.Cleanup(func(code int) {
		removeClasses()
		os.Exit(code)
	}))
}

// suite closes what the tests share, before the check for leaks.
type suite struct{ m *testing.M }

func (s suite) Run() int {
	code := s.m.Run()
	if r := shared.r; r != nil {
		if code != 0 {
			fmt.Fprintln(os.Stderr, r.logs())
		}
		if err := r.close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}
