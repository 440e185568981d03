package recipes_test

import (
	"context"
	"errors"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
)

// join joins the group /g.
func (w *world) join(c *zk.Client, id string) (*groupmembership.Membership, error) {
	return groupmembership.New(c, "/g", groupmembership.Config{}).Join(w.t.Context(), id, nil)
}

// memberErrors are the situations of group membership.
var memberErrors = []situation{
	{"an id of another session", func(w *world) error {
		_, err := w.join(w.other, "me")
		require.NoError(w.t, err)
		_, err = w.join(w.c, "me")
		return err
	}},
	{"an id of a node that stays", func(w *world) error {
		require.NoError(w.t, w.srv.Create("/g/me", nil))
		_, err := w.join(w.c, "me")
		return err
	}},
	{"an id of this process", func(w *world) error {
		w.srv.Down(1, true)
		g := groupmembership.New(w.c, "/g", groupmembership.Config{})
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		go func() { _ = g.Maintain(ctx, "me", nil) }()
		time.Sleep(time.Second)
		_, err := g.Join(w.t.Context(), "me", nil)
		w.srv.Down(1, false)
		return err
	}},
	{"an empty id", func(w *world) error { _, err := w.join(w.c, ""); return err }},
	{"no right to join", func(w *world) error {
		w.dir("/g", zk.PermCreate)
		_, err := w.join(w.c, "me")
		return err
	}},
	{"a member whose session has expired", func(w *world) error {
		m, err := w.join(w.c, "me")
		require.NoError(w.t, err)
		time.Sleep(time.Second)
		w.srv.Down(1, true)
		<-m.Context().Done()
		err = m.Status().Ready()
		w.srv.Down(1, false)
		return err
	}},
	{"a member whose node was deleted", func(w *world) error {
		g := groupmembership.New(w.c, "/g", groupmembership.Config{ReportDeleted: true})
		done := make(chan error, 1)
		go func() { done <- g.Maintain(w.t.Context(), "me", nil) }()
		time.Sleep(time.Second)
		require.NoError(w.t, w.srv.Delete("/g/me"))
		return <-done
	}},
	{"a member that left", func(w *world) error {
		m, err := w.join(w.c, "me")
		require.NoError(w.t, err)
		require.NoError(w.t, m.Leave(w.t.Context()))
		return context.Cause(m.Context())
	}},
	{"a group without a client", func(w *world) error { _, err := w.join(nil, "me"); return err }},
}

// services are those below /services.
func (w *world) services(c *zk.Client) *discovery.Discovery {
	return discovery.New(c, "/services", discovery.Config{Spread: -1})
}

// registered registers an instance of the service web, and returns a cache that runs.
func (w *world) registered(i discovery.Instance) *discovery.Cache {
	i.Name, i.ID = "web", "1"
	_, err := w.services(w.other).Register(w.t.Context(), i)
	require.NoError(w.t, err)
	cache := w.services(w.c).Cache()
	go func() { _ = cache.Run(w.t.Context()) }()
	require.NoError(w.t, cache.Loaded(w.t.Context()))
	return cache
}

// pickOf picks an instance of a service.
func pickOf(cache *discovery.Cache, name string, cfg discovery.ProviderConfig) error {
	_, err := cache.Provider(name, cfg).Pick()
	return err
}

// instanceErrors are the situations of discovery.
var instanceErrors = []situation{
	{"a bad instance", func(w *world) error {
		port := 70000
		_, err := w.services(w.c).Register(w.t.Context(), discovery.Instance{
			Name: "a/b", ID: "..", Type: "ODD", Port: &port, Payload: []byte("{"),
		})
		return err
	}},
	{"no name", func(w *world) error { _, _, err := w.services(w.c).Query(w.t.Context(), ""); return err }},
	{"an id that is taken", func(w *world) error {
		i := discovery.Instance{Name: "web", ID: "1"}
		_, err := w.services(w.other).Register(w.t.Context(), i)
		require.NoError(w.t, err)
		_, err = w.services(w.c).Register(w.t.Context(), i)
		return err
	}},
	{"no right to register", func(w *world) error {
		w.dir("/services", zk.PermCreate)
		_, err := w.services(w.c).Register(w.t.Context(), discovery.Instance{Name: "web", ID: "1"})
		return err
	}},
	{"a node that is no instance", func(w *world) error {
		require.NoError(w.t, w.srv.Create("/services/web/1", []byte("garbage")))
		_, err := w.services(w.c).Instance(w.t.Context(), "web", "1")
		return err
	}},
	{"no instance is there", func(w *world) error {
		return pickOf(w.registered(discovery.Instance{}), "db", discovery.ProviderConfig{})
	}},
	{"all instances are disabled", func(w *world) error {
		return pickOf(w.registered(discovery.Instance{Disabled: true}), "web", discovery.ProviderConfig{})
	}},
	{"no instance passes the filter", func(w *world) error {
		none := func(*discovery.Instance) bool { return false }
		return pickOf(w.registered(discovery.Instance{}), "web", discovery.ProviderConfig{Filter: none})
	}},
	{"no instance, and no connection", func(w *world) error {
		cache := w.registered(discovery.Instance{})
		w.srv.Down(1, true)
		time.Sleep(10 * time.Second)
		err := pickOf(cache, "db", discovery.ProviderConfig{})
		w.srv.Down(1, false)
		return err
	}},
	{"a cache that does not run", func(w *world) error {
		return pickOf(w.services(w.c).Cache(), "web", discovery.ProviderConfig{})
	}},
	{"a cache that is not loaded in time", func(w *world) error { return w.services(w.c).Cache().Loaded(w.soon()) }},
	{"a cache that runs twice", func(w *world) error { return w.registered(discovery.Instance{}).Run(w.t.Context()) }},
	{"a cache that has ended", func(w *world) error {
		cache := w.services(w.c).Cache()
		_ = cache.Run(w.ended())
		return cache.Status().Ready()
	}},
	{"a cache of another service", func(w *world) error {
		return pickOf(w.services(w.c).CacheOf("web"), "db", discovery.ProviderConfig{})
	}},
	{"a bad provider", func(w *world) error {
		return pickOf(w.services(w.c).Cache(), "web", discovery.ProviderConfig{Errors: -1})
	}},
	{"a strategy that fails", func(w *world) error {
		fails := func([]discovery.Candidate) (discovery.Chooser, error) { return nil, errors.New("no weights") }
		return pickOf(w.registered(discovery.Instance{}), "web", discovery.ProviderConfig{Strategy: fails})
	}},
	{"a health check that hangs", outBy(func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(time.Millisecond)
		return ctx.Err()
	})},
	{"a health check that fails", outBy(func(context.Context) error { return errors.New("the disk is full") })},
	{"unregistered", func(w *world) error {
		r, err := w.services(w.c).Register(w.t.Context(), discovery.Instance{Name: "web", ID: "1"})
		require.NoError(w.t, err)
		registration := r.Status().Context
		require.NoError(w.t, r.Unregister(w.t.Context()))
		return context.Cause(registration)
	}},
}

// outBy returns why an instance that is served with a check is not ready.
func outBy(check func(context.Context) error) func(*world) error {
	return func(w *world) error {
		r, err := w.services(w.c).Registration(discovery.Instance{Name: "web", ID: "1"})
		require.NoError(w.t, err)
		ctx, cancel := context.WithCancel(w.t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Serve(ctx, discovery.Gate{Every: time.Second, Check: check}) }()
		time.Sleep(10 * time.Second)
		err = r.Status().Ready()
		cancel()
		require.ErrorIs(w.t, <-done, context.Canceled)
		return err
	}
}
