package zkcontainer_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest/zkcontainer"
)

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// connect returns a client whose session ends soon.
func connect(t *testing.T, servers string, change ...func(*zk.Config)) *zk.Client {
	t.Helper()
	return clienttest.ConnectTo(t, servers, append([]func(*zk.Config){clienttest.Timeout(4 * time.Second)}, change...)...)
}

// mode returns the mode that a member reports.
func mode(t *testing.T, e *zkcontainer.Ensemble, member int) string {
	t.Helper()
	answer, err := e.FourLetter(within(t), member, "srvr")
	require.NoError(t, err)
	return modeIn(answer)
}

func modeIn(answer string) string {
	for line := range strings.Lines(answer) {
		if m, ok := strings.CutPrefix(strings.TrimSpace(line), "Mode: "); ok {
			return m
		}
	}
	return ""
}

func TestOne_KeepsItsAddressAndDataOverEverything(t *testing.T) {
	start := time.Now()
	e := zkcontainer.RunT(t, zkcontainer.TTLNodes(), zkcontainer.FourLetterWords("ruok"),
		zkcontainer.SessionTimeouts(time.Second, 5*time.Second), zkcontainer.Config("maxSessionTimeout=3000"),
		zkcontainer.JVM("-Djute.maxbuffer=200000"))
	t.Logf("one server started in %v", time.Since(start))
	ctx := within(t)
	require.Equal(t, e.Addr(0), e.Servers())
	leader, err := e.Leader(ctx)
	require.NoError(t, err)
	require.Zero(t, leader)
	require.Equal(t, "standalone", mode(t, e, 0))
	answer, err := e.FourLetter(ctx, 0, "ruok")
	require.NoError(t, err)
	require.Equal(t, "imok", answer)

	c := connect(t, e.Servers(), func(cfg *zk.Config) { cfg.SessionTimeout = time.Hour })
	require.Equal(t, 3*time.Second, c.Session().Timeout(), "the extra line wins")
	_, err = c.Create(ctx, "/ttl", []byte("kept"), zk.PersistentTTL, zk.TTL(time.Hour))
	require.NoError(t, err)
	_, err = c.Create(ctx, "/large", make([]byte, 300000), zk.Persistent)
	require.Error(t, err, "the flag holds")
	survivesEverything(t, e, c)
}

// survivesEverything stops, pauses and disconnects a single server in every way.
func survivesEverything(t *testing.T, e *zkcontainer.Ensemble, c *zk.Client) {
	t.Helper()
	ctx := within(t)
	servers := e.Servers()
	require.NoError(t, e.Kill(ctx, 0))
	require.ErrorContains(t, e.Kill(ctx, 0), "it is stopped")
	require.Error(t, e.Ready(ctx))
	_, err := e.FourLetter(ctx, 0, "srvr")
	require.ErrorContains(t, err, "no published port")
	require.NoError(t, e.Start(ctx, 0))
	require.ErrorContains(t, e.Start(ctx, 0), "it is running")
	require.Equal(t, servers, e.Servers())
	kept(t, c)

	require.NoError(t, e.Pause(ctx, 0))
	require.ErrorContains(t, e.Pause(ctx, 0), "it is paused")
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, e.Ready(short), context.DeadlineExceeded)
	require.NoError(t, e.Unpause(ctx, 0))
	kept(t, c)

	require.NoError(t, e.Disconnect(ctx, 0))
	require.NoError(t, e.Kill(ctx, 0)) // restart it while it is disconnected
	require.NoError(t, e.Start(ctx, 0))
	_, err = e.FourLetter(ctx, 0, "srvr")
	require.ErrorContains(t, err, "no published port")
	require.NoError(t, e.Reconnect(ctx, 0))
	require.NoError(t, e.Ready(ctx))
	kept(t, c)

	require.NoError(t, e.Pause(ctx, 0))
	require.NoError(t, e.Kill(ctx, 0)) // kill it while it is paused
	require.NoError(t, e.Start(ctx, 0))
	require.NoError(t, e.Pause(ctx, 0))
	require.NoError(t, e.Stop(ctx, 0))
	require.NoError(t, e.Start(ctx, 0))
	kept(t, c)

	require.ErrorContains(t, e.IsolatePeers(ctx, 0), "no peers")
	require.ErrorContains(t, e.Kill(ctx, 1), "no member 1")
}

