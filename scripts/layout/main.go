// Command layout checks how the files below a folder refer to each other. It prints
// each import of internal/test by product code, each test that connects a client of its
// own, each dead link between documents, and each difference between docs/files.md and
// the tree. It fails if there is one.
//
//	go run ./scripts/layout [FOLDER]
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	findings, err := check(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "layout:", err)
		os.Exit(2)
	}
	for _, line := range findings {
		fmt.Println(line)
	}
	if len(findings) > 0 {
		os.Exit(1)
	}
}

// check reads the Go files and the documents below root. It skips what the go command
// skips, and bin, where the installer puts other people's files.
func check(root string) ([]string, error) {
	var findings, sources []string
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if entry.IsDir() {
			if rel != "." && (ignored(entry.Name()) || rel == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		var found []string
		switch filepath.Ext(file) {
		case ".go":
			sources = append(sources, rel)
			if found, err = testImports(rel, file); err == nil {
				var own []string
				own, err = ownClients(rel, file)
				found = append(found, own...)
			}
		case ".md":
			found, err = deadLinks(root, rel)
		}
		findings = append(findings, found...)
		return err
	})
	if err != nil {
		return nil, err
	}
	found, err := staleMap(root, sources)
	return append(findings, found...), err
}

func ignored(name string) bool {
	return name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}
