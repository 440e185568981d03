package docs_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// layouts make the nodes of each recipe that layouts.md shows. A call that waits ends
// with the context.
var layouts = map[string]func(ctx context.Context, t *testing.T, c *zk.Client){
	"lock": func(ctx context.Context, t *testing.T, c *zk.Client) {
		contendTwice(ctx, t, lock.New(c, "/l", lock.Config{}))
	},
	"kazoo lock": func(ctx context.Context, t *testing.T, c *zk.Client) {
		contendTwice(ctx, t, lock.New(c, "/l", kazooNames))
	},
	"read-write lock": func(ctx context.Context, t *testing.T, c *zk.Client) {
		rw := lock.NewReadWrite(c, "/rw", lock.Config{})
		contendTwice(ctx, t, rw.Read(), rw.Write())
	},
	"kazoo read-write lock": func(ctx context.Context, t *testing.T, c *zk.Client) {
		rw := lock.NewReadWrite(c, "/rw", kazooNames)
		contendTwice(ctx, t, rw.Read(), rw.Write())
	},
	"semaphore":       func(ctx context.Context, t *testing.T, c *zk.Client) { takePermits(ctx, t, c, lock.Config{}) },
	"kazoo semaphore": func(ctx context.Context, t *testing.T, c *zk.Client) { takePermits(ctx, t, c, kazooNames) },
	"election": func(ctx context.Context, t *testing.T, c *zk.Client) {
		_, err := election.New(c, "/e", election.Config{ID: "host-1"}).Campaign(ctx)
		require.NoError(t, err)
		go election.New(c, "/e", election.Config{ID: "host-2", Priority: 5}).Campaign(ctx)
	},
	"kazoo election": func(ctx context.Context, t *testing.T, c *zk.Client) {
		_, err := election.New(c, "/e", election.Config{ID: "host-1", Dialect: recipes.Kazoo}).Campaign(ctx)
		require.NoError(t, err)
	},
	"gate": func(ctx context.Context, t *testing.T, c *zk.Client) {
		require.NoError(t, barrier.New(c, "/gate", barrier.Config{}).Raise(ctx))
	},
	"double barrier": func(ctx context.Context, t *testing.T, c *zk.Client) {
		d := barrier.NewDouble(c, "/b", 2, barrier.DoubleConfig{})
		go d.Enter(ctx)
		_, err := d.Enter(ctx)
		require.NoError(t, err)
	},
	"group": func(ctx context.Context, t *testing.T, c *zk.Client) {
		_, err := groupmembership.New(c, "/g", groupmembership.Config{}).Join(ctx, "worker-1", []byte("10.0.0.7:8080"))
		require.NoError(t, err)
	},
	"discovery": func(ctx context.Context, t *testing.T, c *zk.Client) {
		_, err := discovery.New(c, "/services", discovery.Config{}).Register(ctx, discovery.Instance{
			Name: "web", ID: "web-1", Address: "10.0.0.7", Port: new(8080), Payload: json.RawMessage(`{"weight":2}`),
			Registered: time.UnixMilli(1764400000000),
		})
		require.NoError(t, err)
	},
}

var kazooNames = lock.Config{Dialect: recipes.Kazoo}

// contendTwice makes one contender of the first lock, and one that waits of the last.
func contendTwice(ctx context.Context, t *testing.T, locks ...*lock.Lock) {
	_, err := locks[0].Acquire(ctx)
	require.NoError(t, err)
	go locks[len(locks)-1].Acquire(ctx)
}

// takePermits takes the only permit of a semaphore, and waits for another.
func takePermits(ctx context.Context, t *testing.T, c *zk.Client, cfg lock.Config) {
	s := lock.NewSemaphore(c, "/s", 1, cfg)
	_, err := s.Acquire(ctx, 1)
	require.NoError(t, err)
	go s.Acquire(ctx, 1)
}

// The parts of a dump that differ from run to run.
var (
	uuids    = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	hexes    = regexp.MustCompile(`[0-9a-f]{32}`)
	sessions = regexp.MustCompile(`ephemeral 0x[0-9a-f]+`)
)

// TestLayouts_AreAsThePageShows makes the nodes of each recipe, and compares them with
// the code block of layouts.md that is marked with the recipe's name.
func TestLayouts_AreAsThePageShows(t *testing.T) {
	text, err := os.ReadFile("layouts.md")
	require.NoError(t, err)
	shown := map[string]string{}
	block := regexp.MustCompile("(?m)^<!-- layout: (.+) -->\n```text\n([^`]*)```$")
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		shown[m[1]] = m[2]
	}
	require.Len(t, shown, len(layouts))
	for name, build := range layouts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				client := srv.Client(t)
				ctx, end := context.WithCancel(t.Context())
				defer time.Sleep(time.Second) // calls that wait have ended
				defer end()
				build(ctx, t, client)
				time.Sleep(321 * time.Millisecond)

				var lines []string
				for _, line := range srv.Dump() {
					line = uuids.ReplaceAllString(line, "<uuid>")
					line = hexes.ReplaceAllString(line, "<hex>")
					lines = append(lines, sessions.ReplaceAllString(line, "ephemeral"))
				}
				slices.Sort(lines)
				require.Equal(t, shown[name], strings.Join(lines, "\n")+"\n")
			})
		})
	}
}

// A lock and a semaphore in one directory have their queues at different places. Neither
// refuses the other.
func TestLayouts_ALockAndASemaphoreDoNotMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx := zktest.Start(t, zktest.Config{}).Client(t), t.Context()
		for _, cfg := range []lock.Config{{}, kazooNames} {
			dir := "/both-" + cfg.Dialect.String()
			permit, err := lock.NewSemaphore(c, dir, 1, cfg).TryAcquire(ctx, 1)
			require.NoError(t, err)
			held, err := lock.New(c, dir, cfg).TryAcquire(ctx)
			require.NoError(t, err)
			require.NoError(t, permit.Context().Err())
			require.NoError(t, held.Release(ctx))
			require.NoError(t, permit.Release(ctx))
		}
	})
}
