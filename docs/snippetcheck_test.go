package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSnippetCheck_CopiesSources writes regions and outputs into pages.
func TestSnippetCheck_CopiesSources(t *testing.T) {
	b := bookOf(t, map[string]string{
		"README.md": "# Title\n\n<!-- from a/a.go#one -->\n```go\nold\n```\n\n" +
			"- an item\n\n  <!-- from a/a.go#inner -->\n  ```go\n  ```\n\n```text\nfree\n```\n",
		"docs/deep/page.md": "<!-- output of a/a_test.go#Example_two -->\n```text\n```\n",
		"a/README.md":       "```go\nno page of the guide\n```\n",
		"a/a.go": "package a\n\nfunc a() {\n\t// docs:begin one\n\tif true {\n\t\tb()\n\n\t\t// docs:begin inner\n\t\tc()\n\t\t// docs:end inner\n" +
			"\t}\n\t// docs:end one\n}\n",
		"a/a_test.go": "package a\n\nfunc Example_two() {\n\tb()\n\n\t// Output:\n\t// 1\n\t// 2\n}\n",
	})
	changed := b.rewrite()
	require.Empty(t, b.mistakes)
	require.Equal(t, map[string]string{
		"README.md": "# Title\n\n<!-- from a/a.go#one -->\n```go\nif true {\n\tb()\n\n\tc()\n}\n```\n\n" +
			"- an item\n\n  <!-- from a/a.go#inner -->\n  ```go\n  c()\n  ```\n\n```text\nfree\n```\n",
		"docs/deep/page.md": "<!-- output of a/a_test.go#Example_two -->\n```text\n1\n2\n```\n",
	}, changed)

	b.pages, b.mistakes = changed, nil
	require.Empty(t, b.rewrite(), "a second run changes nothing")
	require.Empty(t, b.mistakes)
}

// TestSnippetCheck_FindsMistakes has one page or Go file for each mistake.
func TestSnippetCheck_FindsMistakes(t *testing.T) {
	const good = "package a\n\n// docs:begin it\n\nvar it int\n\n// docs:end it\n"
	const shown = "<!-- from a/a.go#it -->\n```go\nvar it int\n```\n"
	for want, files := range map[string]map[string]string{
		"README.md:5: code without a source":                   {"README.md": shown + "```go\na()\n```\n"},
		"README.md:5: a/a.go has no region other":              {"README.md": shown + "<!-- from a/a.go#other -->\n```go\na()\n```\n"},
		"README.md:5: a/b.go has no region it":                 {"README.md": shown + "<!-- from a/b.go#it -->\n```go\na()\n```\n"},
		"README.md:5: no code block follows":                   {"README.md": shown + "<!-- from a/a.go#it -->\n\ntext\n"},
		"README.md:5: the code block does not end":             {"README.md": shown + "```\na()\n"},
		"README.md:6: a region is shown as go":                 {"README.md": shown + "<!-- from a/a.go#it -->\n```text\na()\n```\n"},
		"README.md:5: a/a.go: no Example with an output":       {"README.md": shown + "<!-- output of a/a.go#Example -->\n```text\n```\n"},
		"README.md:5: a/b.go: no such file":                    {"README.md": shown + "<!-- output of a/b.go#Example -->\n```text\n```\n"},
		"a/a.go#it: no page shows the region":                  {"README.md": "# Title\n"},
		"a/b.go:3: region x does not end":                      {"README.md": shown, "a/b.go": "package a\n\n// docs:begin x\n"},
		"a/b.go:3: region x ends and has not begun":            {"README.md": shown, "a/b.go": "package a\n\n// docs:end x\n"},
		"a/a.go:9: region it begins twice":                     {"README.md": shown, "a/a.go": good + "\n// docs:begin it\n"},
		"a/b.go:5: region x is empty":                          {"README.md": shown, "a/b.go": "package a\n\n// docs:begin x\n\n// docs:end x\n"},
		"a/b.go:6: region x: the go command does not see an o": {"README.md": shown, "a/b.go": "package a\n\n// docs:begin x\nvar x int\n// Output: 1\n// docs:end x\n"},
	} {
		t.Run(want, func(t *testing.T) {
			if _, ok := files["a/a.go"]; !ok {
				files["a/a.go"] = good
			}
			b := bookOf(t, files)
			b.rewrite()
			require.Contains(t, strings.Join(b.mistakes, "\n"), want)
		})
	}
}

// bookOf reads the book of files in a folder of its own.
func bookOf(t *testing.T, files map[string]string) *book {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	b, err := readBook(root)
	require.NoError(t, err)
	return b
}
