package discovery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zktest"
)

// errStop is the cause of the contexts of these tests.
var errStop = errors.New("stop")

// ended returns a context that has ended.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	return ctx
}

// A context that has ended before Serve begins ends Serve as a later end does: the
// instance is drained and unregistered.
func TestServe_EndedContextUnregisters(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		r, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Register(t.Context(), discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		began := time.Now()
		require.ErrorIs(t, r.Serve(ended(t), discovery.Gate{Drain: 3 * time.Second}), errStop)
		there := srv.Exists("/services/web/1")
		require.NoError(t, r.Unregister(t.Context()))
		require.False(t, there, "still registered after Serve")
		require.GreaterOrEqual(t, time.Since(began), 3*time.Second, "the time to drain")
	})
}

// Register says whether the instance is registered, also if its context has ended
// before the call.
func TestRegister_EndedContext(t *testing.T) {
	for name, registered := range map[string]bool{"new": false, "registered": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				r, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Registration(discovery.Instance{Name: "web", ID: "1"})
				require.NoError(t, err)
				if registered {
					require.NoError(t, r.Register(t.Context()))
				}
				err = r.Register(ended(t))
				there := srv.Exists("/services/web/1")
				require.NoError(t, r.Unregister(t.Context()))
				require.Equal(t, registered, there)
				require.Equal(t, err == nil, there, "registered, although Register returned %v", err)
				if err != nil {
					require.ErrorIs(t, err, errStop)
				}
			})
		})
	}
}

// An instance that waits for its connection is not registered any more after Register
// with a context that has ended.
func TestRegister_EndedContextInAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		r, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Register(t.Context(), discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		srv.Down(1, true)
		srv.Down(2, true)
		time.Sleep(time.Minute) // the session ends
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "ping" {
				return zktest.Pass
			}
			return zktest.Hang
		})
		srv.Down(1, false)
		time.Sleep(3 * time.Second)
		require.NotEqual(t, discovery.Registered, r.Status().State)
		require.ErrorIs(t, r.Register(ended(t)), errStop)
		state := r.Status().State
		srv.OnRequest(nil)
		srv.Down(2, false)
		require.NoError(t, r.Unregister(t.Context()))
		require.Equal(t, discovery.Ended, state)
	})
}
