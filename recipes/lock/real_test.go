package lock_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// What the recipes need from ZooKeeper, tested on Apache ZooKeeper. Each test is
// short: the long runs with faults are elsewhere.
func TestReal_Recipes(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{})
	clients := make([]*zk.Client, 3)
	for i := range clients {
		clients[i] = clienttest.ConnectTo(t, e.Servers(), clienttest.Timeout(4*time.Second))
	}
	const multi = 14
	t.Run("downgrade", func(t *testing.T) {
		for _, d := range []recipes.Dialect{recipes.Curator, recipes.Kazoo} {
			dir := "/rw-" + d.String()
			rw := func(i int) *lock.ReadWrite {
				return lock.NewReadWrite(clients[i], dir, lock.Config{Dialect: d})
			}
			h, err := rw(0).Write().Acquire(t.Context())
			require.NoError(t, err)
			reader := realLater(t, clients[1], dir, rw(1).Read(), 2)
			writer := realLater(t, clients[1], dir, rw(2).Write(), 3)
			token, path := h.Token(), h.Path()
			happened, cancel := e.Clients(0).SwallowNext(ensemble.Swallow{Ops: []int32{multi}, Cut: true})
			require.NoError(t, h.Downgrade(t.Context()))
			cancel()
			<-happened
			require.True(t, h.Shared())
			require.Equal(t, token, h.Token())
			_, there, err := clients[1].Exists(t.Context(), path)
			require.NoError(t, err)
			require.False(t, there)
			r := <-reader
			require.NoError(t, h.Context().Err())
			select {
			case w := <-writer:
				t.Fatalf("a writer beside readers: %s", w.Path())
			case <-time.After(200 * time.Millisecond):
			}
			release(t, r, h)
			release(t, <-writer)
			empty(t, clients[0], dir)
		}
	})
	t.Run("semaphore", func(t *testing.T) {
		s := make([]*lock.Semaphore, len(clients))
		for i := range s {
			s[i] = lock.NewSemaphore(clients[i], "/sem", 0, lock.Config{})
		}
		require.NoError(t, s[0].SetLimit(t.Context(), 2))
		p := mustAcquire(t, s[0], 2)
		_, err := s[1].TryAcquire(t.Context(), 1)
		require.ErrorIs(t, err, lock.ErrHeld)
		got := make(chan *lock.Permits)
		go func() {
			p, err := s[1].Acquire(t.Context(), 2)
			if err == nil {
				got <- p
			}
		}()
		for {
			list, err := s[2].Contenders(t.Context())
			require.NoError(t, err)
			if len(list) == 3 {
				break
			}
		}
		// The grant loses its reply.
		happened, cancel := e.Clients(0).SwallowNext(ensemble.Swallow{Ops: []int32{multi}, Cut: true, Session: clients[1].Session().ID()})
		require.NoError(t, s[2].SetLimit(t.Context(), 4))
		q := <-got
		cancel()
		<-happened
		names, _, err := clients[2].Children(t.Context(), "/sem/leases")
		require.NoError(t, err)
		require.Len(t, names, 4)
		require.Greater(t, q.Token(), p.Token())
		require.NoError(t, p.Context().Err())
		require.NoError(t, clients[2].Delete(t.Context(), q.Paths()[1], zk.AnyVersion))
		<-q.Context().Done()
		require.ErrorIs(t, context.Cause(q.Context()), lock.ErrDeleted)
		giveBack(t, p, q)
		empty(t, clients[0], "/sem/leases")
		empty(t, clients[0], "/sem/locks")
	})
	t.Run("multi and revoke", func(t *testing.T) {
		m := lock.NewMulti(plain(clients[0], "/b", "/a")...)
		h, err := m.Acquire(t.Context())
		require.NoError(t, err)
		_, err = lock.NewMulti(plain(clients[1], "/a", "/b")...).TryAcquire(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		require.NoError(t, lock.New(clients[1], "/a", lock.Config{}).Revoke(t.Context()))
		<-h.Held()[1].Revoked()
		_, err = clients[0].Multi(t.Context(), h.Check()...)
		require.NoError(t, err)
		require.NoError(t, h.Release(t.Context()))
		empty(t, clients[0], "/a")
		empty(t, clients[0], "/b")
	})
	if clienttest.Level() == zk.Compat3_4 {
		return // no watch can be removed there: one that is no longer used stays until it fires
	}
	require.Eventually(t, func() bool {
		wchs, err := e.FourLetter(t.Context(), 0, "wchs")
		return err == nil && strings.Contains(wchs, "Total watches:0")
	}, 10*time.Second, 50*time.Millisecond, "watches left")
}

// realLater acquires in the background and returns when dir has n contenders.
func realLater(t *testing.T, c *zk.Client, dir string, l *lock.Lock, n int) <-chan *lock.Held {
	t.Helper()
	got := make(chan *lock.Held, 1)
	go func() {
		if h, err := l.Acquire(t.Context()); err == nil {
			got <- h
		}
	}()
	for {
		names, _, err := c.Children(t.Context(), dir)
		require.NoError(t, err)
		if len(names) == n {
			return got
		}
	}
}

// empty fails if something is left in dir.
func empty(t *testing.T, c *zk.Client, dir string) {
	t.Helper()
	require.NoError(t, c.Sync(t.Context(), dir))
	names, _, err := c.Children(t.Context(), dir)
	require.NoError(t, err)
	require.Empty(t, names)
}
