package zk_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// stuckLog is a handler that gets stuck on a message, like a handler whose pipe is
// not read. Before that it asks the client for its state.
type stuckLog struct {
	slog.Handler
	on     string
	client atomic.Pointer[zk.Client]
	stuck  chan struct{}
}

func (h *stuckLog) Enabled(context.Context, slog.Level) bool { return true }

func (h *stuckLog) Handle(_ context.Context, r slog.Record) error {
	if c := h.client.Load(); c != nil && strings.Contains(r.Message, h.on) {
		c.State()
		<-h.stuck
	}
	return nil
}

// A log that does not take its messages must not keep a guard from ending.
func TestGuard_EndsAlthoughTheLogIsStuck(t *testing.T) {
	for _, on := range []string{"zk: disconnected", "zk: lease lapsed"} {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			h := &stuckLog{Handler: slog.DiscardHandler, on: on, stuck: make(chan struct{})}
			c := connect(t, srv, func(cfg *zk.Config) { cfg.Logger = slog.New(h) })
			guard, release, err := c.Session().Guard(t.Context())
			require.NoError(t, err)
			defer release()
			h.client.Store(c) // the connecting may still be being logged
			srv.Down(1, true)
			<-guard.Done()
			require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
			synctest.Wait()
			close(h.stuck)
			srv.Down(1, false)
		})
	}
}

// A log or a hook that is stuck when a session ends holds up no call that ends with
// it: the call gets its result first.
func TestCall_EndsWithItsSessionAlthoughALogOrAHookIsStuck(t *testing.T) {
	for _, on := range []string{"zk: session is over", "zk: lease lapsed", "hook"} {
		t.Run(on, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				h := &stuckLog{Handler: slog.DiscardHandler, on: on, stuck: make(chan struct{})}
				var r recorder
				r.before = func(e any) {
					switch e.(type) {
					case zk.SessionEnded, leaseLapsed:
						if on == "hook" {
							<-h.stuck
						}
					}
				}
				c := connect(t, srv, r.on, func(cfg *zk.Config) { cfg.Logger = slog.New(h) })
				guard, release, err := c.Session().Guard(t.Context())
				require.NoError(t, err)
				defer release()
				srv.Down(1, true)
				synctest.Wait()
				h.client.Store(c)
				result := make(chan error, 1)
				go func() {
					_, err := c.Set(t.Context(), "/", nil, zk.AnyVersion)
					result <- err
				}()
				<-guard.Done()
				select {
				case err := <-result:
					require.ErrorIs(t, err, zk.ErrSessionExpired)
					require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
				case <-time.After(time.Minute):
					t.Error("the call hangs")
				}
				close(h.stuck)
				srv.Down(1, false)
			})
		})
	}
}
