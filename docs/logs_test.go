package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLogs_PageListsEachLine compares logs.md with the log calls in the source of zk:
// each line is listed with its levels, and each listed line exists.
func TestLogs_PageListsEachLine(t *testing.T) {
	page, err := os.ReadFile("logs.md")
	require.NoError(t, err)
	listed := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(zk: [^`]+)` \\| ([^|]+) \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(string(page), -1) {
		require.NotContains(t, listed, row[1], "listed twice")
		listed[row[1]] = row[2]
	}
	logged := map[string]bool{}
	for _, call := range logCalls(t, "../zk") {
		level, line := call[1], call[2]
		logged[line] = true
		require.Contains(t, listed, line, "not listed")
		if level != "Log" { // its level varies
			require.Contains(t, listed[line], level, line)
		}
	}
	require.Greater(t, len(logged), 20, "the calls are not found any more")
	for line := range listed {
		require.True(t, logged[line], "listed, but not logged: %s", line)
	}
}

// logCalls returns the log calls below a folder: the method and the message of each.
func logCalls(t *testing.T, folder string) (calls [][]string) {
	t.Helper()
	call := regexp.MustCompile(`[lL]og(?:ger)?\.(Debug|Info|Warn|Error|Log)\((?:[^"\n]*, )?"(zk: [^"]+)"`)
	for path, text := range goFiles(t, folder) {
		found := call.FindAllStringSubmatch(text, -1)
		require.LessOrEqual(t, strings.Count(text, `og.Log(`), len(found), "%s: a Log without its message", path)
		calls = append(calls, found...)
	}
	return calls
}

// goFiles returns the Go files below a folder that are no tests, by their paths.
func goFiles(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		files[filepath.ToSlash(path)] = string(text)
		return err
	})
	require.NoError(t, err)
	return files
}

// TestLogs_ReasonsAreOnOneLine looks at each log call of zk and contrib, and at the panics
// that the recipes log: joined errors have a newline between them, which oneline replaces.
func TestLogs_ReasonsAreOnOneLine(t *testing.T) {
	reason := regexp.MustCompile(`"(?:why|panic)", ?(\S*)`)
	panics := regexp.MustCompile(`"panic", ?(\S*)`)
	found := 0
	for folder, field := range map[string]*regexp.Regexp{"../zk": reason, "../contrib": reason, "../recipes": panics} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, use := range field.FindAllStringSubmatch(string(text), -1) {
				found++
				require.Regexp(t, `^(oneline\.|")`, use[1], "%s: %s", path, use[0])
			}
			return err
		})
		require.NoError(t, err)
	}
	require.Greater(t, found, 5, "the fields are not found any more")
}
