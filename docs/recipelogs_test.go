package docs_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zktest"
)

// listedLine is a row of logs.md.
type listedLine struct {
	level  string
	fields []string
}

// recipeLines returns the lines of the recipes that logs.md lists, by their messages.
func recipeLines(t *testing.T) map[string]listedLine {
	t.Helper()
	page, err := os.ReadFile("logs.md")
	require.NoError(t, err)
	listed := map[string]listedLine{}
	message := regexp.MustCompile("`([a-z]+: [^`]+)`")
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+`) \\| ([^|]+) \\| ([^|]+) \\| [^|]+ \\|$").FindAllStringSubmatch(string(page), -1) {
		fields := regexp.MustCompile(`[a-z_]+`).FindAllString(row[3], -1)
		for _, m := range message.FindAllStringSubmatch(row[1], -1) {
			if !strings.HasPrefix(m[1], "zk: ") {
				require.NotContains(t, listed, m[1], "listed twice")
				listed[m[1]] = listedLine{row[2], fields}
			}
		}
	}
	return listed
}

// TestLogs_PageListsEachMessageOfRecipes compares logs.md with the messages in
// recipes/internal/lines, and checks that the recipes log nothing else.
func TestLogs_PageListsEachMessageOfRecipes(t *testing.T) {
	messages := map[string]bool{}
	file, err := parser.ParseFile(token.NewFileSet(), "../recipes/internal/lines/lines.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			messages[text] = false
		}
		return true
	})
	require.Greater(t, len(messages), 30)
	for line := range recipeLines(t) {
		_, message, _ := strings.Cut(line, ": ")
		require.Contains(t, messages, message, "listed, but not logged: %s", line)
		messages[message] = true
	}
	for message, listed := range messages {
		require.True(t, listed, "not listed: %s", message)
	}

	other := regexp.MustCompile(`[lL]og(ger)?(\(\))?\.(Debug|Info|Warn|Error|Log|LogAttrs|Handler)(Context)?\(`)
	for path, text := range goFiles(t, "../recipes") {
		if !strings.HasSuffix(path, "internal/lines/log.go") {
			require.NotRegexp(t, other, text, "%s logs without package lines", path)
		}
	}
}

// record is one line that a recipe has logged.
type record struct {
	message, level string
	attrs          map[string]slog.Value
}

// recorder is a log handler that keeps the lines of the recipes.
type recorder struct {
	mu      sync.Mutex
	records []record
}

func (*recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler     { return r }
func (r *recorder) WithGroup(string) slog.Handler          { return r }

func (r *recorder) Handle(_ context.Context, line slog.Record) error {
	one := record{line.Message, line.Level.String(), map[string]slog.Value{}}
	line.Attrs(func(a slog.Attr) bool {
		one.attrs[a.Key] = a.Value
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if !strings.HasPrefix(line.Message, "zk: ") {
		r.records = append(r.records, one)
	}
	return nil
}

// take returns the lines so far, and forgets them.
func (r *recorder) take() []record {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.records
	r.records = nil
	return out
}

// count returns how often a message was logged.
func (r *recorder) count(message string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.records {
		if one.message == message {
			n++
		}
	}
	return n
}

// unprovoked are listed lines that no server provokes: a Watch of a group ends with the
// first refusal, and the client repeats a read that failed for another reason.
var unprovoked = []string{"groupmembership: still cannot read", "groupmembership: can read again"}

// TestLogs_EachLineOfRecipes provokes every line of the recipes that logs.md lists, and
// checks its level and fields. No line has a newline, an empty field or a nil.
func TestLogs_EachLineOfRecipes(t *testing.T) {
	listed := recipeLines(t)
	seen := map[string]map[string]bool{} // the fields, by message
	for name, provoke := range provocations {
		t.Run(name, func(t *testing.T) {
			log := &recorder{}
			synctest.Test(t, func(t *testing.T) {
				provoke(t, zktest.Start(t, zktest.Config{Servers: 1}), log)
			})
			for _, r := range log.take() {
				line, ok := listed[r.message]
				require.True(t, ok, "not listed: %s", r.message)
				require.Contains(t, strings.ToUpper(line.level), r.level, r.message)
				if seen[r.message] == nil {
					seen[r.message] = map[string]bool{}
				}
				for key, value := range r.attrs {
					require.Contains(t, line.fields, key, "%s: field not listed", r.message)
					require.NotEmpty(t, value.String(), "%s: %s", r.message, key)
					require.NotContains(t, value.String(), "<nil>", "%s: %s", r.message, key)
					if key != "stack" {
						require.NotContains(t, value.String(), "\n", "%s: %s", r.message, key)
					}
					require.NotContains(t, value.String(), "%!", "%s: %s", r.message, key)
					seen[r.message][key] = true
				}
			}
		})
	}
	for message := range listed {
		if !slices.Contains(unprovoked, message) {
			require.Contains(t, seen, message, "listed, but not provoked")
		}
	}
	provoked := map[string]bool{}
	for message, fields := range seen {
		for field := range fields {
			provoked[listed[message].level+strings.Join(listed[message].fields, " ")+field] = true
		}
	}
	for message, line := range listed { // the messages of a row have its fields together
		for _, field := range line.fields {
			require.True(t, provoked[line.level+strings.Join(line.fields, " ")+field], "%s: no line has the field %s", message, field)
		}
	}
}
