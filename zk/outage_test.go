package zk_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// outagePhases is how many clients meet an outage, each at a different moment
// between two of its heartbeats.
const outagePhases = 200

// survivors returns how many of n guards outlive an outage of the only server,
// which refuses connections meanwhile.
func survivors(t *testing.T, n int, outage float64, change ...func(*zk.Config)) (lived int) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(1, 2*time.Millisecond)
		var guards []context.Context
		var timeout time.Duration
		for range n {
			c := connect(t, srv, change...)
			guard, release, err := c.Session().Guard(t.Context())
			require.NoError(t, err)
			defer release()
			guards = append(guards, guard)
			timeout = c.Session().Timeout()
			time.Sleep(timeout / 12 / time.Duration(n))
		}
		// Long enough for leases that rest on heartbeats.
		time.Sleep(2*timeout + rand.N(timeout))
		for _, guard := range guards {
			require.NoError(t, guard.Err(), "before the outage")
		}
		srv.Down(1, true)
		time.Sleep(time.Duration(outage * float64(timeout)))
		srv.Down(1, false)
		time.Sleep(2 * timeout)
		for _, guard := range guards {
			if guard.Err() == nil {
				lived++
			}
		}
	})
	return lived
}

// A guard survives an outage that is short enough, no matter when the outage
// begins. The README gives these figures.
func TestGuard_SurvivesOutages(t *testing.T) {
	for _, c := range []struct {
		outage float64 // of the session timeout
		least  int     // of outagePhases; usual are 200, 195 and 85
		quorum int     // of a quarter as many, with QuorumLease
	}{{0.40, 200, 50}, {0.45, 180, 40}, {0.50, 55, 5}} {
		lived := survivors(t, outagePhases, c.outage)
		quorum := survivors(t, outagePhases/4, c.outage, func(cfg *zk.Config) { cfg.QuorumLease = true })
		t.Logf("%.2f of the timeout: %d of %d, with QuorumLease %d of %d", c.outage, lived, outagePhases, quorum, outagePhases/4)
		assert.GreaterOrEqual(t, lived, c.least)
		assert.GreaterOrEqual(t, quorum, c.quorum)
	}
}
