package zk_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zk/retry"
	"github.com/zookit/zookit/zktest"
)

// A call that is bound to a session that is over always fails. It was not sent, but
// a retry would not help. A write that is bound to no session runs in the next one.
func TestSafeToRetry_GivesUpWhatIsBoundToADeadSession(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		old := c.Session()
		var queued error
		srv.Down(1, true)
		synctest.Wait()
		done := make(chan struct{})
		go func() { // it waits for the connection when the session ends
			defer close(done)
			_, queued = c.Create(t.Context(), "/queued", nil, zk.Ephemeral, zk.InSession(old))
		}()
		unbound := make(chan error, 1)
		go func() { _, err := c.Create(t.Context(), "/unbound", nil, zk.Ephemeral); unbound <- err }()
		synctest.Wait()
		require.NoError(t, srv.ExpireSession(old.ID()))
		srv.Down(1, false)
		<-old.Context().Done()
		<-done
		require.ErrorIs(t, queued, zk.ErrSessionExpired)
		require.False(t, zk.SafeToRetry(queued), "%v", queued)
		err := <-unbound
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.True(t, zk.SafeToRetry(err), "%v", err)
		require.NoError(t, c.Ready(inTime(t)))

		for name, call := range map[string]func(context.Context) error{
			"create": func(ctx context.Context) error {
				_, err := c.Create(ctx, "/n", nil, zk.Ephemeral, zk.InSession(old))
				return err
			},
			"protected": func(ctx context.Context) error {
				_, err := protect.Create(ctx, c, "/n", nil, zk.Ephemeral, zk.InSession(old))
				return err
			},
			"persistent": func(ctx context.Context) error {
				_, err := protect.Create(ctx, c, "/n", nil, zk.Persistent, zk.InSession(old))
				return err
			},
			"multi": func(ctx context.Context) error {
				_, err := c.Multi(ctx, zk.CreateOp("/n", nil, zk.Ephemeral, zk.InSession(old)))
				return err
			},
			"guard": func(ctx context.Context) error { _, _, err := old.Guard(ctx); return err },
			"find": func(ctx context.Context) error {
				_, _, err := protect.Find(ctx, c, old, "/", protect.NewGUID())
				return err
			},
		} {
			tries := 0
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			_, err := retry.Do(ctx, backoff.NewConstantBackOff(time.Second), func(ctx context.Context) (struct{}, error) {
				tries++
				return struct{}{}, call(ctx)
			})
			cancel()
			require.ErrorIs(t, err, zk.ErrSessionExpired, name)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), name)
			require.Equal(t, 1, tries, "%s: %v", name, err)
		}
	})
}

// InSession without a session is refused.
func TestInSession_RefusesNil(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		for name, call := range map[string]func() error{
			"create": func() error { _, err := c.Create(t.Context(), "/n", nil, zk.Ephemeral, zk.InSession(nil)); return err },
			"protected": func() error {
				_, err := protect.Create(t.Context(), c, "/n", nil, zk.Ephemeral, zk.InSession(nil))
				return err
			},
			"multi": func() error {
				_, err := c.Multi(t.Context(), zk.CreateOp("/n", nil, zk.Ephemeral, zk.InSession(nil)))
				return err
			},
			"pipeline": func() error {
				_, err := c.Pipeline().Create(t.Context(), "/n", nil, zk.Ephemeral, zk.InSession(nil)).Wait(t.Context())
				return err
			},
		} {
			err := call()
			require.ErrorIs(t, err, zk.ErrBadArguments, name)
			require.ErrorContains(t, err, "InSession", name)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), name)
		}
		require.Equal(t, []string{"zookeeper"}, srv.Children("/"))
	})
}
