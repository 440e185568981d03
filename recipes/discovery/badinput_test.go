package discovery_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// refuses checks that err reports bad arguments, and that nothing was sent.
func refuses(t *testing.T, err error, says string) {
	t.Helper()
	require.ErrorIs(t, err, zk.ErrBadArguments)
	require.ErrorContains(t, err, says)
	require.ErrorContains(t, err, "discovery: ")
}

// try calls f, and returns its panic as an error.
func try(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("it panics")
		}
	}()
	return f()
}

func TestDiscovery_NilClientIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		d := discovery.New(nil, "/services", discovery.Config{})
		for name, f := range map[string]func() error{
			"Names":        func() error { _, err := d.Names(ctx); return err },
			"Query":        func() error { _, _, err := d.Query(ctx, "web"); return err },
			"Instance":     func() error { _, err := d.Instance(ctx, "web", "1"); return err },
			"Registration": func() error { _, err := d.Registration(discovery.Instance{Name: "web"}); return err },
			"Register":     func() error { _, err := d.Register(ctx, discovery.Instance{Name: "web"}); return err },
			"Run":          func() error { return d.Cache().Run(ctx) },
			"RunOf":        func() error { return d.CacheOf("web").Run(ctx) },
			"Loaded":       func() error { return d.Cache().Loaded(ctx) },
			"Pick": func() error {
				_, err := d.Cache().Provider("web", discovery.ProviderConfig{}).Pick()
				return err
			},
		} {
			start := time.Now()
			err := try(f)
			if !errors.Is(err, zk.ErrBadArguments) || time.Since(start) > 0 {
				t.Errorf("%s, after %v: %v", name, time.Since(start), err)
				continue
			}
			refuses(t, err, "nil client")
		}
	})
}

func TestDiscovery_NilFunctionIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		r, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Register(t.Context(), discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		before := srv.Requests()
		err = try(func() error { return r.Update(t.Context(), nil) })
		refuses(t, err, "nil function")
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.Equal(t, before, srv.Requests())
		require.NoError(t, r.Update(t.Context(), func(i *discovery.Instance) { i.Address = "h" }), "nothing is held")
		require.NoError(t, r.Unregister(t.Context()))
	})
}

func TestProvider_WrongConfigIsRefused(t *testing.T) {
	serving(t, 3, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		for says, cfg := range map[string]discovery.ProviderConfig{
			"Errors -1":    {Errors: -1},
			"Window -1s":   {Window: -time.Second},
			"SetAside -1s": {SetAside: -time.Second},
		} {
			_, err := c.Provider("web", cfg).Pick()
			refuses(t, err, says)
		}
		_, err := c.Provider("a/b", discovery.ProviderConfig{}).Pick()
		refuses(t, err, "a/b")
		one := discovery.New(connect(t, srv), "/services", discovery.Config{}).CacheOf("web")
		_, err = one.Provider("db", discovery.ProviderConfig{}).Pick()
		refuses(t, err, "cache of web")
		_, err = one.Provider("db", discovery.ProviderConfig{}).PickKey("key")
		refuses(t, err, "cache of web")
		require.NotErrorIs(t, err, discovery.ErrNoInstance)
	})
}
