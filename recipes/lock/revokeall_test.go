package lock_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// told reports whether a channel is closed, and so whether its owner was asked.
func told(t *testing.T, c <-chan struct{}) bool {
	t.Helper()
	settle(t)
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// All holders of permits are asked to release, once for all permits of an Acquire.
// Nodes of other programs in the directory of leases stay as they are.
func TestSemaphore_RevokeAsksAllHolders(t *testing.T) {
	for _, dialect := range []recipes.Dialect{recipes.Curator, recipes.Kazoo} {
		t.Run(dialect.String(), func(t *testing.T) {
			inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				cfg := lock.Config{Data: []byte("me"), Dialect: dialect}
				n, leases := 2, "/s/leases"
				if dialect == recipes.Kazoo {
					n, leases = 1, "/s"
				}
				s, other := lock.NewSemaphore(connect(t, srv), "/s", 9, cfg), lock.NewSemaphore(connect(t, srv), "/s", 9, cfg)
				require.ErrorIs(t, other.Revoke(t.Context()), lock.ErrNoHolder)
				first, second := mustAcquire(t, s, n), mustAcquire(t, other, n)
				require.NoError(t, srv.Create(leases+"/anything", []byte("mine")))
				require.False(t, told(t, first.Revoked()))
				require.NoError(t, other.Revoke(t.Context()))
				require.NoError(t, other.Revoke(t.Context()), "asked twice is asked once")
				require.True(t, told(t, first.Revoked()))
				require.True(t, told(t, second.Revoked()))
				require.NoError(t, first.Context().Err(), "it is a request")
				data, _ := srv.Get(leases + "/anything")
				require.Equal(t, "mine", string(data))
				list, err := s.Contenders(t.Context())
				require.NoError(t, err)
				revoked := 0
				for _, c := range list {
					if c.Revoked {
						revoked++
					}
				}
				require.Equal(t, 2*n, revoked)
				giveBack(t, first, second)
				require.NoError(t, srv.Delete(leases+"/anything"))
				third := mustAcquire(t, s, n)
				require.False(t, told(t, third.Revoked()), "a request is for who held then")
				giveBack(t, third)
				require.False(t, told(t, third.Revoked()), "a release is no request")
			})
		})
	}
}

// The holder of several locks is asked as soon as the release of one of them is
// wanted.
func TestMulti_RevokedReportsEachLock(t *testing.T) {
	inMultiBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, d := connect(t, srv), connect(t, srv)
		m := lock.NewMulti(plain(c, "/a", "/b")...)
		require.ErrorIs(t, m.Revoke(t.Context()), lock.ErrNoHolder)
		ask := map[string]func(ctx context.Context) error{
			"first":  lock.New(d, "/a", lock.Config{}).Revoke,
			"second": lock.New(d, "/b", lock.Config{}).Revoke,
			"all":    lock.NewMulti(plain(d, "/a", "/b")...).Revoke,
			"some":   lock.NewMulti(plain(d, "/b", "/c")...).Revoke, // nobody holds /c
		}
		for name, revoke := range ask {
			h, err := m.Acquire(t.Context())
			require.NoError(t, err)
			require.False(t, told(t, h.Revoked()), name)
			require.NoError(t, revoke(t.Context()), name)
			require.True(t, told(t, h.Revoked()), name)
			require.NoError(t, h.Context().Err(), name)
			require.NoError(t, h.Release(t.Context()), name)
		}
		h, err := m.Acquire(t.Context())
		require.NoError(t, err)
		revoked := h.Revoked()
		require.NoError(t, h.Release(t.Context()))
		require.False(t, told(t, revoked), "a release is no request")
	})
}
