package zk_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Writes whose context is that of the session end in two ways at once when the
// session expires: the client withdraws them, and so do their callers. Other calls
// in the queue must not suffer.
func TestCall_EndsWithItsSessionAndItsContextAtOnce(t *testing.T) {
	for range 20 {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := connect(t, srv)
			old := c.Session()
			srv.Down(1, true)
			synctest.Wait()
			const n = 100
			writes, reads := make(chan error, n), make(chan error, n)
			for range n {
				go func() {
					_, err := c.Set(old.Context(), "/", nil, zk.AnyVersion)
					writes <- err
				}()
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					_, _, err := c.Exists(ctx, "/")
					reads <- err
				}()
			}
			synctest.Wait()
			require.NoError(t, srv.ExpireSession(old.ID()))
			srv.Down(1, false)
			for range n {
				err := <-writes
				require.ErrorIs(t, err, zk.ErrSessionExpired)
				require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
				require.NoError(t, <-reads)
			}
			require.NoError(t, c.Sync(inTime(t), "/"))
		})
	}
}
