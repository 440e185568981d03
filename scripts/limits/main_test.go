package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tree writes files below a new folder and measures it.
func tree(t *testing.T, files map[string]string) []*folder {
	t.Helper()
	root := t.TempDir()
	for name, source := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(source), 0o644))
	}
	folders, err := measure(root)
	require.NoError(t, err)
	return folders
}

// function of n lines, including the one of func and the closing brace.
func functionOf(n int) string {
	return "func f() {\n" + strings.Repeat("\tprintln()\n", n-2) + "}\n"
}

// branches is a function of complexity n.
func branches(n int) string {
	return "func f(x int) {\n" + strings.Repeat("\tif x > 0 { println() }\n", n-1) + "}\n"
}

func TestMeasure_CountsByFolderWithTestsApart(t *testing.T) {
	folders := tree(t, map[string]string{
		"main.go":                "package p\n",
		"a/a.go":                 "package a\n\nfunc f() {\n}\n",
		"a/b.go":                 "package a\n\nfunc (s *set[T]) add() { for {} }\n",
		"a/a_test.go":            "package a\n\nfunc g() {}\n",
		"nested/go.mod":          "module nested\n",
		"nested/n.go":            "package nested\n",
		"a/testdata/ignored.go":  "this is no Go\n",
		".hidden/ignored.go":     "this is no Go\n",
		"_scratch/ignored.go":    "this is no Go\n",
		"a/testdata/x/ignore.go": "this is no Go\n",
	})
	require.Equal(t, []*folder{
		{path: ".", product: code{lines: 1}},
		{
			path: "a",
			product: code{lines: 7, functions: []function{
				{name: "f", file: "a/a.go", line: 3, lines: 2, complexity: 1},
				{name: "set.add", file: "a/b.go", line: 3, lines: 1, complexity: 2},
			}},
			tests: code{lines: 3, functions: []function{{name: "g", file: "a/a_test.go", line: 3, lines: 1, complexity: 1}}},
		},
		{path: "nested", product: code{lines: 1}},
	}, folders)
}

func TestMeasure_ReportsAFileThatDoesNotParse(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "bad.go"), []byte("package p\nfunc {"), 0o644))
	_, err := measure(root)
	require.ErrorContains(t, err, "bad.go:2")
}

// The numbers are those of gocyclo 0.6.
func TestComplexity_CountsAsGocycloDoes(t *testing.T) {
	for body, want := range map[string]int{
		"":                                    1,
		"if a { } else if b { } else { }":     3,
		"for a { }; for range 3 { }; for { }": 4,
		"switch { case a, b: case !a: default: }": 3,
		"select { case <-c: default: }":           2,
		"_ = a && b || !a":                        3,
		"func() { if a { } }()":                   2,
		"switch any(a).(type) { case int: }":      2,
	} {
		folders := tree(t, map[string]string{"f.go": "package p\nfunc f(a, b bool, c chan int) { " + body + " }\n"})
		require.Equal(t, want, folders[0].product.functions[0].complexity, body)
	}
}

func TestViolations_OnlyProductCodeAboveALimit(t *testing.T) {
	for name, c := range map[string]struct {
		file, source string
		want         []string
	}{
		"lines at the limit":         {"a/f.go", functionOf(60), nil},
		"lines above the limit":      {"a/f.go", functionOf(61), []string{"a/f.go:2: f has 61 lines, the limit is 60: split it"}},
		"complexity at the limit":    {"a/f.go", branches(20), nil},
		"complexity above the limit": {"a/f.go", branches(21), []string{"a/f.go:2: f has a cyclomatic complexity of 21, the limit is 20: split it"}},
		"a long test":                {"a/f_test.go", functionOf(200), nil},
		"a complex test":             {"a/f_test.go", branches(40), nil},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, violations(tree(t, map[string]string{c.file: "package a\n" + c.source})))
		})
	}
}

func TestPrintTable(t *testing.T) {
	folders := tree(t, map[string]string{
		"a/f.go":      "package a\n" + functionOf(7),
		"a/g.go":      "package a\n" + branches(4),
		"b/f_test.go": "package b\n" + functionOf(3),
	})
	var out bytes.Buffer
	printTable(&out, folders)
	var rows []string
	for row := range strings.Lines(out.String()) {
		rows = append(rows, strings.Join(strings.Fields(row), " "))
	}
	require.Equal(t, []string{
		"product tests",
		"package lines longest complexity lines longest complexity",
		fmt.Sprintf("a %d 7 4 - - -", 8+6),
		"b - - - 4 3 1",
	}, rows)
}
