package core_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zookit/zookit/internal/test/acceptance"
	"github.com/zookit/zookit/internal/test/ensemble"
)

// TestMain is the main of the workers too: the attacks on the lease, and the test of a
// service that is restarted, start the test binary again.
func TestMain(m *testing.M) {
	handover()
	acceptance.Worker()
	os.Exit(m.Run())
}

// TestLease_EndsBeforeTheSessionExpiresAfterAStall runs ZOOKIT_LEASE rounds on
// ZOOKIT_LEASE_ENSEMBLES ensembles at a time.
func TestLease_EndsBeforeTheSessionExpiresAfterAStall(t *testing.T) {
	number := func(env string, otherwise int) int {
		v := os.Getenv(env)
		if v == "" {
			return otherwise
		}
		n, err := strconv.Atoi(v)
		require.NoError(t, err, env)
		return n
	}
	p := acceptance.LeaseParams{
		Rounds:  number("ZOOKIT_LEASE", 14),
		Holders: 16,
		Seed:    uint64(number("ZOOKIT_SEED", int(time.Now().UnixNano()))),
	}
	t.Cleanup(func() { goleak.VerifyNone(t) }) // runs last, after the ensembles have stopped
	var all []ensemble.Ensemble
	for range number("ZOOKIT_LEASE_ENSEMBLES", 2) {
		all = append(all, ensemble.Run(t, ensemble.Options{Size: 3, TickTime: 2 * time.Second, SyncLimit: 5}))
	}
	acceptance.Lease(t, all, p)
}
