package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFailures_TableNamesTestsThatExist checks failures.md: every failure in the table
// names an existing test, or says why it has none.
func TestFailures_TableNamesTestsThatExist(t *testing.T) {
	tests := testsByFolder(t)
	table, err := os.ReadFile("failures.md")
	require.NoError(t, err)

	row := regexp.MustCompile(`(?m)^\| *(\d+) *\|([^|\n]*)\|([^|\n]*)\|$`)
	rows := row.FindAllStringSubmatch(string(table), -1)
	require.Greater(t, len(rows), 60, "the table has lost its rows")

	seen := map[string]bool{}
	for _, r := range rows {
		number, cell := r[1], strings.TrimSpace(r[3])
		if seen[number] {
			t.Errorf("failure %s is listed twice", number)
		}
		seen[number] = true
		if why, ok := strings.CutPrefix(cell, "out of scope: "); ok {
			if len(why) < 10 {
				t.Errorf("failure %s: say why it is out of scope", number)
			}
			continue
		}
		names := testName.FindAllStringSubmatch(cell, -1)
		if len(names) == 0 {
			t.Errorf("failure %s names no test: %q", number, cell)
		}
		for _, n := range names {
			if !tests[n[1]][n[2]] {
				t.Errorf("failure %s: no %s in %s", number, n[2], n[1])
			}
		}
	}
}

// testName matches the name of a test in the tables.
var testName = regexp.MustCompile("`([a-z0-9/.]*):((?:Test|Fuzz)[A-Za-z0-9_]+)`")

// TestFeatures_TableNamesTestsThatExist checks features.md: every feature says yes, no
// or what holds instead, and then names a test or gives a reason.
func TestFeatures_TableNamesTestsThatExist(t *testing.T) {
	tests := testsByFolder(t)
	table, err := os.ReadFile("features.md")
	require.NoError(t, err)
	row := regexp.MustCompile(`(?m)^\| ([^|\n]+) \| ([^|\n]+) \| ([^|\n]+) \|$`)
	rows := row.FindAllStringSubmatch(string(table), -1)
	require.Greater(t, len(rows), 100, "the table has lost its rows")
	for _, r := range rows {
		if r[2] == "here" {
			continue // the head of a table
		}
		names := testName.FindAllStringSubmatch(r[3], -1)
		if len(names) == 0 && strings.HasPrefix(r[2], "yes,") && !strings.Contains(r[3], "zk.") {
			t.Errorf("%s: no test named", r[1])
		}
		if len(names) == 0 && len(strings.Fields(r[3])) < 5 {
			t.Errorf("%s: say why it is missing: %q", r[1], r[3])
		}
		for _, n := range names {
			if !tests[n[1]][n[2]] {
				t.Errorf("%s: no %s in %s", r[1], n[2], n[1])
			}
		}
	}
}

// testsByFolder returns the names of all tests and fuzz targets of the repository, by
// folder.
func testsByFolder(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{}
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				if found[dir] == nil {
					found[dir] = map[string]bool{}
				}
				found[dir][f.Name.Name] = true
			}
		}
		return nil
	})
	require.NoError(t, err)
	return found
}
