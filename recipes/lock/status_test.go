package lock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// The status of a lock shows its hold and its waits, until they are over.
func TestStatus_OfALock(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		l := lock.New(clienttest.Connect(t, srv), "/l", lock.Config{})
		require.Equal(t, lock.Status{}, l.Status())
		h, err := l.Acquire(t.Context())
		require.NoError(t, err)
		require.Equal(t, lock.Status{Holds: []*lock.Held{h}}, l.Status())

		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := l.Acquire(ctx)
				ended <- err
			}()
			time.Sleep(time.Second)
		}
		require.Equal(t, lock.Status{Holds: []*lock.Held{h}, Waiting: 2, Since: start}, l.Status())
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Equal(t, lock.Status{Holds: []*lock.Held{h}}, l.Status())
		require.NoError(t, h.Release(t.Context()))
		require.Empty(t, l.Status().Holds)
		synctest.Wait()

		h, err = l.Acquire(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Second)
		srv.Down(1, true)
		<-h.Context().Done()
		require.Empty(t, l.Status().Holds, "a hold that is lost is no hold")
		srv.Down(1, false)
	})
}

// Several readers hold at the same time.
func TestStatus_OfReaders(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		rw := lock.NewReadWrite(clienttest.Connect(t, srv), "/rw", lock.Config{})
		a, err := rw.Read().Acquire(t.Context())
		require.NoError(t, err)
		b, err := rw.Read().Acquire(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []*lock.Held{a, b}, rw.Read().Status().Holds)
		require.Empty(t, rw.Write().Status().Holds)
		require.NoError(t, a.Release(t.Context()))
		require.Equal(t, []*lock.Held{b}, rw.Read().Status().Holds)
		require.NoError(t, b.Release(t.Context()))
	})
}
