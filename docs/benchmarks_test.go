package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rowsFrom is the mark before a table whose rows are copies. It names a file and a heading in
// it. A row is known by its first cells, as many as the page has of it.
var rowsFrom = regexp.MustCompile(`^<!-- rows from (\S+)#(.+) -->$`)

// TestBenchmarks_FiguresAreThoseOfTheMeasurement checks that benchmarks.md has the figures of
// the last measurement. After a new one, "go test ./docs -run TestBenchmarks -update"
// copies them.
func TestBenchmarks_FiguresAreThoseOfTheMeasurement(t *testing.T) {
	text, err := os.ReadFile("benchmarks.md")
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	checked, stale := 0, 0
	for i := 0; i < len(lines); i++ {
		mark := rowsFrom.FindStringSubmatch(lines[i])
		if mark == nil {
			continue
		}
		rows := sectionRows(t, mark[1], mark[2])
		head := lines[i+1]
		keys := 1
		if strings.HasPrefix(head, "| workload | figure |") {
			keys = 2
		}
		if !rows[cellKey(head, keys)][head] {
			t.Errorf("benchmarks.md:%d: %s has no such table in %q: %s", i+2, mark[1], mark[2], head)
		}
		for i += 3; strings.HasPrefix(lines[i], "|"); i++ { // after the head and the line below it
			checked++
			same := rows[cellKey(lines[i], keys)]
			switch {
			case len(same) == 0:
				t.Errorf("benchmarks.md:%d: %s has no such row in %q: %s", i+1, mark[1], mark[2], lines[i])
			case !same[lines[i]]:
				stale++
				for row := range same {
					lines[i] = row
				}
			}
		}
	}
	require.Greater(t, checked, 30)
	if stale == 0 {
		return
	}
	if *update {
		require.NoError(t, os.WriteFile("benchmarks.md", []byte(strings.Join(lines, "\n")), 0o644))
		return
	}
	t.Errorf("%d rows of benchmarks.md are not those of the last measurement: go test ./docs -run TestBenchmarks -update, and read the text around them", stale)
}

// sectionRows returns the rows of the tables below a heading, by the first cell and by the
// first two.
func sectionRows(t *testing.T, file, heading string) map[string]map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(file)))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	require.True(t, found, "%s has no heading %q", file, heading)
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]map[string]bool{}
	for _, line := range strings.Split(section, "\n") {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		for keys := 1; keys <= 2; keys++ {
			key := cellKey(line, keys)
			if rows[key] == nil {
				rows[key] = map[string]bool{}
			}
			rows[key][line] = true
		}
	}
	return rows
}

// cellKey returns the first cells of a row of a table.
func cellKey(row string, n int) string {
	cells := strings.Split(row, "|")
	return strings.Join(cells[1:min(n+1, len(cells))], "|")
}

// TestOperating_SizesAreThoseOfTheMeasurement checks the figures in the text of operating.md.
func TestOperating_SizesAreThoseOfTheMeasurement(t *testing.T) {
	text, err := os.ReadFile("operating.md")
	require.NoError(t, err)
	measured := func(section, workload, figure string) float64 {
		row := sectionRows(t, "bench/FIGURES.md", section)[fmt.Sprintf(" %s | %s ", workload, figure)]
		require.Len(t, row, 1, "%s: %s, %s", section, workload, figure)
		for r := range row {
			value, err := strconv.ParseFloat(strings.TrimSpace(strings.Split(r, "|")[3]), 64)
			require.NoError(t, err)
			return value
		}
		return 0
	}
	perLock := func(workload string) float64 { return measured("server", workload, "requests/op") }
	for _, want := range []string{
		fmt.Sprintf("an idle client | %.0f KB and", measured("stub", "idle", "B each")/1000),
		fmt.Sprintf("a lock that nobody else wants | %.0f requests", perLock("lock alone")),
		fmt.Sprintf("(%.1f with two contenders, %.1f with 16 and 64)", perLock("lock, 2 contenders"), perLock("lock, 16 contenders")),
		fmt.Sprintf("a lock with 1,000 contenders | %.0f requests", perLock("lock, 1,000 contenders of 5 ms")),
		fmt.Sprintf("a watch | %.0f bytes", measured("stub", "10,000 watches", "B each")),
		fmt.Sprintf("made %.0f acquisitions a second", measured("ensemble", "lock alone", "ops/s")),
		fmt.Sprintf("one server made %s.", thousands(measured("server", "lock alone", "ops/s"))),
	} {
		require.Contains(t, string(text), want, "bench/FIGURES.md says something else")
	}
}

// thousands prints a number with a comma before the last three digits.
func thousands(f float64) string {
	n := int(f)
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
