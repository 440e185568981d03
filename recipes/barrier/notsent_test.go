package barrier_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A call that fails before anything was sent says so in its outcome.
func TestBarrier_NothingWasSent(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		closed := connect(t, srv)
		require.NoError(t, closed.Close(t.Context()))
		bad := connect(t, srv)
		for name, in := range map[string]struct {
			c    *zk.Client
			path string
			ctx  context.Context
			want error
		}{
			"context has ended": {connect(t, srv), "/b", ended, context.Canceled},
			"client is closed":  {closed, "/b", t.Context(), zk.ErrClosed},
			"bad path":          {bad, "b/", t.Context(), zk.ErrInvalidPath},
			"bad path, ended":   {bad, "b/", ended, zk.ErrInvalidPath},
		} {
			gate, double := barrier.New(in.c, in.path, barrier.Config{}), barrier.NewDouble(in.c, in.path, 1, barrier.DoubleConfig{})
			ephemeral := barrier.New(in.c, in.path, barrier.Config{Ephemeral: true})
			before := srv.Requests()
			for call, err := range map[string]error{
				"Raise": gate.Raise(in.ctx), "Raise ephemeral": ephemeral.Raise(in.ctx), "Lower": gate.Lower(in.ctx), "Wait": gate.Wait(in.ctx),
				"Enter": func() error { _, err := double.Enter(in.ctx); return err }(),
			} {
				require.ErrorIs(t, err, in.want, "%s, %s", name, call)
				require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), "%s, %s: %v", name, call, err)
			}
			require.Equal(t, before, srv.Requests(), name)
		}
	})
}

// Enter gives up in an outage that began after its node was created. The other parties
// may have counted the node, so the error does not say that nothing was sent.
func TestDouble_EnterWithANodeWasSent(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		var away atomic.Bool
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op != "exists" {
				return zktest.Pass
			}
			away.Store(true)
			return zktest.CutBefore
		})
		srv.OnConnect(func(zktest.Connect) zktest.Verdict {
			if away.Load() {
				return zktest.CutBefore
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := barrier.NewDouble(c, "/b", 2, barrier.DoubleConfig{}).Enter(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err), "%v", err)
		require.Len(t, srv.Children("/b"), 1)
		srv.OnRequest(nil)
		away.Store(false)
	})
}
