package acceptance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// stoppedHolders stops processes for longer than their session timeout, while they
// hold a lock under which they write to a store, and then lets them continue. No
// context can help there. The store that does not check tokens must lose writes,
// which shows that the test can fail. The store that checks them must lose none.
func stoppedHolders(t *testing.T, e ensemble.Ensemble, n int, seed uint64) {
	if processes == 0 {
		t.Log("left out: processes of this system have no clock in common")
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(n)*30*time.Second)
	defer cancel()
	require.NoError(t, e.Ready(ctx))
	store, err := newLockSet()
	require.NoError(t, err)
	defer store.close()
	b := newBoard()
	const count = 3
	var crews []*process
	dismissed := false
	defer func() {
		if !dismissed {
			for _, p := range crews {
				_ = ensemble.ResumeProcess(p.cmd.Process)
				t.Logf("while ending after a failure: %v", p.dismiss())
			}
		}
	}()
	for i := range count {
		p, err := spawn([]spec{{
			Client: i, Servers: e.Direct(), Store: store.l.Addr().String(), Seed: seed,
			Workers: map[role][]int{writes: {writes.number(2 * i), writes.number(2*i + 1)}},
		}}, b.take)
		require.NoError(t, err)
		crews = append(crews, p)
	}

	for range n {
		stopHolder(ctx, t, b, crews)
	}
	for _, p := range crews {
		p.rest()
		p.blind()
	}
	require.NoError(t, b.await(ctx, func() bool { return b.crews[blinded] == count }))
	dismissed = true
	for _, p := range crews {
		require.NoError(t, p.dismiss())
	}
	checkLockSet(t, b, store, n)
}

// stopHolder stops the process of a holder until another holder has written. It then
// lets the process continue, and waits until it has the lock again.
func stopHolder(ctx context.Context, t *testing.T, b *board, crews []*process) {
	// A writer that has read the set and will write it much later.
	var stopped int
	require.NoError(t, b.await(ctx, func() bool {
		for _, r := range b.doing {
			if r.What == acquired && r.Hold >= 100*time.Millisecond && now() < r.At+r.Hold/2 {
				stopped = r.Client
				return true
			}
		}
		return false
	}))
	p := crews[stopped].cmd.Process
	require.NoError(t, ensemble.PauseProcess(p))
	at := now()
	// Another writer acquires the lock and writes, before the first one continues.
	require.NoError(t, b.await(ctx, func() bool {
		return now() > at+sessionTimeout && b.newest(unchecked, stopped) > at && b.newest(checked, stopped) > at
	}))
	require.NoError(t, ensemble.ResumeProcess(p))
	require.NoError(t, b.await(ctx, func() bool {
		for _, r := range b.doing {
			if r.Client == stopped && r.What == acquired && r.At > at {
				return true
			}
		}
		return false
	}))
}

// checkLockSet checks that the store that checks tokens lost no write, and that the
// other lost some, after n holders were stopped.
func checkLockSet(t *testing.T, b *board, store *lockSet, n int) {
	done := map[string][]string{}
	for set, list := range b.writes {
		for _, r := range list {
			done[set] = append(done[set], r.Member)
		}
	}
	lost := store.missing(unchecked, done[unchecked])
	t.Logf("%d holders were stopped; without a check %d of %d writes were lost; with the check 0 of %d may be, %d were refused",
		n, len(lost), len(done[unchecked]), len(done[checked]), store.refused)
	require.Empty(t, store.missing(checked, done[checked]))
	require.NotEmpty(t, lost, "the control was not found out")
	require.NotZero(t, store.refused)
}

// newest returns the time of the newest write to a set by the workers of another
// client. The caller holds b.mu.
func (b *board) newest(set string, but int) time.Duration {
	var at time.Duration
	for _, r := range b.writes[set] {
		if r.Client != but {
			at = max(at, r.At)
		}
	}
	return at
}
