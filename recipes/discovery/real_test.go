package discovery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
)

// failures: 93, 102, 103: on a real server: a load, one watch, changes, a reconnect
// without an event, an outage, an expiry and a close, which leaves nothing behind.
func TestDiscovery_OnARealServer(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	server := clienttest.ConnectTo(t, e.Servers(), clienttest.Timeout(8*time.Second))
	consumer := clienttest.ConnectTo(t, e.Direct(), clienttest.Timeout(8*time.Second))
	d := discovery.New(server, "/services", discovery.Config{})
	regs := make([]*discovery.Registration, 300)
	for n := range regs {
		var err error
		regs[n], err = d.Register(ctx, discovery.Instance{Name: fmt.Sprint("s", n%3), ID: fmt.Sprintf("%03d", n), Port: new(n)})
		require.NoError(t, err)
	}
	watches := func() (n int) {
		t.Helper()
		text, err := e.FourLetter(ctx, 0, "wchs")
		require.NoError(t, err)
		_, count, ok := strings.Cut(text, "Total watches:")
		require.True(t, ok, text)
		_, err = fmt.Sscan(count, &n)
		require.NoError(t, err)
		return n
	}
	own := watches() // each registration watches its own node
	require.GreaterOrEqual(t, own, len(regs))
	cache := discovery.New(consumer, "/services", discovery.Config{}).Cache()
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- cache.Run(running) }()
	await := func(what string, ok func(*discovery.Snapshot) bool) {
		t.Helper()
		for s := range cache.Snapshots(ctx) {
			if ok(s) {
				return
			}
		}
		t.Fatalf("%s: %v", what, context.Cause(ctx))
	}
	await("loaded", func(s *discovery.Snapshot) bool { return s.Loaded && len(s.Instances("s2")) == 100 })
	require.LessOrEqual(t, watches(), own+2, "a recursive watch, which may count twice, is all that the consumer needs")

	require.NoError(t, regs[5].Update(ctx, func(i *discovery.Instance) { i.Address = "moved" }))
	await("an update", func(s *discovery.Snapshot) bool { return s.Instances("s2")[1].Address == "moved" })

	// The service's connection is cut: no consumer sees a change.
	before := cache.Snapshot()
	e.Clients(0).Cut()
	require.NoError(t, regs[6].Update(ctx, func(i *discovery.Instance) { i.Address = "over it" }))
	await("an update after it", func(s *discovery.Snapshot) bool { return s.Instances("s0")[2].Address == "over it" })
	for n, i := range cache.Snapshot().Instances("s1") {
		require.Same(t, before.Instances("s1")[n], i)
	}

	// The server is restarted: the consumer keeps the last known instances.
	require.NoError(t, e.Kill(0))
	await("stale", func(s *discovery.Snapshot) bool { return s.Stale })
	require.Len(t, cache.Snapshot().Instances("s0"), 100)
	require.NoError(t, e.Start(ctx, 0))
	await("fresh again", func(s *discovery.Snapshot) bool {
		if s.Stale {
			require.Len(t, s.Instances("s0"), 100)
		}
		return !s.Stale
	})
	// If the restart took longer than a session lasts, they register again.
	all := func(s *discovery.Snapshot) bool {
		return len(s.Instances("s0"))+len(s.Instances("s1"))+len(s.Instances("s2")) == len(regs)
	}
	await("all of them", all)

	// The service's session expires: its instances go, and come back with the
	// newest data.
	e.Clients(0).Blackhole(ensemble.BothWays, true)
	short, giveUp := context.WithTimeout(ctx, 200*time.Millisecond)
	defer giveUp()
	err := regs[7].Update(short, func(i *discovery.Instance) { i.Address = "unsent" })
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
	await("gone", func(s *discovery.Snapshot) bool { return len(s.Names()) == 0 })
	e.Clients(0).Blackhole(ensemble.BothWays, false)
	await("back", func(s *discovery.Snapshot) bool {
		return all(s) && s.Instances("s1")[2].Address == "unsent"
	})

	for _, r := range regs {
		require.NoError(t, r.Unregister(ctx))
	}
	await("unregistered", func(s *discovery.Snapshot) bool { return len(s.Names()) == 0 })
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Eventually(t, func() bool { return watches() == 0 }, 20*time.Second, 20*time.Millisecond, "watches left behind")
	require.NoError(t, consumer.Close(ctx))
	require.NoError(t, server.Close(ctx))
}
