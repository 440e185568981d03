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

func TestConfig_WaitOut(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		i := discovery.Instance{Name: "web", ID: "1"}
		other, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Register(t.Context(), i)
		require.NoError(t, err)
		start := time.Now()
		_, err = discovery.New(connect(t, srv), "/services", discovery.Config{WaitOut: 3 * time.Second}).Register(t.Context(), i)
		require.ErrorIs(t, err, discovery.ErrIDTaken)
		require.WithinDuration(t, start.Add(3*time.Second), time.Now(), 100*time.Millisecond)
		require.NoError(t, other.Unregister(t.Context()))
	})
}

func TestConfig_ReportDeletedEndsServe(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(connect(t, srv), "/services", discovery.Config{ReportDeleted: true})
		r, err := d.Registration(discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- r.Serve(t.Context(), discovery.Gate{Every: time.Second}) }()
		time.Sleep(10 * time.Second)
		require.NoError(t, srv.Delete("/services/web/1"))
		require.ErrorIs(t, <-done, discovery.ErrDeleted)
		time.Sleep(10 * time.Second)
		require.False(t, srv.Exists("/services/web/1"))
	})
}

func TestConfig_KeepParents(t *testing.T) {
	for _, typ := range []discovery.ServiceType{discovery.Dynamic, discovery.Static} {
		t.Run(string(typ), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				d := discovery.New(connect(t, srv), "/services", discovery.Config{KeepParents: true})
				_, err := d.Register(ctx, discovery.Instance{Name: "web", ID: "1", Type: typ})
				require.ErrorIs(t, err, zk.ErrNoNode)
				require.NoError(t, ctx.Err())
				require.False(t, srv.Exists("/services"))
			})
		})
	}
}

func TestConfig_RefusedPause(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(connect(t, srv), "/services", discovery.Config{KeepParents: true, RefusedPause: time.Second})
		r, err := d.Registration(discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Serve(ctx, discovery.Gate{}) }()
		time.Sleep(time.Minute)
		require.NoError(t, srv.Create("/services/web", nil))
		time.Sleep(1100 * time.Millisecond)
		require.True(t, srv.Exists("/services/web/1"))
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
}

func TestConfig_Spread(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		r, err := discovery.New(c, "/services", discovery.Config{Spread: -1}).Register(t.Context(), discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, discovery.Registered, r.Status().State)
		require.NoError(t, r.Unregister(t.Context()))
	})
}

func TestConfig_NothingIsNegative(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		for says, cfg := range map[string]discovery.Config{
			"WaitOut -1s": {WaitOut: -time.Second}, "RefusedPause -1s": {RefusedPause: -time.Second}, "Parallel -1": {Parallel: -1},
		} {
			d := discovery.New(c, "/services", cfg)
			_, err := d.Registration(discovery.Instance{Name: "web", ID: "1"})
			refuses(t, err, says)
			_, _, err = d.Query(t.Context(), "web")
			refuses(t, err, says)
			refuses(t, d.Cache().Run(t.Context()), says)
		}
	})
}
