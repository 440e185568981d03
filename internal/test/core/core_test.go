// Package core_test tests the client on a real ensemble, without any recipe. It also
// runs the attacks on the lease. It needs the machine for itself.
package core_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// connect returns a client whose session ends soon.
func connect(t *testing.T, servers string, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	return clienttest.ConnectTo(t, servers, append([]func(*zk.Config){clienttest.Timeout(4 * time.Second)}, change...)...)
}

// Writes whose replies are swallowed, whose connections are cut and whose
// servers are killed: what was reported done is there, what was reported not
// sent is not, and nothing ran twice.
func TestCore_OutcomesAreTrueOnARealEnsemble(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 3, SyncLimit: 5})
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := connect(t, e.Servers())
	check := connect(t, e.Direct())
	ctx := t.Context()
	_, err := c.Create(ctx, "/d", nil, zk.Persistent)
	require.NoError(t, err)

	stop := make(chan struct{})
	var faults sync.WaitGroup
	count := map[string]int{}
	faults.Go(func() {
		rnd := rand.New(rand.NewPCG(seed, 1))
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(20+rnd.IntN(60)) * time.Millisecond):
			}
			member := rnd.IntN(3)
			p := e.Clients(member)
			switch kind := rnd.IntN(8); kind {
			case 0, 1:
				p.Cut()
				count["cut"]++
			case 2, 3, 4:
				p.SwallowNext(ensemble.Swallow{Ops: []int32{1}, Cut: true})
				count["swallow create"]++
			case 5:
				p.Blackhole(ensemble.ToClient, true)
				time.Sleep(50 * time.Millisecond)
				p.Cut()
				p.Heal()
				count["blackhole, cut"]++
			case 6:
				p.Delay(ensemble.BothWays, 20*time.Millisecond)
				time.Sleep(50 * time.Millisecond)
				p.Heal()
				count["delay"]++
			case 7:
				if count["kill"] < 4 {
					count["kill"]++
					require.NoError(t, e.Kill(member))
					require.NoError(t, e.Start(ctx, member))
				}
			}
		}
	})

	const done = zk.Outcome(255)
	var mu sync.Mutex
	want := map[string]zk.Outcome{}
	var work sync.WaitGroup
	for w := range 8 {
		work.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(w)+2))
			for i := range 150 {
				path := "/d/" + strconv.Itoa(w) + "-" + strconv.Itoa(i)
				ctx, cancel := context.WithTimeout(ctx, time.Duration(5+rnd.IntN(3000))*time.Millisecond)
				_, err := c.Create(ctx, path, nil, zk.Persistent)
				cancel()
				o := done
				if err != nil {
					o = zk.OutcomeOf(err)
				}
				if errors.Is(err, zk.ErrNodeExists) {
					t.Errorf("%s ran twice: %v", path, err)
				}
				mu.Lock()
				want[path] = o
				mu.Unlock()
			}
		})
	}
	work.Wait()
	close(stop)
	faults.Wait()
	require.NoError(t, e.Ready(ctx))

	require.NoError(t, check.Sync(ctx, "/"))
	sum := map[zk.Outcome]int{}
	for path, o := range want {
		_, ok, err := check.Exists(ctx, path)
		require.NoError(t, err)
		sum[o]++
		switch {
		case o == done && !ok:
			t.Errorf("%s was reported created", path)
		case o == zk.OutcomeNotSent && ok:
			t.Errorf("%s was reported not sent", path)
		}
	}
	t.Logf("done %d, not sent %d, unknown %d; faults %v", sum[done], sum[zk.OutcomeNotSent], sum[zk.OutcomeUnknown], count)
	require.NotZero(t, sum[done])
	require.NotZero(t, sum[zk.OutcomeUnknown])
}

// A client whose server is cut off from its peers, its own link intact: its
// guard ends before the ensemble removes its ephemeral node.
// (The acceptance suite has many rounds of this, with a lock.)
func TestCore_GuardEndsBeforeTheNodeGoes(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 3, TickTime: 500 * time.Millisecond, SyncLimit: 5})
	for _, quorum := range []bool{false, true} {
		for _, of := range []string{"follower", "leader"} {
			t.Run(of+" quorum="+strconv.FormatBool(quorum), func(t *testing.T) { guardRound(t, e, of, quorum) })
		}
	}
}

func guardRound(t *testing.T, e ensemble.Ensemble, of string, quorum bool) {
	ctx := t.Context()
	require.NoError(t, e.Ready(ctx))
	leader, err := e.Leader(ctx)
	require.NoError(t, err)
	member, other := leader, (leader+1)%3
	if of == "follower" {
		member, other = (leader+1)%3, (leader+2)%3
	}
	set := func(cfg *zk.Config) { cfg.SessionTimeout, cfg.QuorumLease = 2*time.Second, quorum }
	holder := connect(t, e.Addr(member), set)
	watcher := connect(t, e.DirectAddr(other), set)
	node, err := holder.Create(ctx, "/e", nil, zk.EphemeralSequential)
	require.NoError(t, err)
	require.NoError(t, watcher.Sync(ctx, "/"))
	guard, release, err := holder.Session().Guard(ctx)
	require.NoError(t, err)
	defer release()
	time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond)

	var ended time.Time
	stopped := make(chan struct{})
	context.AfterFunc(guard, func() { ended = time.Now(); close(stopped) })
	start := time.Now()
	require.NoError(t, e.IsolatePeers(member))
	for {
		_, ok, w, err := watcher.ExistsW(ctx, node.Path)
		if err == nil && !ok {
			w.Stop()
			break
		}
		require.NoError(t, err)
		_, err = w.Wait(ctx)
		if err != nil && !errors.Is(err, zk.ErrSessionExpired) {
			require.NoError(t, err)
		}
	}
	gone := time.Now()
	<-stopped
	t.Logf("guard ended after %v (%v), node gone after %v, margin %v",
		ended.Sub(start), context.Cause(guard), gone.Sub(start), gone.Sub(ended))
	require.True(t, ended.Before(gone))
	require.NoError(t, e.HealPeers(member))
}
