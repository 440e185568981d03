package ensemble

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asParent makes the test binary start a server, print its process id and end
// without closing anything.
const asParent = "ZOOKIT_ENSEMBLE_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(asParent) != "" {
		e, err := Start(context.Background(), Options{})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		l := e.(*localEnsemble)
		fmt.Println(l.members[0].proc.cmd.Process.Pid, l.dir)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
