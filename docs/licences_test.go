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

// TestLicences_PageHasWhatTheModulesRequire compares licences.md with each go.mod: what
// the module requires directly stands below its name, at that version. "make check"
// compares the rest, which takes some seconds.
func TestLicences_PageHasWhatTheModulesRequire(t *testing.T) {
	page, err := os.ReadFile("licences.md")
	require.NoError(t, err)
	name := regexp.MustCompile(`(?m)^module (\S+)$`)
	direct := regexp.MustCompile(`(?m)^(?:require)?\s+(\S+\.\S+/\S+) (v\S+)$`) // without "// indirect"
	checked := 0
	require.NoError(t, filepath.WalkDir("..", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && file != ".." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "bin") {
			return filepath.SkipDir
		}
		if entry.Name() != "go.mod" {
			return nil
		}
		mod, err := os.ReadFile(file)
		require.NoError(t, err)
		module := name.FindStringSubmatch(string(mod))
		require.NotNil(t, module, file)
		_, section, found := strings.Cut(string(page), "\n## "+module[1]+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		if !found {
			t.Errorf("licences.md has no section %s: make licences", module[1])
			return nil
		}
		for _, r := range direct.FindAllStringSubmatch(string(mod), -1) {
			if strings.HasPrefix(r[1], "github.com/zookit/zookit") {
				continue
			}
			checked++
			if !strings.Contains(section, "| "+r[1]+" | "+r[2]+" |") {
				t.Errorf("licences.md has no %s %s below %s: make licences", r[1], r[2], module[1])
			}
		}
		return nil
	}))
	require.Greater(t, checked, 15)
}
