package recipes_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// world is where a situation of docs/errors.md is made: a server, a client that gets
// the error, and another one.
type world struct {
	t        *testing.T
	srv      *zktest.Server
	c, other *zk.Client
}

// situation makes an error of docs/errors.md.
type situation struct {
	name string
	make func(w *world) error
}

// soon returns a context that ends after a second.
func (w *world) soon() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
	w.t.Cleanup(cancel)
	return ctx
}

// ended returns a context that has ended.
func (w *world) ended() context.Context {
	ctx, cancel := context.WithCancel(w.t.Context())
	cancel()
	return ctx
}

// lock acquires the lock /l with a client.
func (w *world) lock(c *zk.Client, cfg lock.Config) *lock.Held {
	h, err := lock.New(c, "/l", cfg).Acquire(w.t.Context())
	require.NoError(w.t, err)
	return h
}

// dir makes a directory to which everybody has all rights but one.
func (w *world) dir(path string, missing zk.Perm) {
	_, err := w.other.Create(w.t.Context(), path, nil, zk.Persistent, zk.WithACL(without(missing)...))
	require.NoError(w.t, err)
}

// varying matches what differs from time to time in a text.
var varying = []struct {
	re *regexp.Regexp
	is string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "…"},
	{regexp.MustCompile(`[0-9a-f]{32}`), "…"},
	{regexp.MustCompile(`0x[0-9a-f]+`), "0x…"},
	{regexp.MustCompile(`token \d+`), "token …"},
	{regexp.MustCompile(`since 20[0-9TZ:-]+`), "since …"},
}

// constant returns a text without what differs from time to time.
func constant(text string) string {
	for _, v := range varying {
		text = v.re.ReplaceAllString(text, v.is)
	}
	return text
}

// errorName matches the name of an error.
var errorName = regexp.MustCompile(`^\*?[a-z]+\.[A-Z][A-Za-z]*$`)

// recipesHalf returns the half of docs/errors.md about the recipes.
func recipesHalf(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/errors.md")
	require.NoError(t, err)
	_, half, ok := strings.Cut(string(page), "\n## The recipes\n")
	require.True(t, ok)
	half, _, _ = strings.Cut(half, "\n## ")
	return half
}

// Each text that docs/errors.md quotes for the recipes is printed in some situation, and
// each situation prints a text that the page quotes. The text is one line.
func TestErrors_PageQuotesWhatIsPrinted(t *testing.T) {
	quoted := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(recipesHalf(t), -1) {
		if errorName.MatchString(row[1]) {
			continue // of the table by name, which docs/errors_recipes_test.go checks
		}
		require.NotContains(t, quoted, row[1], "quoted twice")
		quoted[row[1]] = false
	}
	for _, s := range slices.Concat(lockErrors, semaphoreErrors, electionErrors, barrierErrors, memberErrors, instanceErrors, restartErrors, badArguments) {
		t.Run(s.name, func(t *testing.T) {
			var text string
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{Servers: 1})
				err := s.make(&world{t: t, srv: srv, c: clienttest.Connect(t, srv), other: clienttest.Connect(t, srv)})
				require.Error(t, err)
				text = err.Error()
				srv.OnRequest(nil)
				srv.Down(1, false)
				srv.Silence(1, false)
			})
			require.NotContains(t, text, "\n")
			text = constant(text)
			if _, ok := quoted[text]; !ok {
				t.Errorf("the page does not quote: %s", text)
			}
			quoted[text] = true
		})
	}
	for text, printed := range quoted {
		if !printed {
			t.Errorf("no situation prints: %s", text)
		}
	}
}
