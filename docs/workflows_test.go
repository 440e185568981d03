package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWorkflows_CallTargetsOfTheMakefile checks GitHub's workflows and CI's script: they
// run targets of the Makefile and nothing else, so that everybody can run the same.
func TestWorkflows_CallTargetsOfTheMakefile(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	require.True(t, targets["test"] && targets["check"])

	calls := 0
	known := func(file, words string) {
		for _, word := range strings.Fields(words) {
			name, _, assigned := strings.Cut(word, "=")
			if assigned && name == strings.ToUpper(name) {
				continue
			}
			calls++
			if !targets[word] {
				t.Errorf("%s: %q is no target of the Makefile", file, word)
			}
		}
	}
	run := regexp.MustCompile(`(?m)^\s*(?:- )?run: *(.*)$`)
	matrix := regexp.MustCompile(`(?m)^\s*targets: *\[(.*)\]$`)
	workflows, err := filepath.Glob("../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, workflows)
	for _, file := range workflows {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range run.FindAllStringSubmatch(string(text), -1) {
			words, ok := strings.CutPrefix(m[1], "make ")
			if !ok {
				t.Errorf("%s runs something else than make: %s", file, m[1])
			}
			known(file, strings.ReplaceAll(words, "${{ matrix.targets }}", ""))
		}
		for _, m := range matrix.FindAllStringSubmatch(string(text), -1) {
			for _, entry := range strings.Split(m[1], ",") {
				known(file, strings.Trim(entry, ` "`))
			}
		}
	}
	script, err := os.ReadFile("../.ci/run")
	require.NoError(t, err)
	loop := regexp.MustCompile(`(?m)^for target in (.*); do$`).FindStringSubmatch(string(script))
	require.NotNil(t, loop, "the targets of .ci/run")
	known(".ci/run", loop[1])
	require.Greater(t, calls, 15)
}
