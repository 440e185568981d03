package lock_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// failures: 56, 120: the server removes empty parents ten times a second while
// 50 contenders come and go with pauses. A contender that finds no parent creates it
// again, even if the server removes it before it is used. Tokens rise over all the
// directories that existed. In the end nothing is left, not even the parents.
func TestLock_ParentsAreReapedUnderneath(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 1, JVM: []string{"-Dznode.container.checkIntervalMs=100"}})
	const dir = "/reaped/by/the/server"
	var clients []*zk.Client
	for range 10 {
		clients = append(clients, clienttest.ConnectTo(t, e.Servers(), clienttest.Timeout(30*time.Second)))
	}
	var mu sync.Mutex
	dirs := map[int64]int{} // how often the lock was held, by the directory's czxid
	last := int64(0)
	var all sync.WaitGroup
	for i := range 50 {
		c := clients[i%len(clients)]
		l := lock.New(c, dir, lock.Config{})
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(56, uint64(i)))
			for range 6 {
				// All pause at once, so that the directory is empty for a while.
				time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second + time.Duration(rnd.IntN(100))*time.Millisecond)))
				h, err := l.Acquire(t.Context())
				if err != nil {
					t.Errorf("acquire: %v", err)
					return
				}
				stat, _, err := c.Exists(t.Context(), dir)
				if err != nil {
					t.Errorf("exists: %v", err)
				}
				mu.Lock()
				dirs[stat.Czxid]++
				if h.Token() <= last {
					t.Errorf("token %d after %d", h.Token(), last)
				}
				last = h.Token()
				mu.Unlock()
				if err := h.Release(t.Context()); err != nil {
					t.Errorf("release: %v", err)
				}
			}
		})
	}
	all.Wait()
	require.Greater(t, len(dirs), 2, "the parents were never reaped: %v", dirs)
	require.Eventually(t, func() bool {
		_, there, err := clients[0].Exists(t.Context(), "/reaped")
		return err == nil && !there
	}, 30*time.Second, 50*time.Millisecond, "parents are left")
	wchs, err := e.FourLetter(t.Context(), 0, "wchs")
	require.NoError(t, err)
	require.Contains(t, wchs, "Total watches:0")
}

// failures: 115: Close ends the session on the server, so its lock is free at once.
func TestLock_CloseFreesItAtOnce(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 1})
	connect := func() *zk.Client { return clienttest.ConnectTo(t, e.Servers(), clienttest.Timeout(time.Minute)) }
	holder, waiter := connect(), connect()
	h, err := lock.New(holder, "/l", lock.Config{}).Acquire(t.Context())
	require.NoError(t, err)
	got := acquire(t.Context(), waiter)
	require.Eventually(t, func() bool {
		list, err := lock.New(waiter, "/l", lock.Config{}).Contenders(t.Context())
		return err == nil && len(list) == 2
	}, 30*time.Second, 5*time.Millisecond)
	start := time.Now()
	require.NoError(t, holder.Close(t.Context()))
	require.ErrorIs(t, context.Cause(h.Context()), zk.ErrClosed)
	next := <-got
	require.NoError(t, next.err)
	require.Less(t, time.Since(start), 20*time.Second)
	require.NoError(t, next.h.Release(t.Context()))
}
