package zk

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The tests of go-zookeeper/zk that cannot run on another implementation.
var notHere = map[string]string{
	"TestDeadlockInClose":                      "fills the queue of go-zookeeper's own client",
	"TestEncodeDecodePacket":                   "its encoder",
	"TestEncodeShortBuffer":                    "its encoder",
	"TestDecodeShortBuffer":                    "its encoder",
	"TestRequestStructForOp":                   "its encoder",
	"TestParseCreateMode":                      "its table of flags",
	"TestParseSeq":                             "its parser of names",
	"TestNotifyWatches":                        "its table of watches",
	"TestIntegration_RecurringReAuthHang":      "replaces a function of its client",
	"TestIntegration_SetWatchers":              "holds up and inspects the requests of its client",
	"TestIntegration_ExpiringWatch":            "changes the session id in its client",
	"TestFLWCons":                              "expects the times of connections in the year 47197: it takes milliseconds for seconds",
	"TestIntegration_NoQuorum":                 "expects the session to outlive its timeout while there is no quorum: see the package documentation",
	"TestIntegration_DNSHostProviderReconnect": "expects the servers to be tried in the order of the HostProvider: see the package documentation",
	"TestIntegration_SlowServer":               "expects a session of half a second to outlive two seconds without a server",
	"TestIntegration_IncrementalReconfig":      "configures and starts servers by itself",
	"TestIntegration_Reconfig":                 "configures and starts servers by itself",
}

// The places where a test reads a field of go-zookeeper's client, and what has the same
// value here.
var adapted = strings.NewReplacer(
	"zk.sessionTimeoutMs", "4000",
	"zk.sessionID", "zk.SessionID()",
	"zk.eventChan", "zk.events.out",
	"zk.conn.Close()", "zk.cut()",
)

// upstreamFiles are the files with the tests that are run, and what they need.
var upstreamFiles = []string{
	"cluster_test.go", "conn_test.go", "constants_test.go", "dnshostprovider_test.go", "flw_test.go",
	"lock_test.go", "tcp_server_test.go", "throttle_test.go", "util_test.go", "zk_test.go",
}

// The tests of go-zookeeper/zk pass on this package, on a real server. They come through
// the module proxy, and run in a copy of this package, because they belong to it.
func TestUpstream(t *testing.T) {
	from := output(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-zookeeper/zk")
	here, err := filepath.Abs(".")
	require.NoError(t, err)
	dir := t.TempDir()
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range append(sources, "go.mod", "go.sum", "testdata/harness_test.go") {
		if strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "testdata/") {
			continue
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if name == "go.mod" {
			text = bytes.ReplaceAll(text, []byte("=> ../.."), []byte("=> "+filepath.Dir(filepath.Dir(here))))
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600))
	}
	var want []string
	for _, name := range upstreamFiles {
		text, err := os.ReadFile(filepath.Join(from, name))
		require.NoError(t, err)
		text, tests := portable(t, []byte(adapted.Replace(string(text))))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
		want = append(want, tests...)
	}
	require.Len(t, want, 30, "the README and the package documentation name this number")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-vet=off", "-v", "-timeout=8m", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	var passed []string
	for _, m := range regexp.MustCompile(`(?m)^--- PASS: (\S+)`).FindAllSubmatch(out, -1) {
		passed = append(passed, string(m[1]))
	}
	slices.Sort(want)
	slices.Sort(passed)
	require.Equal(t, want, passed)
	t.Logf("%d of go-zookeeper's %d tests pass; the others: %v", len(passed), len(passed)+len(notHere), notHere)
}

func output(t *testing.T, dir, name string, args ...string) string {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// portable removes the tests of notHere from a file, and returns the names of the others.
func portable(t *testing.T, text []byte) (changed []byte, tests []string) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "", text, parser.SkipObjectResolution)
	require.NoError(t, err)
	f.Decls = slices.DeleteFunc(f.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(fn.Name.Name, "Test") {
			return ok && fn.Name.Name == "waitForSession" // the harness has it
		}
		if notHere[fn.Name.Name] != "" {
			return true
		}
		tests = append(tests, fn.Name.Name)
		return false
	})
	used := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				used[x.Name] = true
			}
		}
		return true
	})
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			g.Specs = slices.DeleteFunc(g.Specs, func(s ast.Spec) bool {
				path, err := strconv.Unquote(s.(*ast.ImportSpec).Path.Value)
				require.NoError(t, err)
				return !used[path[strings.LastIndex(path, "/")+1:]]
			})
		}
	}
	f.Decls = slices.DeleteFunc(f.Decls, func(d ast.Decl) bool {
		g, ok := d.(*ast.GenDecl)
		return ok && g.Tok == token.IMPORT && len(g.Specs) == 0
	})
	f.Comments = nil
	var out bytes.Buffer
	require.NoError(t, format.Node(&out, set, f))
	return out.Bytes(), tests
}
