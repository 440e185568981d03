package main

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCell(t *testing.T) {
	require.Equal(t, "–", cell(nil))
	require.Equal(t, "kept", cell([]verdict{{}, {}}))
	require.Equal(t, "lost, told in time", cell([]verdict{{Lost: true}}))
	require.Equal(t, "kept 1, lost and told in time 1", cell([]verdict{{Lost: true}, {}}))
	require.Equal(t, "**two holders** 1/2 (1.5 s), **silent** 1/2, **hung** 1/2 (A did not release), **node left** 2/2",
		cell([]verdict{
			{Together: true, Overlap: 1500 * time.Millisecond, Lost: true, Silent: true, Left: 1},
			{Hung: []string{"A did not release"}, Left: 2},
		}))
}

func TestReport_HasEachProgramAndFault(t *testing.T) {
	all := []result{
		{Program: "gozklock", Library: goZookeeper, Fault: "cut", Verdicts: map[string]verdict{"nothing": {Together: true}}},
		{Program: "gozklock", Library: compat, Fault: "cut", Verdicts: map[string]verdict{"nothing": {}}},
		{Program: "zookitlock", Library: zookit, Fault: "cut", Verdicts: map[string]verdict{"Held.Context": {}}},
		{Program: "gozklock", Library: compat, Fault: "cut", Failed: "did not connect"},
	}
	text := report(all)
	require.Contains(t, text, "| holder: its connection is cut | **two holders** 1/1 (1 ms) | kept | kept |")
	require.Contains(t, text, "| `zk.NewLock` of go-zookeeper v1.0.4 | nothing | compat | 1 | 0 | 0 | 0 | 0 |")

	page, err := into("head\n"+begin+"\nold\n"+end+"\nfoot\n", text)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(page, "head\n"+begin) && strings.HasSuffix(page, end+"\nfoot\n"))
	require.NotContains(t, page, "\nold\n")
	_, err = into("no lines", text)
	require.Error(t, err)
}

func TestReplaced_ARunReplacesItsCells(t *testing.T) {
	old := []result{{Program: "p", Fault: "cut", Number: 1}, {Program: "p", Fault: "cut", Number: 2}, {Program: "p", Fault: "hole"}}
	fresh := []result{{Program: "p", Fault: "cut", Number: 1}}
	require.Equal(t, []result{old[2], fresh[0]}, replaced(old, fresh))
}

// The programs are compiled by the harness alone. Here it is checked that each one is
// there, is Go, and imports only what its go.mod requires.
func TestPrograms_ImportWhatTheyRequire(t *testing.T) {
	for _, p := range programs {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("testdata", p.name, "main.go"), nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, library := range p.libraries() {
			mod := p.goMod(library, "/zookit")
			for _, spec := range f.Imports {
				path := strings.Trim(spec.Path.Value, `"`)
				if !strings.Contains(path, ".") || path == "trial/driver" {
					continue
				}
				module := strings.Join(strings.SplitN(path, "/", 4)[:min(3, strings.Count(path, "/")+1)], "/")
				if strings.HasPrefix(path, "vitess.io/") {
					module = "vitess.io/vitess"
				}
				require.Contains(t, mod, "require "+module+" ")
			}
		}
		if !p.own {
			require.NotEmpty(t, p.beside)
			require.NotContains(t, p.goMod(goZookeeper, "/zookit"), "replace")
			line := "replace github.com/go-zookeeper/zk => /zookit/compat/gozookeeper\n"
			if p.fork {
				line = "replace github.com/z-division/go-zookeeper => /zookit/compat/gozookeeperfork\n"
			}
			require.Contains(t, p.goMod(compat, "/zookit"), line)
		}
	}
}

func TestFaults_HaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range faults {
		require.False(t, seen[f.name], f.name)
		seen[f.name] = true
		require.NotNil(t, f.run)
		require.NotEmpty(t, f.what)
	}
}
