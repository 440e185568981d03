package discovery_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The writes of a persistent instance are repeated with pauses, for every reply of
// the server.
func TestRegistration_PersistentIsNoStorm(t *testing.T) {
	for name, c := range map[string]struct {
		op   string
		code zk.Code
	}{
		"replies without a verdict":          {"set", zk.ErrOperationTimeout},
		"another client always writes first": {"set", zk.ErrBadVersion},
		"deletes without a verdict":          {"delete", zk.ErrOperationTimeout},
		"it comes between two requests":      {"create", zk.ErrNodeExists},
		"creates without a verdict":          {"create", zk.ErrOperationTimeout},
		"it goes, and its parent, forever":   {"create", zk.ErrNoNode},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				srv.Delay(1, 10*time.Microsecond)
				srv.Delay(2, 10*time.Microsecond)
				d := discovery.New(connect(t, srv), "/services", discovery.Config{})
				r, err := d.Registration(discovery.Instance{Name: "st", ID: "1", Type: discovery.Static})
				require.NoError(t, err)
				if c.op != "create" {
					require.NoError(t, r.Register(t.Context()))
				}
				var n atomic.Int32
				srv.OnRequest(func(q zktest.Request) zktest.Verdict {
					if q.Op == c.op && q.Path == "/services/st/1" {
						n.Add(1)
						return zktest.Fail(int32(c.code))
					}
					return zktest.Pass
				})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if c.op == "delete" {
					err = r.Unregister(ctx)
				} else {
					err = r.Register(ctx)
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, c.code, "it says what stood in the way")
				require.Less(t, n.Load(), int32(50), "in ten seconds")
				require.Greater(t, n.Load(), int32(2))
				srv.OnRequest(nil)
				require.NoError(t, r.Register(t.Context()))
				require.NoError(t, r.Unregister(t.Context()))
			})
		})
	}
}

// After a create with an unknown outcome, Unregister deletes the node.
func TestRegistration_PersistentGivenUpCanBeUnregistered(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		r, err := d.Registration(discovery.Instance{Name: "st", ID: "1", Type: discovery.Static})
		require.NoError(t, err)
		var away atomic.Bool
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "create" && q.Path == "/services/st/1" && srv.Exists("/services/st") {
				away.Store(true)
				return zktest.DropReplyAndCut
			}
			return zktest.Pass
		})
		srv.OnConnect(func(zktest.Connect) zktest.Verdict {
			if away.Load() {
				return zktest.CutBefore
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		require.ErrorIs(t, r.Register(ctx), context.DeadlineExceeded)
		require.True(t, srv.Exists("/services/st/1"))
		srv.OnRequest(nil)
		away.Store(false)
		require.Equal(t, discovery.Unregistered, r.Status().State)
		require.NoError(t, r.Unregister(t.Context()))
		require.False(t, srv.Exists("/services/st/1"))
	})
}
