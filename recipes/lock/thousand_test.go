package lock_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// fill creates contender nodes in /l without a process behind them, with names of a
// form, and returns their paths.
func fill(t *testing.T, srv *zktest.Server, n int, form string) []string {
	t.Helper()
	if !srv.Exists("/l") {
		require.NoError(t, srv.Create("/l", nil))
	}
	paths := make([]string, n)
	for i := range paths {
		paths[i] = fmt.Sprintf("/l/_c_01234567-89ab-cdef-0123-%012d-%s%010d", i, form, i)
		require.NoError(t, srv.Create(paths[i], fmt.Append(nil, i)))
	}
	return paths
}

func deleteAll(t *testing.T, srv *zktest.Server, paths []string) {
	t.Helper()
	for _, path := range paths {
		require.NoError(t, srv.Delete(path))
	}
}

// A queue of a thousand is read in a few round trips, and not in a thousand. Revoke of
// the holder reads no other contender.
func TestLock_ThousandContendersAreReadTogether(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		paths := fill(t, srv, 1000, "lock-")
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		srv.Delay(1, 2*time.Millisecond)

		start := time.Now()
		list, err := l.Contenders(t.Context())
		require.NoError(t, err)
		took := time.Since(start)
		require.Len(t, list, 1000)
		for i, c := range list {
			require.Equal(t, paths[i], c.Path)
			require.Equal(t, fmt.Sprint(i), string(c.Data))
			require.Equal(t, i == 0, c.Holder)
		}

		start = time.Now()
		require.NoError(t, l.Revoke(t.Context()))
		revoke := time.Since(start)
		t.Logf("Contenders took %v, Revoke %v", took, revoke)
		require.LessOrEqual(t, took, 50*time.Millisecond, "Contenders")
		require.LessOrEqual(t, revoke, 4*time.Millisecond, "Revoke")
		data, _ := srv.Get(paths[0])
		require.Equal(t, "__REVOKE__", string(data))
		data, _ = srv.Get(paths[1])
		require.Equal(t, "1", string(data))
		deleteAll(t, srv, paths)
	})
}

// A thousand readers are asked together, too.
func TestReadWrite_ThousandReadersAreRevokedTogether(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		paths := fill(t, srv, 1000, "__READ__")
		writer := lock.NewReadWrite(connect(t, srv), "/l", lock.Config{}).Write()
		srv.Delay(1, 2*time.Millisecond)
		start := time.Now()
		require.NoError(t, writer.Revoke(t.Context()))
		require.LessOrEqual(t, time.Since(start), 50*time.Millisecond)
		for _, path := range paths {
			data, _ := srv.Get(path)
			require.Equal(t, "__REVOKE__", string(data), path)
		}
		deleteAll(t, srv, paths)
	})
}

// One contender's node may not be read. Contenders still shows it with the others, and
// the holder can be asked to release. If one reader cannot be asked, the others still
// are.
func TestLock_UnreadableContender(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		paths := fill(t, srv, 3, "__READ__")
		_, err := connect(t, srv).SetACL(t.Context(), paths[1], zk.DigestACL(zk.PermAll, "admin", "x"), zk.AnyVersion)
		require.NoError(t, err)
		l := lock.NewReadWrite(connect(t, srv), "/l", lock.Config{}).Write()
		list, err := l.Contenders(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 3)
		require.Equal(t, "2", string(list[2].Data))
		require.True(t, list[1].Holder)
		require.ErrorIs(t, list[1].Err, zk.ErrNoAuth)
		require.ErrorIs(t, l.Revoke(t.Context()), zk.ErrNoAuth)
		data, _ := srv.Get(paths[2])
		require.Equal(t, "__REVOKE__", string(data), "the one behind it")
		require.NoError(t, srv.Delete(paths[1]))
		require.NoError(t, l.Revoke(t.Context()))
		require.NoError(t, srv.Delete(paths[0]))
		require.NoError(t, srv.Delete(paths[2]))
	})
}

// A thousand waiters of one process give up at the same moment, and the holder
// releases. The waiter behind them holds the lock a few round trips later.
func TestLock_ThousandWaitersThatGiveUpDoNotHoldUpTheNext(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		h, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		crowd := lock.New(connect(t, srv), "/l", lock.Config{})
		ctx, giveUp := context.WithCancel(t.Context())
		defer giveUp()
		var waiters sync.WaitGroup
		for range 1000 {
			waiters.Go(func() {
				_, err := crowd.Acquire(ctx)
				require.ErrorIs(t, err, context.Canceled)
			})
		}
		synctest.Wait()
		require.Len(t, srv.Children("/l"), 1001)
		var last sync.WaitGroup
		var took time.Duration
		var start time.Time
		last.Go(func() {
			next, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
			require.NoError(t, err)
			took = time.Since(start)
			require.NoError(t, next.Release(t.Context()))
		})
		synctest.Wait()
		require.Len(t, srv.Children("/l"), 1002)
		srv.Delay(1, 2*time.Millisecond)
		start = time.Now()
		giveUp()
		waiters.Wait()
		require.NoError(t, h.Release(t.Context()))
		last.Wait()
		t.Logf("the next held the lock %v later", took)
		require.LessOrEqual(t, took, 200*time.Millisecond)
	})
}
