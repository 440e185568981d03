package core_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/follow"
)

// The leader itself is removed from the ensemble, while clients write and one holds a
// lock. Both are connected to it, and follow the configuration. No write that was
// acknowledged is lost, both move and keep their sessions, and the lock is held all the
// time.
func TestCore_ReconfigRemovesTheLeader(t *testing.T) {
	for _, v := range ensemble.Versions() {
		t.Run(string(v), func(t *testing.T) { removeLeader(t, v) })
	}
}

func removeLeader(t *testing.T, v ensemble.Version) {
	e, admin := runReconfig(t, v)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	leader, err := e.Leader(ctx)
	require.NoError(t, err)
	c, holder := clientOf(t, e, leader), clientOf(t, e, leader)
	held, err := lock.New(holder, "/lock", lock.Config{}).Acquire(ctx)
	require.NoError(t, err)
	sessions := []*zk.Session{c.Session(), holder.Session()}

	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 2)
	address := func(s zk.EnsembleServer) string { return e.Addr(int(s.ID) - 1) }
	for _, one := range []*zk.Client{c, holder} {
		go func() { ended <- follow.Servers(following, one, address) }()
	}
	underLoad(ctx, t, e, c, func() {
		leave(ctx, t, admin, int64(leader)+1)
		for _, one := range []*zk.Client{c, holder} {
			awaitMove(ctx, t, one, e.Addr(leader))
		}
		next, err := e.AwaitLeader(ctx, leader)
		require.NoError(t, err)
		require.NotEqual(t, leader, next)
		for i, one := range []*zk.Client{c, holder} {
			_, err = one.Create(ctx, fmt.Sprintf("/after%d", i), nil, zk.Persistent)
			require.NoError(t, err)
		}
	})
	require.NoError(t, held.Context().Err())
	require.NoError(t, held.Release(ctx))
	require.Same(t, sessions[0], c.Session())
	require.Same(t, sessions[1], holder.Session())
	stop()
	for range 2 {
		require.ErrorIs(t, <-ended, context.Canceled)
	}
}

// clientOf returns a client that is connected to a member, and knows all of them.
func clientOf(t *testing.T, e ensemble.Ensemble, member int) *zk.Client {
	for {
		c := connect(t, e.Servers(), func(cfg *zk.Config) { cfg.SessionTimeout = 20 * time.Second })
		if c.Stats().Server == e.Addr(member) {
			return c
		}
	}
}

// leave removes a server from the ensemble. If it is the leader, its reply may get lost:
// it stops to serve with the change.
func leave(ctx context.Context, t *testing.T, admin *zk.Client, id int64) {
	t.Helper()
	for {
		_, err := admin.Reconfig(ctx, zk.Reconfig{Leaving: []int64{id}}, zk.AnyConfig)
		t.Log("the reply to the reconfig:", err)
		if err != nil {
			require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err), "%v", err)
			err := admin.Sync(ctx, "/")
			if errors.Is(err, zk.ErrConnectionLoss) {
				err = admin.Sync(ctx, "/")
			}
			require.NoError(t, err)
		}
		cfg, err := admin.EnsembleConfig(ctx)
		require.NoError(t, err)
		if !slices.ContainsFunc(cfg.Servers, func(s zk.EnsembleServer) bool { return s.ID == id }) {
			require.Len(t, cfg.Servers, 2)
			return
		}
	}
}

// awaitMove waits until a client is connected, and has left the server at addr and its
// list.
func awaitMove(ctx context.Context, t *testing.T, c *zk.Client, addr string) {
	t.Helper()
	err := ensemble.Poll(ctx, "the client has moved", func() (bool, error) {
		st := c.Stats()
		return st.State == zk.StateConnected && st.Server != addr && !strings.Contains(st.Servers, addr), nil
	})
	require.NoError(t, err)
}
