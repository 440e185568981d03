package core_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// superDigest makes "super:admin" the super user of a server.
const superDigest = "-Dzookeeper.DigestAuthenticationProvider.superDigest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs="

// runReconfig runs three servers of a version, whose configuration can be changed,
// and returns a client that may do that.
func runReconfig(t *testing.T, v ensemble.Version) (ensemble.Ensemble, *zk.Client) {
	t.Helper()
	e := ensemble.Run(t, ensemble.Options{Version: v, Size: 3, Spares: 1, Reconfig: true, JVM: []string{superDigest}})
	return e, connect(t, e.Direct(), func(cfg *zk.Config) {
		cfg.Auth = []zk.Authenticator{zk.DigestAuth("super", "admin")}
	})
}

// A server joins and leaves while clients write and one holds a lock. No write that
// was acknowledged is lost, and the lock is held all the time.
func TestCore_ReconfigUnderLoad(t *testing.T) {
	for _, v := range ensemble.Versions() {
		t.Run(string(v), func(t *testing.T) { reconfigUnderLoad(t, v) })
	}
}

func reconfigUnderLoad(t *testing.T, v ensemble.Version) {
	e, admin := runReconfig(t, v)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := connect(t, e.Servers())
	held, err := lock.New(connect(t, e.Servers(), func(cfg *zk.Config) { cfg.SessionTimeout = 10 * time.Second }), "/lock", lock.Config{}).Acquire(ctx)
	require.NoError(t, err)
	underLoad(ctx, t, e, c, func() {
		require.NoError(t, e.Start(ctx, 3))
		before, err := admin.EnsembleConfig(ctx)
		require.NoError(t, err)
		require.Len(t, before.Servers, 3)
		added, err := admin.Reconfig(ctx, zk.Reconfig{JoiningText: ensemble.ServerLine(e, 3)}, before.Version)
		require.NoError(t, err)
		require.Len(t, added.Servers, 4)
		require.Greater(t, added.Version, before.Version)
		require.Equal(t, ensemble.ServerLine(e, 3), added.Servers[3].String())
		removed, err := admin.Reconfig(ctx, zk.Reconfig{Leaving: []int64{4}}, added.Version)
		require.NoError(t, err)
		require.Equal(t, before.Servers, removed.Servers)
		require.Greater(t, removed.Version, added.Version)
	})
	require.NoError(t, held.Context().Err())
	require.NoError(t, held.Release(ctx))
}

// underLoad calls change while several goroutines create nodes by c. When it has
// returned, every node whose create was acknowledged must be there.
func underLoad(ctx context.Context, t *testing.T, e ensemble.Ensemble, c *zk.Client, change func()) {
	t.Helper()
	_, err := c.Create(ctx, "/d", nil, zk.Persistent)
	require.NoError(t, err)
	stop := make(chan struct{})
	acknowledged := make([][]string, 4)
	var writers sync.WaitGroup
	for w := range acknowledged {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				path := fmt.Sprintf("/d/%d-%d", w, i)
				if _, err := c.Create(ctx, path, nil, zk.Persistent); err == nil {
					acknowledged[w] = append(acknowledged[w], path)
				}
			}
		})
	}
	defer writers.Wait()
	ended := sync.OnceFunc(func() { close(stop) })
	defer ended() // also if change ends the test
	change()
	ended()
	writers.Wait()

	check := connect(t, e.Direct())
	require.NoError(t, check.Sync(ctx, "/"))
	names, _, err := check.Children(ctx, "/d")
	require.NoError(t, err)
	there := map[string]bool{}
	for _, name := range names {
		there["/d/"+name] = true
	}
	for w, paths := range acknowledged {
		t.Log("writer "+strconv.Itoa(w)+" acknowledged", len(paths))
		require.NotEmpty(t, paths)
		for _, path := range paths {
			require.True(t, there[path], path)
		}
	}
}

// A server that runs alone has no configuration to change, and keeps the connection.
// (Without reconfigEnabled the refusal is another: zktest compares it.)
func TestCore_ReconfigOfOneServer(t *testing.T) {
	onEachVersion(t, ensemble.Options{Extra: []string{"reconfigEnabled=true"}}, func(t *testing.T, servers string) {
		c := connect(t, servers)
		_, err := c.Reconfig(t.Context(), zk.Reconfig{Leaving: []int64{3}}, zk.AnyConfig)
		require.ErrorIs(t, err, zk.ErrUnimplemented)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		require.NoError(t, c.Sync(t.Context(), "/"))
	})
}
