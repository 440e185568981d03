package discovery_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Register returns a refusal at once. The error names the missing right and the path.
func TestRegister_RefusedReturnsAtOnce(t *testing.T) {
	for _, typ := range []discovery.ServiceType{discovery.Dynamic, discovery.DynamicSequential, discovery.Static} {
		t.Run(string(typ), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				c := connect(t, srv)
				require.NoError(t, srv.Create("/services/web", nil))
				_, err := c.SetACL(ctx, "/services/web", zk.WorldACL(zk.PermRead|zk.PermAdmin), zk.AnyVersion)
				require.NoError(t, err)
				d := discovery.New(c, "/services", discovery.Config{})
				start := time.Now()
				r, err := d.Registration(discovery.Instance{Name: "web", ID: "1", Type: typ})
				require.NoError(t, err)
				err = r.Register(ctx)
				require.ErrorIs(t, err, zk.ErrNoAuth)
				require.ErrorContains(t, err, "CREATE on /services/web is missing")
				require.NoError(t, ctx.Err())
				require.Less(t, time.Since(start), time.Second)
				require.Equal(t, discovery.Ended, r.Status().State)

				// With the right it succeeds at once.
				_, err = c.SetACL(ctx, "/services/web", zk.WorldACL(zk.PermAll), zk.AnyVersion)
				require.NoError(t, err)
				require.NoError(t, r.Register(ctx))
				require.Less(t, time.Since(start), time.Second)
				require.NoError(t, r.Unregister(ctx))
			})
		})
	}
}

func TestRegister_UnimplementedReturnsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "create" {
				return zktest.Fail(int32(zk.ErrUnimplemented))
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_, err := d.Register(ctx, discovery.Instance{Name: "web", ID: "1"})
		require.ErrorIs(t, err, zk.ErrUnimplemented)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, ctx.Err())
	})
}

// Serve goes on after a refusal, and registers when the right is granted.
func TestServe_RetriesAfterARefusal(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx, c := t.Context(), connect(t, srv)
		require.NoError(t, srv.Create("/services/web", nil))
		_, err := c.SetACL(ctx, "/services/web", zk.WorldACL(zk.PermRead|zk.PermAdmin), zk.AnyVersion)
		require.NoError(t, err)
		r, end := serve(t, srv, discovery.Gate{})
		time.Sleep(10 * time.Second)
		require.Equal(t, discovery.Unregistered, r.Status().State)
		require.ErrorContains(t, r.Status().Err, "CREATE on /services/web is missing")
		_, err = c.SetACL(ctx, "/services/web", zk.WorldACL(zk.PermAll), zk.AnyVersion)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.True(t, srv.Exists("/services/web/1"))
		require.ErrorIs(t, end(), context.Canceled)
	})
}
