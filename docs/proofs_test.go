package docs_test

import (
	"path"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestProofs_AreWhereThePagesSay checks the tests that README.md and docs name as a
// proof: a link whose text is the name of a test leads to the file that has it.
func TestProofs_AreWhereThePagesSay(t *testing.T) {
	b, err := readBook("..")
	require.NoError(t, err)
	proof := regexp.MustCompile("\\[`((?:Test|Fuzz|Example)[A-Za-z0-9_]*)`\\]\\(([^)#]+)\\)")
	count := 0
	for name, text := range b.pages {
		for _, link := range proof.FindAllStringSubmatch(text, -1) {
			count++
			file := path.Join(path.Dir(name), link[2])
			declares := regexp.MustCompile(`(?m)^func ` + link[1] + `\(`)
			if !declares.MatchString(b.sources[file]) {
				t.Errorf("%s: no %s in %s", name, link[1], file)
			}
		}
	}
	require.Greater(t, count, 10, "the links were not found")
}
