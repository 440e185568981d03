package lock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// A TryAcquire that fails sends no write.
func TestTryAcquire_ThatFailsOnlyReads(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		holder, other := connect(t, srv), connect(t, srv)
		h, err := lock.New(holder, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		rw := lock.NewReadWrite(other, "/rw", lock.Config{})
		r, err := rw.Read().Acquire(t.Context())
		require.NoError(t, err)
		p, err := lock.NewSemaphore(holder, "/s", 3, lock.Config{}).Acquire(t.Context(), 2)
		require.NoError(t, err)
		time.Sleep(time.Second)
		zxid := srv.Zxid()

		_, err = lock.New(other, "/l", lock.Config{}).TryAcquire(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		_, err = rw.Write().TryAcquire(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		_, err = lock.NewSemaphore(other, "/s", 3, lock.Config{}).TryAcquire(t.Context(), 2)
		require.ErrorIs(t, err, lock.ErrHeld)
		require.Equal(t, zxid, srv.Zxid(), "the tree has changed")

		// A TryAcquire of a free lock succeeds.
		r2, err := rw.Read().TryAcquire(t.Context())
		require.NoError(t, err)
		p2, err := lock.NewSemaphore(other, "/s", 3, lock.Config{}).TryAcquire(t.Context(), 1)
		require.NoError(t, err)
		require.NoError(t, h.Release(t.Context()))
		h2, err := lock.New(other, "/l", lock.Config{}).TryAcquire(t.Context())
		require.NoError(t, err)
		release(t, h2, r, r2)
		giveBack(t, p, p2)
	})
}

// The server of the caller lags behind until the sync: it still shows a holder and a
// permit that are gone. TryAcquire gets both.
func TestTryAcquire_OnAServerThatLags(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		l, s := lock.New(c, "/l", lock.Config{}), lock.NewSemaphore(c, "/s", 1, lock.Config{})
		h, err := l.Acquire(t.Context())
		require.NoError(t, err)
		p, err := s.Acquire(t.Context(), 1)
		require.NoError(t, err)
		other := connect(t, srv)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch {
			case r.Op == "sync" && r.Path == "/l":
				_ = srv.Delete(h.Path())
			case r.Op == "sync" && r.Path == "/s":
				_ = srv.Delete(p.Paths()[0])
			}
			return zktest.Pass
		})
		h2, err := lock.New(other, "/l", lock.Config{}).TryAcquire(t.Context())
		require.NoError(t, err)
		p2, err := lock.NewSemaphore(other, "/s", 1, lock.Config{}).TryAcquire(t.Context(), 1)
		require.NoError(t, err)
		srv.OnRequest(nil)
		release(t, h, h2)
		giveBack(t, p, p2)
	})
}

// The connection is lost during the read of the queue. A read without its sync decides
// nothing.
func TestTryAcquire_JoinsTheQueueWhenItsSyncFails(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		l := lock.New(c, "/l", lock.Config{})
		h, err := l.Acquire(t.Context())
		require.NoError(t, err)
		cut := false
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch {
			case r.Op == "sync" && r.Path == "/l" && !cut:
				cut = true
				return zktest.CutBefore
			case r.Op == "create":
				_ = srv.Delete(h.Path())
			}
			return zktest.Pass
		})
		h2, err := lock.New(connect(t, srv), "/l", lock.Config{}).TryAcquire(t.Context())
		require.NoError(t, err)
		require.True(t, cut)
		srv.OnRequest(nil)
		release(t, h, h2)
	})
}