// kept checks that a client that has lost its server still reads what it wrote.
func kept(t *testing.T, c *zk.Client) {
	t.Helper()
	node, err := c.Get(within(t), "/ttl")
	require.NoError(t, err)
	require.Equal(t, "kept", string(node.Data))
}

// Two ensembles that start at the same time do not affect each other. Then one of them
// loses its leader in every way.
func TestThree_SideBySideAndFailOverOfEveryKind(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) }) // runs last, when the ensembles are closed
	start := time.Now()
	one, other := two(t)
	t.Logf("twice three servers started in %v", time.Since(start))
	ctx := within(t)
	_, err := connect(t, one.Servers()).Create(ctx, "/one", nil, zk.Persistent)
	require.NoError(t, err)
	_, ok, err := connect(t, other.Servers()).Exists(ctx, "/one")
	require.NoError(t, err)
	require.False(t, ok)

	t.Run("fail over", func(t *testing.T) { failOver(t, one) })
	t.Run("isolated follower", func(t *testing.T) { isolatedFollower(t, other) })
}

func two(t *testing.T) (_, _ *zkcontainer.Ensemble) {
	t.Helper()
	type result struct {
		e   *zkcontainer.Ensemble
		err error
	}
	results := make(chan result, 2)
	for range cap(results) {
		go func() {
			e, err := zkcontainer.Run(t.Context(), zkcontainer.Members(3), zkcontainer.Tick(200*time.Millisecond), zkcontainer.Limits(50, 5))
			results <- result{e, err}
		}()
	}
	all := []result{<-results, <-results}
	for _, r := range all {
		if r.e != nil {
			t.Cleanup(func() {
				require.NoError(t, r.e.Close())
				require.NoError(t, r.e.Close())
			})
		}
	}
	for _, r := range all {
		require.NoError(t, r.err)
	}
	return all[0].e, all[1].e
}

func failOver(t *testing.T, e *zkcontainer.Ensemble) {
	ctx := within(t)
	servers := e.Servers()
	require.Len(t, strings.Split(servers, ","), 3)
	c := connect(t, servers)
	for _, f := range []struct {
		name      string
		hit, mend func(context.Context, int) error
	}{
		{"kill", e.Kill, e.Start},
		{"stop", e.Stop, e.Start},
		{"pause", e.Pause, e.Unpause},
		{"isolation", e.IsolatePeers, e.HealPeers},
		{"disconnection", e.Disconnect, e.Reconnect},
	} {
		old, err := e.Leader(ctx)
		require.NoError(t, err)
		start := time.Now()
		require.NoError(t, f.hit(ctx, old), f.name)
		_, err = e.Leader(ctx, old)
		require.NoError(t, err, f.name)
		took := time.Since(start)
		start = time.Now()
		require.NoError(t, f.mend(ctx, old), f.name)
		require.NoError(t, e.Ready(ctx), f.name)
		t.Logf("leader's %s: another one after %v; all serve %v after its end", f.name, took, time.Since(start))
		require.Equal(t, servers, e.Servers())
		require.NoError(t, c.Sync(ctx, "/"))
	}
}

// A follower that is cut off from its peers keeps its clients' connections until it
// notices. If it is restarted while it is cut off, it answers but does not serve.
func isolatedFollower(t *testing.T, e *zkcontainer.Ensemble) {
	ctx := within(t)
	leader, err := e.Leader(ctx)
	require.NoError(t, err)
	follower := (leader + 1) % 3
	c := connect(t, e.Addr(follower))
	require.NoError(t, c.Sync(ctx, "/"))
	require.NoError(t, e.IsolatePeers(ctx, follower))
	require.Equal(t, "follower", mode(t, e, follower), "nothing was closed, so it does not know")
	_, _, err = c.Exists(ctx, "/")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		// While the member ends its service, it drops the connection that asks.
		answer, err := e.FourLetter(ctx, follower, "srvr")
		return err == nil && modeIn(answer) == ""
	}, 30*time.Second, 20*time.Millisecond)
	now, err := e.Leader(ctx)
	require.NoError(t, err)
	require.Equal(t, leader, now, "the other members continue")

	require.NoError(t, e.Kill(ctx, follower))
	require.NoError(t, e.Start(ctx, follower))
	require.Empty(t, mode(t, e, follower))
	require.NoError(t, e.HealPeers(ctx, follower))
	require.NoError(t, e.Ready(ctx))
}
