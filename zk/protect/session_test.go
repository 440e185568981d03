package protect_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// Create waits for a connection when its session ends. If the caller chose the
// session, a retry does not help. If Create chose it, a retry runs in the next one.
func TestCreate_InASessionThatEndsUnsent(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		old := c.Session()
		srv.Down(1, true)
		synctest.Wait()
		bound, unbound := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := protect.Create(t.Context(), c, "/bound", nil, zk.Ephemeral, zk.InSession(old))
			bound <- err
		}()
		go func() { _, err := protect.Create(t.Context(), c, "/unbound", nil, zk.Ephemeral); unbound <- err }()
		synctest.Wait()
		require.NoError(t, srv.ExpireSession(old.ID()))
		srv.Down(1, false)
		for _, err := range []error{<-bound, <-unbound} {
			require.ErrorIs(t, err, zk.ErrSessionExpired)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
			require.Equal(t, err.(*zk.OpError).Path == "/unbound", zk.SafeToRetry(err), "%v", err)
		}
		require.NoError(t, c.Ready(clienttest.InTime(t)))
		require.Equal(t, []string{"zookeeper"}, srv.Children("/"))
	})
}

// A create in a session that is over does not wait for the next one. It would not
// run there.
func TestCreate_InADeadSessionFailsAtOnce(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		old := c.Session()
		srv.Down(1, true)
		<-old.Context().Done() // by the client's clock
		require.Nil(t, live(c))
		start := time.Now()
		for _, mode := range []zk.CreateMode{zk.Ephemeral, zk.Persistent} {
			_, err := protect.Create(t.Context(), c, "/n", nil, mode, zk.InSession(old))
			require.ErrorIs(t, err, zk.ErrBoundExpired)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		}
		require.Zero(t, time.Since(start))
		srv.Down(1, false)
	})
}

// live returns the session of c, nil if that is over.
func live(c *zk.Client) *zk.Session {
	if s := c.Session(); s != nil && s.Context().Err() == nil {
		return s
	}
	return nil
}

// With the GUID in it, a path that ends in a slash would be a good one.
func TestCreate_ChecksThePathThatItGot(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		require.NoError(t, srv.Create("/dir", nil))
		for _, path := range []string{"", "n", "/", "/dir/", "/dir//n", "/dir/../n"} {
			_, err := protect.Create(t.Context(), c, path, nil, zk.Persistent)
			require.ErrorIs(t, err, zk.ErrInvalidPath, path)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), path)
		}
		for _, path := range []string{"", "n", "/dir//", "/dir/../n"} {
			_, err := protect.Create(t.Context(), c, path, nil, zk.PersistentSequential)
			require.ErrorIs(t, err, zk.ErrInvalidPath, path)
		}
		for _, path := range []string{"/", "/dir/", "/dir/n-"} {
			guid := protect.NewGUID()
			made, err := protect.CreateAs(t.Context(), c, guid, path, nil, zk.PersistentSequential)
			require.NoError(t, err, path)
			require.Contains(t, made.Path, protect.Path(path, guid))
		}
	})
}

// The janitor does not give up when the policy of the client does.
func TestAbandon_ContinuesWhenThePolicyEnds(t *testing.T) {
	for name, policy := range map[string]func() backoff.BackOff{
		"at once":  func() backoff.BackOff { return &backoff.StopBackOff{} },
		"soon":     func() backoff.BackOff { return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Second), 2) },
		"no pause": func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.BackOff = policy })
				tries := 0
				done := make(chan struct{})
				protect.AbandonBy(c, nil, "/n", func(context.Context) error {
					if tries++; tries < 20 {
						return zk.ErrNoAuth
					}
					close(done)
					return nil
				})
				start := time.Now()
				select {
				case <-done:
				case <-time.After(10 * time.Minute):
				}
				require.Equal(t, 20, tries)
				require.Greater(t, time.Since(start), 15*time.Second, "with pauses")
			})
		})
	}
}
