package recipes_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk/zkdebug"
	"github.com/zookit/zookit/zktest"
)

// The states of recipes print as one line each, and so a page can show them.
func TestStatuses_OfRecipesAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		c := srv.Client(t)
		l := lock.New(c, "/lock", lock.Config{})
		e := election.New(c, "/election", election.Config{ID: "a"})
		g := groupmembership.New(c, "/group", groupmembership.Config{})
		cache := discovery.New(c, "/services", discovery.Config{}).Cache()
		handler := zkdebug.Statuses(map[string]func() any{
			"lock":     func() any { return l.Status() },
			"election": func() any { return e.Status() },
			"group":    func() any { return g.Status() },
			"cache":    func() any { return cache.Status() },
		})
		shown := func() (texts map[string]string) {
			synctest.Wait()
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest("GET", "/?format=json", nil))
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &texts))
			for _, text := range texts {
				require.NotContains(t, text, "\n")
			}
			return texts
		}
		require.Equal(t, map[string]string{
			"lock": "not held", "election": "idle", "group": "map[]", "cache": "not loaded since 2000-01-01T00:00:00Z, does not run: not loaded yet",
		}, shown())

		held, err := l.Acquire(t.Context())
		require.NoError(t, err)
		waits, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = l.Acquire(waits)
		}()
		lead, err := e.Campaign(t.Context())
		require.NoError(t, err)
		m, err := g.Join(t.Context(), "a", nil)
		require.NoError(t, err)
		running, end := context.WithCancel(t.Context())
		run := make(chan error, 1)
		go func() { run <- cache.Run(running) }()
		texts := shown()
		require.Equal(t, held.String()+"; 1 waiting since 2000-01-01T00:00:00Z", texts["lock"])
		require.Equal(t, "leading: "+lead.String(), texts["election"])
		require.Equal(t, "map[a:registered since 2000-01-01T00:00:00Z: /group/a]", texts["group"])
		require.Equal(t, "up to date, 0 services", texts["cache"])

		time.Sleep(time.Second)
		srv.Down(1, true)
		time.Sleep(c.Session().Timeout())
		texts = shown()
		require.Equal(t, "not held; 1 waiting since 2000-01-01T00:00:00Z", texts["lock"])
		require.Contains(t, texts["group"], "map[a:unregistered since ")
		require.Contains(t, texts["group"], "lease lapsed")
		require.Contains(t, texts["cache"], "out of date since 2000-01-01T00:00:01Z, 0 services: ")
		srv.Down(1, false)
		require.NoError(t, c.Ready(t.Context()))
		stop()
		<-ended
		end()
		require.ErrorIs(t, <-run, context.Canceled)
		require.NoError(t, m.Leave(t.Context()))
	})
}
