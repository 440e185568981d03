package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// write makes files with their names as contents.
func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(name), 0o644))
	}
}

func zipped(t *testing.T, file string) []string {
	t.Helper()
	z, err := zip.OpenReader(file)
	require.NoError(t, err)
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	return names
}

func TestPublish_ServesWhatTheProxyServes(t *testing.T) {
	dir, proxy := t.TempDir(), t.TempDir()
	write(t, dir, "LICENSE", "go.mod", "a.go", "sub/b.go", "sub/b_test.go", "vendor/x/x.go",
		"contrib/n/go.mod", "contrib/n/n.go", ".git/config")
	require.NoError(t, os.Symlink(filepath.Join(dir, "a.go"), filepath.Join(dir, "link.go")))

	root := module{dir: dir, path: "example.org/m", version: "v1.2.3"}
	require.NoError(t, root.publish(proxy))
	folder := filepath.Join(proxy, "example.org/m/@v")
	require.ElementsMatch(t, []string{
		"example.org/m@v1.2.3/LICENSE", "example.org/m@v1.2.3/go.mod", "example.org/m@v1.2.3/a.go",
		"example.org/m@v1.2.3/sub/b.go", "example.org/m@v1.2.3/sub/b_test.go",
	}, zipped(t, filepath.Join(folder, "v1.2.3.zip")), "no nested module, no vendor folder, no link")
	for name, want := range map[string]string{
		"v1.2.3.info": "{\"Version\":\"v1.2.3\"}\n", "list": "v1.2.3\n", "v1.2.3.mod": filepath.Join(dir, "go.mod"),
	} {
		got, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		require.Equal(t, want, string(got), name)
	}

	nested := module{dir: filepath.Join(dir, "contrib/n"), path: "example.org/m/contrib/n", version: "v1.2.3", licence: filepath.Join(dir, "LICENSE")}
	require.NoError(t, nested.publish(proxy))
	require.ElementsMatch(t, []string{
		"example.org/m/contrib/n@v1.2.3/go.mod", "example.org/m/contrib/n@v1.2.3/n.go",
		"example.org/m/contrib/n@v1.2.3/LICENSE",
	}, zipped(t, filepath.Join(proxy, "example.org/m/contrib/n/@v/v1.2.3.zip")), "the licence of the repository")
}

func TestPublish_RefusesWhatItCannotServe(t *testing.T) {
	dir := t.TempDir()
	require.ErrorIs(t, module{dir: dir, path: "example.org/m", version: "v1.2.3"}.publish(t.TempDir()), os.ErrNotExist, "no go.mod")
	write(t, dir, "go.mod")
	require.ErrorContains(t, module{dir: dir, path: "example.org/M", version: "v1.2.3"}.publish(t.TempDir()), "capital letters")
}
