package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// write makes a folder with these files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return root
}

func TestCheck_OnlyTestsImportTestCode(t *testing.T) {
	uses := "package p\n\nimport (\n\t\"os\"\n\t_ \"example.com/m/internal/test/ensemble\"\n)\n"
	root := write(t, map[string]string{
		"lock/lock.go":                   uses,
		"lock/lock_test.go":              uses,
		"internal/test/core/core.go":     uses,
		"internal/tests/other.go":        uses,
		"zktest/zkcontainer/run.go":      uses,
		"zktest/server.go":               "package p\n\nimport _ \"example.com/m/internal/test\"\n",
		"zktest/fine.go":                 "package p\n\nimport _ \"example.com/m/internal/testing\"\n",
		"bench/main.go":                  uses,
		"bench/testdata/not-compiled.go": uses,
		"bin/elsewhere/code.go":          uses,
	})
	found, err := check(root)
	require.NoError(t, err)
	require.Equal(t, []string{
		"internal/tests/other.go:5: product code imports example.com/m/internal/test/ensemble, which is for tests only",
		"lock/lock.go:5: product code imports example.com/m/internal/test/ensemble, which is for tests only",
		"zktest/server.go:3: product code imports example.com/m/internal/test, which is for tests only",
	}, found)
}

func TestCheck_NoTestConnectsItsOwnClient(t *testing.T) {
	const connects = "package p\n\nfunc test() {\n\tc, err := zk.Connect(ctx,\n\t\tcfg)\n\trequire.NoError(t, err)\n}\n"
	root := write(t, map[string]string{
		"lock/lock_test.go":    connects,
		"lock/lock.go":         connects,
		"zk/client_test.go":    connects,
		"lock/example_test.go": "package p\n\nfunc Example() {\n\tc, err := zk.Connect(ctx, cfg)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n}\n",
		"lock/error_test.go":   "package p\n\nfunc test() {\n\t_, err := zk.Connect(ctx, cfg)\n\trequire.ErrorIs(t, err, zk.ErrNoChroot)\n\tx, err := zk.ParseServers(s)\n\trequire.NoError(t, err)\n}\n",
	})
	found, err := check(root)
	require.NoError(t, err)
	require.Equal(t, []string{"lock/lock_test.go:4: a test gets its client from Client of zktest.Server or ConnectTo of clienttest"}, found)
}

func TestCheck_FindsDeadLinks(t *testing.T) {
	root := write(t, map[string]string{
		"README.md": "# One: `two`, three …\n\n" +
			"[a](docs/page.md) [b](docs/page.md#a-section) [c](docs) [d](#one-two-three-) [`e`](LICENSE \"the licence\")\n" +
			"[site](https://example.com/none.md#x) [mail](mailto:a@example.com) `[code](none.md)`\n" +
			"```\n[block](none.md)\n# Not a heading\n```\n" +
			"![gone](docs/none.svg) and [gone](docs/page.md#no-section)\n" +
			"[gone](#not-a-heading)\n\n" +
			"[ref]: docs/none.md\n",
		"docs/page.md": "## A section\n\n## A [section](../README.md)\n\n[twice](#a-section-1) [thrice](#a-section-2) [up](../none.md)\n",
		"LICENSE":      "text",
	})
	found, err := check(root)
	require.NoError(t, err)
	require.Equal(t, []string{
		"README.md:9: dead link docs/none.svg: no such file",
		"README.md:9: dead link docs/page.md#no-section: no such heading",
		"README.md:10: dead link #not-a-heading: no such heading",
		"README.md:12: dead link docs/none.md: no such file",
		"docs/page.md:5: dead link #a-section-2: no such heading",
		"docs/page.md:5: dead link ../none.md: no such file",
	}, found)
}

// The page of files has each file of the product, and none that is gone.
func TestCheck_ComparesTheFileMapWithTheTree(t *testing.T) {
	const code = "package p\n"
	root := write(t, map[string]string{
		"zk/get.go": code, "zk/get_test.go": code, "zk/forgotten.go": code,
		"zk/retry/retry.go": code, "zktest/get.go": code, "zktest/zkcontainer/run.go": code,
		"bench/main.go": code, "internal/ctxerr/ctxerr.go": code,
		"docs/files.md": "# Files\n\n## zk\n\n| file | what |\n|---|---|\n| get.go, gone.go | as in other.go |\n\n" +
			"## The rest\n\n`internal/ctxerr/ctxerr.go` says why.\n\n| retry/retry.go | `Do` |\n",
	})
	found, err := check(root)
	require.NoError(t, err)
	require.Equal(t, []string{
		"docs/files.md:7: no such file: gone.go",
		"zk/forgotten.go: a line in docs/files.md is missing",
		"zktest/get.go: a line in docs/files.md is missing",
	}, found)
}
