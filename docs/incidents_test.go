package docs_test

import (
	"encoding/xml"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestIncidents_PageHasLogGraphAndReading checks incidents.md: each of the five incidents
// has a log, a graph and a reading of both.
func TestIncidents_PageHasLogGraphAndReading(t *testing.T) {
	page, err := os.ReadFile("incidents.md")
	require.NoError(t, err)
	sections := strings.Split(string(page), "\n## ")[1:]
	require.Len(t, sections, 5)
	for _, section := range sections {
		title, _, _ := strings.Cut(section, "\n")
		mark := regexp.MustCompile(`(?s)<!-- make story writes ([a-z-]+) from here -->\n(.+)<!-- to here: ([a-z-]+) -->`).FindStringSubmatch(section)
		require.NotNil(t, mark, title)
		require.Equal(t, mark[1], mark[3], title)
		graph := regexp.MustCompile(`!\[[^\]]+\]\((incident-` + mark[1] + `\.svg)\)`).FindStringSubmatch(mark[2])
		require.NotNil(t, graph, title)
		drawn, err := os.Open(graph[1])
		require.NoError(t, err)
		defer drawn.Close()
		for d := xml.NewDecoder(drawn); ; {
			if _, err = d.Token(); err != nil {
				break
			}
		}
		require.ErrorIs(t, err, io.EOF, title)
		log := regexp.MustCompile("(?s)```\n(.+)```").FindStringSubmatch(mark[2])
		require.NotNil(t, log, title)
		require.Regexp(t, `(?m)^ *0\.00 -------- `, log[1], "what the story did")
		for _, level := range []string{"level=INFO", "level=WARN"} {
			require.Contains(t, log[1], level, title)
		}
		for _, heading := range []string{"### What the operator sees", "### What it means", "### What to do"} {
			_, reading, ok := strings.Cut(section, heading+"\n")
			require.True(t, ok, "%s: no %q", title, heading)
			reading, _, _ = strings.Cut(reading, "\n#")
			require.Greater(t, len(strings.Fields(reading)), 30, "%s: %s", title, heading)
		}
	}
}

// TestIncidents_LinesAndMetricsExist compares incidents.md with the source: each line of
// a log, and each line and metric in the text, is one that the code has. Nothing in the
// page is of the machine on which it was written.
func TestIncidents_LinesAndMetricsExist(t *testing.T) {
	text, err := os.ReadFile("incidents.md")
	require.NoError(t, err)
	page := string(text)
	for _, private := range []string{"127.0.0.1", "localhost", "/tmp", "/root", "/home", "time="} {
		require.NotContains(t, page, private)
	}
	logs, err := os.ReadFile("logs.md")
	require.NoError(t, err)
	source := string(logs) + sourceOf(t, "../zk") + sourceOf(t, "../recipes")
	lines := map[string]bool{}
	for _, line := range regexp.MustCompile(`msg="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		lines[line[1]] = true
	}
	for _, line := range regexp.MustCompile("`((?:zk|lock|election|discovery): [^`]+)`").FindAllStringSubmatch(page, -1) {
		lines[line[1]] = true
	}
	require.Greater(t, len(lines), 10)
	for line := range lines {
		_, what, _ := strings.Cut(line, ": ")
		if what == "still unregistered" {
			continue // made of two words
		}
		found := false
		for _, written := range []string{"`" + line + "`", "`" + what + "`", `"` + line + `"`, `"` + what + `"`, `": ` + what + `"`} {
			found = found || strings.Contains(source, written)
		}
		require.True(t, found, "no such line: %s", line)
	}
	alerts, err := os.ReadFile("../contrib/zkprom/alerts.yml")
	require.NoError(t, err)
	for _, alert := range regexp.MustCompile(`\bZookit[A-Za-z]+`).FindAllString(page, -1) {
		require.Contains(t, string(alerts), "alert: "+alert+"\n")
	}
	metrics := sourceOf(t, "../contrib/zkprom")
	names := regexp.MustCompile(`zookit_([a-z_]+)`).FindAllStringSubmatch(page, -1)
	require.Greater(t, len(names), 10)
	for _, name := range names {
		require.Contains(t, metrics, `"`+name[1]+`"`, "no such metric: %s", name[0])
	}
}

// sourceOf returns the text of all Go files below a folder, without tests and without
// the program that writes the page.
func sourceOf(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "story" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	require.NoError(t, err)
	return all.String()
}
