package recipes_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// goroutines returns the goroutines that the library has started, as the profile shows
// them: the labels of each, and its function. It fails for one without labels.
func goroutines(t *testing.T) (out []string) {
	t.Helper()
	var profile bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&profile, 1))
	frame := regexp.MustCompile(`(?m)^#\t0x[0-9a-f]+\t(\S+)\+0x`)
	closure := regexp.MustCompile(`\.func\d.*$`)
	label := regexp.MustCompile(`"(\w+)":"([^"]*)"`)
	for _, one := range strings.Split(profile.String(), "\n\n") {
		root := ""
		for _, f := range frame.FindAllStringSubmatch(one, -1) {
			if f[1] != "sync.(*WaitGroup).Go.func1" {
				root = f[1]
			}
		}
		name, ours := strings.CutPrefix(root, "github.com/zookit/zookit/")
		if !ours || strings.HasPrefix(name, "zktest.") || strings.HasPrefix(name, "internal/test/") || strings.Contains(name, "_test.") {
			continue // of the runtime, the embedded server, or a test
		}
		name = closure.ReplaceAllString(name, "")
		labels := map[string]string{}
		for _, l := range label.FindAllStringSubmatch(one, -1) {
			labels[l[1]] = l[2]
		}
		require.NotEmpty(t, labels["zookit"], "a goroutine without a label:\n%s", one)
		require.NotEmpty(t, labels["path"]+labels["servers"], "a goroutine without a path or servers:\n%s", one)
		out = append(out, fmt.Sprintf("%s %s%s: %s", labels["zookit"], labels["path"], labels["servers"], name))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A dump of the goroutines of an idle client and of recipes shows for each goroutine of
// the library whose it is: its client or its recipe and path by labels, and what it does
// by the name of its function.
func TestGoroutines_SayWhatTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		ctx, cancel := context.WithCancel(t.Context())
		defer func() {
			cancel()
			synctest.Wait()
		}()
		c := clienttest.Connect(t, srv)
		client := []string{
			"client " + srv.ConnectString() + ": zk.(*loop).run",
			"client " + srv.ConnectString() + ": zk/internal/link.(*Link).readLoop",
			"client " + srv.ConnectString() + ": zk/internal/link.(*Link).writeLoop",
		}
		synctest.Wait()
		require.Equal(t, client, goroutines(t), "an idle client")

		h, err := lock.New(c, "/lock", lock.Config{}).Acquire(ctx)
		require.NoError(t, err)
		go func() { _, _ = lock.New(c, "/lock", lock.Config{}).Acquire(ctx) }()
		go func() {
			_ = election.New(c, "/election", election.Config{}).Run(ctx, func(ctx context.Context, _ *election.Leadership) error {
				<-ctx.Done()
				return nil
			})
		}()
		go func() {
			for range election.New(c, "/election", election.Config{}).Observe(ctx) { //nolint:revive // only its goroutines are of interest
			}
		}()
		s := lock.NewSemaphore(c, "/semaphore", 1, lock.Config{})
		p, err := s.Acquire(ctx, 1)
		require.NoError(t, err)
		go func() { _, _ = s.Acquire(ctx, 1) }()
		e, err := barrier.NewDouble(c, "/barrier", 1, barrier.DoubleConfig{}).Enter(ctx)
		require.NoError(t, err)
		m, err := groupmembership.New(c, "/group", groupmembership.Config{}).Join(ctx, "me", nil)
		require.NoError(t, err)
		d := discovery.New(c, "/services", discovery.Config{})
		go func() { _ = d.Cache().Run(ctx) }()
		r, err := d.Registration(discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		go func() { _ = r.Serve(ctx, discovery.Gate{}) }()
		time.Sleep(10 * time.Second)
		require.Equal(t, slices.Sorted(slices.Values(append(client,
			"barrier /barrier: recipes/barrier.(*Entry).watch",
			"discovery /services/web/1: recipes/discovery.(*Registration).Serve",
			"discovery /services/web/1: recipes/internal/presence.(*Node).run",
			"discovery /services: recipes/discovery.(*Cache).run",
			"discovery /services: recipes/internal/mirror.(*mirror).run",
			"discovery /services: recipes/internal/mirror.(*mirror).subscribe",
			"election /election: recipes/election.whileConnected",
			"election /election: recipes/internal/contend.(*contenderNode).grant",
			"groupmembership /group/me: recipes/internal/presence.(*Node).run",
			"lock /lock: recipes/internal/contend.(*contenderNode).grant",
			"semaphore /semaphore: recipes/internal/contend.(*contenderNode).grant",
		))), goroutines(t))
		for _, end := range []func(context.Context) error{h.Release, p.Release, e.Leave, m.Leave} {
			require.NoError(t, end(t.Context()))
		}
	})
}

// A goroutine that calls the library keeps the labels that it has, and its stack names
// the call.
func TestGoroutines_OfCallersKeepTheirLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		c, other := clienttest.Connect(t, srv), clienttest.Connect(t, srv)
		h, err := lock.New(other, "/lock", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		var wg sync.WaitGroup
		wg.Go(func() {
			pprof.Do(context.Background(), pprof.Labels("job", "nightly"), func(context.Context) {
				err := lock.New(c, "/lock", lock.Config{}).Do(t.Context(), func(context.Context, *lock.Held) error { return nil })
				if err != nil {
					t.Error(err)
				}
			})
		})
		time.Sleep(10 * time.Second)
		var profile bytes.Buffer
		require.NoError(t, pprof.Lookup("goroutine").WriteTo(&profile, 1))
		found := 0
		for _, one := range strings.Split(profile.String(), "\n\n") {
			if strings.Contains(one, `"job":"nightly"`) {
				require.Contains(t, one, "recipes/lock.(*Lock).Acquire")
				require.NotContains(t, one, `"zookit"`)
				found++
			}
		}
		require.Equal(t, 1, found, "goroutines with the label of the caller")
		require.NoError(t, h.Release(t.Context()))
		wg.Wait()
	})
}
