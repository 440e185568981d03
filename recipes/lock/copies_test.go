package lock_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A lock copies its configuration: a caller that changes its data or ACL afterwards
// does not change the nodes of later acquisitions.
func TestNew_CopiesItsConfiguration(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		cfg := lock.Config{Data: []byte("first"), ACL: zk.WorldACL(zk.PermAll)}
		l, sem := lock.New(c, "/l", cfg), lock.NewSemaphore(c, "/s", 1, cfg)
		copy(cfg.Data, "xxxxx")
		cfg.ACL[0].Scheme = "gone"

		held, err := l.Acquire(t.Context())
		require.NoError(t, err)
		permits, err := sem.Acquire(t.Context(), 1)
		require.NoError(t, err)
		for _, path := range append(permits.Paths(), held.Path()) {
			data, _ := srv.Get(path)
			require.Equal(t, "first", string(data), path)
		}
		require.NoError(t, permits.Release(t.Context()))
		require.NoError(t, held.Release(t.Context()))
	})
}
