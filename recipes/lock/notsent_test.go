package lock_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A call that is refused before anything was sent says so in its outcome, so that the
// caller can safely repeat it.
func TestLock_RefusedBeforeAnythingWasSent(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		l, bad := lock.New(c, "/l", lock.Config{}), lock.New(c, "l", lock.Config{})
		both := lock.NewMulti(l, lock.New(c, "/l", lock.Config{}))
		s, rw := lock.NewSemaphore(c, "/s", 1, lock.Config{}), lock.NewReadWrite(c, "/rw", lock.Config{})
		requests := 0
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op != "ping" {
				requests++
			}
			return zktest.Pass
		})
		for name, call := range map[string]func() error{
			"Acquire":               func() error { _, err := l.Acquire(ended); return err },
			"TryAcquire":            func() error { _, err := l.TryAcquire(ended); return err },
			"Do":                    func() error { return l.Do(ended, nil) },
			"Contenders":            func() error { _, err := l.Contenders(ended); return err },
			"Revoke":                func() error { return l.Revoke(ended) },
			"path":                  func() error { _, err := bad.Acquire(t.Context()); return err },
			"Multi":                 func() error { _, err := lock.NewMulti(l).Acquire(ended); return err },
			"Semaphore.Acquire":     func() error { _, err := s.Acquire(ended, 1); return err },
			"Semaphore.TryAcquire":  func() error { _, err := s.TryAcquire(ended, 1); return err },
			"Semaphore.Do":          func() error { return s.Do(ended, 1, func(context.Context, *lock.Permits) error { return nil }) },
			"Semaphore.Limit":       func() error { _, err := s.Limit(ended); return err },
			"Semaphore.SetLimit":    func() error { return s.SetLimit(ended, 2) },
			"Semaphore, bad limit":  func() error { return s.SetLimit(t.Context(), 0) },
			"Semaphore.Contenders":  func() error { _, err := s.Contenders(ended); return err },
			"Semaphore.Revoke":      func() error { return s.Revoke(ended) },
			"Semaphore, no permits": func() error { _, err := s.Acquire(t.Context(), 0); return err },
			"Semaphore, path": func() error {
				_, err := lock.NewSemaphore(c, "s", 1, lock.Config{}).Limit(t.Context())
				return err
			},
			"ReadWrite.Read":    func() error { _, err := rw.Read().Acquire(ended); return err },
			"Multi.Revoke":      func() error { return lock.NewMulti(l).Revoke(ended) },
			"Multi, duplicates": func() error { _, err := both.Acquire(t.Context()); return err },
		} {
			err := call()
			require.Error(t, err, name)
			assert.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), "%s: %v", name, err)
			t.Log(name+":", err)
		}
		require.Zero(t, requests)
	})
}
