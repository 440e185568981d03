package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	mutantName = regexp.MustCompile("`([a-z-]+\\.patch)`")
	makeTarget = regexp.MustCompile("`make ([a-z]+)`")
)

// TestPromises_NameWhatExists checks that each test, mutant and target of make exists that
// these pages name.
func TestPromises_NameWhatExists(t *testing.T) {
	tests := testsByFolder(t)
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	for _, page := range []string{"promises.md", "membership.md", "discovery.md", "sessions.md", "testing.md", "layouts.md"} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, name := range testName.FindAllStringSubmatch(string(text), -1) {
			if !tests[name[1]][name[2]] {
				t.Errorf("%s: no %s in %s", page, name[2], name[1])
			}
		}
		for _, name := range mutantName.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join("../internal/test/acceptance/mutants", name[1])); err != nil {
				t.Errorf("%s: no mutant %s", page, name[1])
			}
		}
		for _, name := range makeTarget.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(string(makefile), "\n"+name[1]+":") {
				t.Errorf("%s: no target %s", page, name[1])
			}
		}
	}
}

// TestPromises_EachHasAProof checks that each promise, which is a paragraph that begins in
// bold, names a test.
func TestPromises_EachHasAProof(t *testing.T) {
	text, err := os.ReadFile("promises.md")
	require.NoError(t, err)
	promises := strings.Split(string(text), "\n**")[1:]
	require.Greater(t, len(promises), 25, "the page has lost its promises")
	for _, promise := range promises {
		promise, _, _ = strings.Cut(promise, "\n## ")
		if !testName.MatchString(promise) {
			sentence, _, _ := strings.Cut(promise, "\n")
			t.Errorf("no test named: **%s", sentence)
		}
	}
}
