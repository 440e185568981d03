package discovery_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// down takes both servers down, or brings them back.
func down(srv *zktest.Server, on bool) {
	srv.Down(1, on)
	srv.Down(2, on)
}

// registered registers n instances of web at the second server, each with its own
// client.
func registered(t *testing.T, srv *zktest.Server, n int) []*discovery.Registration {
	t.Helper()
	var out []*discovery.Registration
	for i := range n {
		c := connect(t, srv, on("zk2:2181"))
		r, err := discovery.New(c, "/services", discovery.Config{}).
			Register(t.Context(), discovery.Instance{Name: "web", ID: fmt.Sprint(i)})
		require.NoError(t, err)
		out = append(out, r)
	}
	return out
}

// failures: 103: after an outage that is longer than the session timeout, every
// instance has expired, and the first fresh read finds none. A provider goes on with
// the instances that it knew, until others have registered again.
func TestProvider_SurvivesAMassExpiry(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		regs := registered(t, srv, 50)
		c := discovery.New(connect(t, srv, on("zk1:2181")), "/services", discovery.Config{}).Cache()
		end := run(t, c)
		p := c.Provider("web", discovery.ProviderConfig{})
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			failed := 0
			for n := 0; ; n++ {
				select {
				case <-stop:
					if failed > 0 {
						t.Errorf("%d of %d picks failed", failed, n)
					}
					return
				case <-time.After(10 * time.Millisecond):
				}
				u, err := p.Pick()
				if err != nil {
					if failed++; failed == 1 {
						t.Error(err)
					}
					continue
				}
				u.Done(nil)
			}
		})
		time.Sleep(10 * time.Second)
		down(srv, true)
		time.Sleep(time.Minute)
		for n := range regs {
			require.False(t, srv.Exists(fmt.Sprint("/services/web/", n)))
		}
		srv.Down(1, false) // the consumer's server: it reads that all are gone
		time.Sleep(10 * time.Second)
		require.False(t, c.Snapshot().Stale)
		srv.Down(2, false)
		time.Sleep(30 * time.Second)
		close(stop)
		wg.Wait()
		require.Len(t, c.Snapshot().Instances("web"), 50)
		for _, r := range regs {
			require.Equal(t, discovery.Registered, r.Status().State)
			require.NoError(t, r.Unregister(t.Context()))
		}
		end()
	})
}

// The pauses of the old session do not delay the registration in a new one.
func TestRegistration_ANewSessionWaitsForNoPause(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		r, err := discovery.New(c, "/services", discovery.Config{}).Register(t.Context(), discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		var refuse atomic.Bool
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "create" && refuse.Load() {
				return zktest.Fail(-102)
			}
			return zktest.Pass
		})
		refuse.Store(true)
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		time.Sleep(3 * time.Second)
		require.ErrorIs(t, r.Status().Err, zk.ErrNoAuth)
		refuse.Store(false)
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		time.Sleep(3 * time.Second)
		require.True(t, srv.Exists("/services/web/1"), "status: %v", r.Status())
		require.NoError(t, r.Unregister(t.Context()))
	})
}

// The instances of a session that has expired do not all come back at one instant.
func TestRegistration_ComingBackIsSpread(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		d := discovery.New(c, "/services", discovery.Config{})
		var regs []*discovery.Registration
		for n := range 50 {
			r, err := d.Register(t.Context(), discovery.Instance{Name: "web", ID: fmt.Sprint(n)})
			require.NoError(t, err)
			regs = append(regs, r)
		}
		time.Sleep(2 * time.Second)
		var mu sync.Mutex
		var at []time.Time
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if q.Op == "create" {
				at = append(at, time.Now())
			}
			return zktest.Pass
		})
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		start := time.Now()
		time.Sleep(10 * time.Second)
		mu.Lock()
		creates, first, last := len(at), at[0], at[len(at)-1]
		mu.Unlock()
		require.Equal(t, 50, creates)
		require.Less(t, last.Sub(start), 3*time.Second)
		require.Greater(t, last.Sub(first), 500*time.Millisecond)
		for _, r := range regs {
			require.Equal(t, discovery.Registered, r.Status().State)
			require.NoError(t, r.Unregister(t.Context()))
		}
	})
}

// grace is a cache of instances a and b. The session of a expires in an outage of the
// consumer; back registers a again.
func grace(t *testing.T, srv *zktest.Server, cfg discovery.Config) (c *discovery.Cache, back func(), end func()) {
	t.Helper()
	ctx := t.Context()
	own := connect(t, srv, on("zk2:2181"))
	d := discovery.New(own, "/services", discovery.Config{})
	a, err := d.Register(ctx, discovery.Instance{Name: "web", ID: "a"})
	require.NoError(t, err)
	_, err = d.Register(ctx, discovery.Instance{Name: "web", ID: "off", Disabled: true})
	require.NoError(t, err)
	require.NoError(t, srv.Create("/services/web/static", []byte(`{"name":"web","id":"static"}`)))
	c = discovery.New(connect(t, srv, on("zk1:2181")), "/services", cfg).Cache()
	stop := run(t, c)
	require.Equal(t, "a off static", ids(c.Snapshot().Instances("web")))
	time.Sleep(2 * time.Second)
	srv.Down(1, true)
	time.Sleep(time.Second)
	require.NoError(t, a.Unregister(ctx))
	require.NoError(t, srv.Delete("/services/web/static"))
	require.NoError(t, srv.ExpireSession(own.Session().ID()))
	require.NoError(t, own.Close(ctx))
	time.Sleep(time.Minute)
	srv.Down(1, false)
	for s := range c.Snapshots(ctx) {
		if !s.Stale {
			break
		}
	}
	require.Empty(t, c.Snapshot().Instances("web"))
	require.Empty(t, c.Snapshot().Names())
	return c, func() {
		put(t, srv, "web", "a", "")
		time.Sleep(time.Second)
	}, stop
}

