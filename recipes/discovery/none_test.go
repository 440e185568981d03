package discovery_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zktest"
)

// The error "no instance" says why there is none.
func TestProvider_SaysWhyThereIsNoInstance(t *testing.T) {
	serving(t, 3, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		says := func(p *discovery.Provider, text string) {
			t.Helper()
			_, err := p.Pick()
			require.ErrorIs(t, err, discovery.ErrNoInstance)
			require.EqualError(t, err, "discovery: no instance of "+text)
		}
		says(c.Provider("nobody", discovery.ProviderConfig{}), "nobody: none is registered")
		none := func(*discovery.Instance) bool { return false }
		says(c.Provider("web", discovery.ProviderConfig{Filter: none}), "web: 3 registered, 3 filtered out")
		put(t, srv, "web", "1", `,"enabled":false`)
		time.Sleep(time.Second)
		says(c.Provider("web", discovery.ProviderConfig{Filter: none}), "web: 3 registered, 1 disabled, 2 filtered out")
		put(t, srv, "web", "0", `,"enabled":false`)
		put(t, srv, "web", "2", `,"enabled":false`)
		time.Sleep(time.Second)
		says(c.Provider("web", discovery.ProviderConfig{}), "web: 3 registered, 3 disabled")
		require.NoError(t, srv.Set("/services/web/2", []byte("garbage")))
		time.Sleep(time.Second)
		says(c.Provider("web", discovery.ProviderConfig{}), "web: 2 registered, 2 disabled, 1 node without an instance")
		down(srv, true)
		time.Sleep(time.Minute)
		says(c.Provider("nobody", discovery.ProviderConfig{}), "nobody: none is registered; the cache is stale: connection lost")
		down(srv, false)
		says(discovery.New(connect(t, srv), "/services", discovery.Config{}).Cache().Provider("web", discovery.ProviderConfig{}),
			"web: not loaded yet: Run of the cache is not under way")
	})
}

// The error is typed, and agrees with Counts.
func TestProvider_CountsWhatItDoesNotUse(t *testing.T) {
	serving(t, 5, func(t *testing.T, srv *zktest.Server, c *discovery.Cache) {
		keep := "1 2 3"
		p := c.Provider("web", discovery.ProviderConfig{Errors: 1, Filter: func(i *discovery.Instance) bool { return strings.Contains(keep, i.ID) }})
		put(t, srv, "web", "0", `,"enabled":false`)
		put(t, srv, "web", "1", `,"enabled":false`)
		time.Sleep(time.Second)
		require.Equal(t, discovery.Counts{Registered: 5, Disabled: 2, Filtered: 1}, p.Counts())
		for range 2 {
			u, err := p.Pick()
			require.NoError(t, err)
			u.Done(errBroken)
		}
		require.Equal(t, discovery.Counts{Registered: 5, Disabled: 2, Filtered: 1, SetAside: 2}, p.Counts())
		_, err := p.Pick()
		require.NoError(t, err, "better than none")
		require.NoError(t, srv.Set("/services/web/2", nil))
		put(t, srv, "web", "3", `,"enabled":false`)
		time.Sleep(time.Second)
		_, err = p.Pick()
		none, ok := errors.AsType[*discovery.NoInstanceError](err)
		require.True(t, ok)
		require.Equal(t, "web", none.Service)
		require.Equal(t, discovery.Counts{Registered: 4, Disabled: 3, Filtered: 1, Bad: 1}, none.Counts)
		require.Equal(t, none.Counts, p.Counts())
		require.NoError(t, none.Why)
	})
}

func TestProvider_CountsWhatVanished(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _, end := grace(t, srv, discovery.Config{})
		defer end()
		p := c.Provider("web", discovery.ProviderConfig{})
		require.Equal(t, discovery.Counts{Vanished: 2}, p.Counts())
		u, err := p.Pick()
		require.NoError(t, err)
		u.Done(errBroken)
		_, err = p.Pick()
		require.EqualError(t, err, "discovery: no instance of web: none is registered, 1 vanished")
	})
}
