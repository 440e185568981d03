package zk_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A caller queues a request while another caller is about to stop writing. The
// request must not wait for the next heartbeat. In this test nothing takes time, so
// such a wait would show as time that has passed.
func TestWriter_NoCallIsForgotten(t *testing.T) {
	for range 4 {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := watching(t, srv)
			require.NoError(t, srv.Create("/n", nil))
			start := time.Now()
			for range 3000 { // in each, no request comes behind the last one and has it written
				var callers sync.WaitGroup
				for range 2 {
					callers.Go(func() {
						f := c.Pipeline().Exists(context.Background(), "/n")
						if _, _, err := c.Exists(context.Background(), "/n"); err != nil {
							t.Error(err)
						}
						if _, err := f.Wait(context.Background()); err != nil {
							t.Error(err)
						}
					})
				}
				callers.Wait()
			}
			require.Zero(t, time.Since(start))
		})
	}
}

// A lone caller returns as soon as its context ends, and the connection goes on as
// before.
func TestReader_ALoneCallerLeavesWhenItsContextEnds(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		for range 10 {
			require.NoError(t, srv.Create("/n", nil))
			for range 3 {
				_, _, err := c.Exists(t.Context(), "/n")
				require.NoError(t, err)
			}
			srv.Silence(0, true)
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			_, _, err := c.Exists(ctx, "/n")
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
			require.Equal(t, 50*time.Millisecond, time.Since(start))
			srv.Silence(0, false)
			require.NoError(t, c.Delete(t.Context(), "/n", zk.AnyVersion))
		}
		require.Zero(t, c.Session().Resumed(), "the connection is as good as before")
	})
}
