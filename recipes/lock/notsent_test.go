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

// What is refused before anything was sent says so, so that the caller can repeat
// it without a thought.
func TestLock_RefusedBeforeAnythingWasSent(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		l, bad := lock.New(c, "/l", lock.Config{}), lock.New(c, "l", lock.Config{})
		both := lock.NewMulti(l, lock.New(c, "/l", lock.Config{}))
		requests := 0
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op != "ping" {
				requests++
			}
			return zktest.Pass
		})
		for name, call := range map[string]func() error{
			"Acquire":           func() error { _, err := l.Acquire(ended); return err },
			"TryAcquire":        func() error { _, err := l.TryAcquire(ended); return err },
			"Do":                func() error { return l.Do(ended, nil) },
			"Contenders":        func() error { _, err := l.Contenders(ended); return err },
			"Revoke":            func() error { return l.Revoke(ended) },
			"path":              func() error { _, err := bad.Acquire(t.Context()); return err },
			"Multi":             func() error { _, err := lock.NewMulti(l).Acquire(ended); return err },
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
