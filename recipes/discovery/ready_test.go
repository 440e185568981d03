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

// A dynamic and a persistent instance are ready while they are registered.
func TestStatus_Ready(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		dynamic, err := d.Registration(discovery.Instance{Name: "s", ID: "1"})
		require.NoError(t, err)
		require.ErrorIs(t, dynamic.Status().Ready(), discovery.ErrUnregistered)
		require.NoError(t, dynamic.Register(t.Context()))
		require.NoError(t, dynamic.Status().Ready())
		static, err := d.Register(t.Context(), discovery.Instance{Name: "s", ID: "2", Type: discovery.Static})
		require.NoError(t, err)
		require.NoError(t, static.Status().Ready())

		time.Sleep(time.Second)
		old := dynamic.Status()
		srv.Down(1, true)
		srv.Down(2, true)
		<-old.Context.Done()
		require.ErrorIs(t, old.Ready(), zk.ErrLeaseLapsed, "also if State does not say so yet")
		require.ErrorContains(t, dynamic.Status().Ready(), "discovery: the instance is unregistered: ")
		require.NoError(t, static.Status().Ready(), "it needs no session")
		srv.Down(1, false)
		srv.Down(2, false)
		time.Sleep(time.Minute)
		require.NoError(t, dynamic.Status().Ready())
		require.NoError(t, dynamic.Unregister(t.Context()))
		require.ErrorIs(t, dynamic.Status().Ready(), discovery.ErrUnregistered)
		require.NoError(t, static.Unregister(t.Context()))
		require.ErrorIs(t, static.Status().Ready(), discovery.ErrUnregistered)
	})
}

// A cache is ready from its first load to the end of Run, also during an outage.
func TestCacheStatus_Ready(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		r, err := d.Register(t.Context(), discovery.Instance{Name: "s", ID: "1", Type: discovery.Static})
		require.NoError(t, err)
		c := d.Cache()
		require.False(t, c.Status().Running)
		require.ErrorContains(t, c.Status().Ready(), "discovery: the cache does not run")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		require.NoError(t, c.Loaded(t.Context()))
		require.Equal(t, discovery.CacheStatus{Running: true, Loaded: true, Services: 1}, c.Status())
		require.NoError(t, c.Status().Ready())

		srv.Down(1, true)
		srv.Down(2, true)
		time.Sleep(time.Second)
		s := c.Status()
		require.True(t, s.Stale)
		require.ErrorIs(t, s.Why, discovery.ErrDisconnected)
		require.NoError(t, s.Ready())
		srv.Down(1, false)
		srv.Down(2, false)
		time.Sleep(10 * time.Second)
		require.False(t, c.Status().Stale)
		stop()
		<-ended
		require.ErrorIs(t, c.Status().Ready(), context.Canceled)
		require.NoError(t, r.Unregister(t.Context()))
	})
}
