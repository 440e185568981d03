package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Seeds runs f as a subtest for each seed from 0 on. The number of seeds is few, or
// the value of the environment variable ZOOKIT_SEEDS. After a failure the log says
// how to run that seed again.
func Seeds(t *testing.T, few uint64, f func(t *testing.T, rnd *rand.Rand)) {
	n := few
	if text := os.Getenv("ZOOKIT_SEEDS"); text != "" {
		var err error
		n, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "ZOOKIT_SEEDS")
	}
	for seed := range n {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("to reproduce: ZOOKIT_SEEDS=%d go test -run '^%s$'", seed+1, t.Name())
				}
			}()
			f(t, rand.New(rand.NewPCG(seed, 0x5eed)))
		})
	}
}