func TestCache_WhatVanishedOverAGapIsKeptForAWhile(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, back, end := grace(t, srv, discovery.Config{})
		defer end()
		p := c.Provider("web", discovery.ProviderConfig{})
		require.Equal(t, "a off", ids(c.Snapshot().Vanished("web")), "no session kept a persistent node: it was deleted")
		u, err := p.Pick()
		require.NoError(t, err)
		require.Equal(t, "a", u.Instance.ID)
		require.True(t, u.Vanished)
		u.Done(nil)

		// A live instance is preferred. One that has come back has not vanished.
		put(t, srv, "web", "b", "")
		time.Sleep(time.Second)
		require.Equal(t, map[string]int{"b": 5}, picks(t, p, 5))
		back()
		require.Equal(t, "off", ids(c.Snapshot().Vanished("web")))
		require.Equal(t, map[string]int{"a": 5, "b": 5}, picks(t, p, 10))
		require.NoError(t, srv.Delete("/services/web/a"))
		require.NoError(t, srv.Delete("/services/web/b"))
		time.Sleep(time.Second)
		require.Equal(t, "off", ids(c.Snapshot().Vanished("web")), "that was seen, and in no gap")
		_, err = p.Pick()
		require.ErrorIs(t, err, discovery.ErrNoInstance)
		time.Sleep(time.Minute)
		require.Empty(t, c.Snapshot().Vanished("web"))
	})
}

// A session that was not renewed in an outage may expire just after it.
func TestCache_WhatExpiresSoonAfterAGapIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		regs := registered(t, srv, 2)
		c := discovery.New(connect(t, srv, on("zk1:2181")), "/services", discovery.Config{}).Cache()
		end := run(t, c)
		p := c.Provider("web", discovery.ProviderConfig{})
		expire := func(id string) {
			require.NoError(t, srv.ExpireSession(srv.Owner("/services/web/"+id)))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		srv.Down(2, true) // the server of the instances, which stay away
		expire("0")
		require.Equal(t, map[string]int{"1": 3}, picks(t, p, 3))
		require.Empty(t, c.Snapshot().Vanished("web"), "there was no outage")

		srv.CutConnections(1)
		time.Sleep(time.Second)
		require.False(t, c.Snapshot().Stale)
		expire("1")
		require.Equal(t, map[string]int{"1": 3}, picks(t, p, 3))
		require.Equal(t, "1", ids(c.Snapshot().Vanished("web")))
		time.Sleep(time.Minute)
		_, err := p.Pick()
		require.ErrorIs(t, err, discovery.ErrNoInstance, "the grace begins with the end of the outage")
		srv.Down(2, false)
		time.Sleep(30 * time.Second)
		for _, r := range regs {
			require.NoError(t, r.Unregister(t.Context()))
		}
		end()
	})
}

func TestCache_GraceEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _, end := grace(t, srv, discovery.Config{Grace: 20 * time.Second})
		defer end()
		p := c.Provider("web", discovery.ProviderConfig{})
		time.Sleep(19 * time.Second)
		require.Equal(t, map[string]int{"a": 1}, picks(t, p, 1))

		// After another outage the grace begins again.
		srv.Down(1, true)
		time.Sleep(10 * time.Minute)
		require.True(t, c.Snapshot().Stale)
		require.Equal(t, map[string]int{"a": 1}, picks(t, p, 1))
		srv.Down(1, false)
		time.Sleep(17 * time.Second)
		require.False(t, c.Snapshot().Stale)
		require.Equal(t, map[string]int{"a": 1}, picks(t, p, 1))
		time.Sleep(20 * time.Second)
		_, err := p.Pick()
		require.ErrorIs(t, err, discovery.ErrNoInstance)
		require.Empty(t, c.Snapshot().Vanished("web"))
	})
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _, end := grace(t, srv, discovery.Config{Grace: -1})
		defer end()
		require.Empty(t, c.Snapshot().Vanished("web"))
		_, err := c.Provider("web", discovery.ProviderConfig{}).Pick()
		require.ErrorIs(t, err, discovery.ErrNoInstance)
	})
}

// The first call that fails shows that the instance is gone, to every provider.
func TestCache_AFailedCallDropsWhatVanished(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, back, end := grace(t, srv, discovery.Config{})
		defer end()
		p, other := c.Provider("web", discovery.ProviderConfig{}), c.Provider("web", discovery.ProviderConfig{})
		first, err := p.Pick()
		require.NoError(t, err)
		second, err := other.Pick()
		require.NoError(t, err)
		first.Done(errBroken)
		require.Equal(t, "off", ids(c.Snapshot().Vanished("web")))
		for _, p := range []*discovery.Provider{p, other} {
			_, err = p.Pick()
			require.ErrorIs(t, err, discovery.ErrNoInstance)
		}
		back()
		second.Done(errBroken) // of the old registration: it must not count for the new one
		require.Equal(t, map[string]int{"a": 1}, picks(t, other, 1))
		require.Empty(t, other.SetAside())
	})
}
