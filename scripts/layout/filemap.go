package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// fileMap is the page that has a line for each file of the mapped folders.
const fileMap = "docs/files.md"

// mapped are the folders whose files the page must have.
var mapped = []string{"zk", "zktest", "internal", "recipes"}

var (
	// mapRow is a row of a table, whose first cell has names of files.
	mapRow = regexp.MustCompile(`^\| ([^|]*) \|`)
	// mapName is the name of a file, with a folder before it or not.
	mapName = regexp.MustCompile(`[\w./-]+\.go\b`)
	// mapHeading is the heading of a section, which may be a folder.
	mapHeading = regexp.MustCompile(`^#+ (\S+)$`)
)

// staleMap returns a line for each file of the mapped folders that the page does not
// have, and for each file that the page has and that is gone. A heading that is the name
// of a folder says where the files of its section are. Below another heading a name is
// the end of a path.
func staleMap(root string, sources []string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, fileMap))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	files := map[string]bool{} // whether the page has it
	for _, name := range sources {
		if isMapped(name) {
			files[name] = false
		}
	}
	var found []string
	section := ""
	for i, line := range strings.Split(string(text), "\n") {
		if match := mapHeading.FindStringSubmatch(line); match != nil {
			section = match[1]
		} else if strings.HasPrefix(line, "#") {
			section = "" // several folders
		}
		names := ""
		if match := mapRow.FindStringSubmatch(line); match != nil {
			names = match[1]
		} else if !strings.HasPrefix(line, "|") {
			names = line // a sentence with full names
		}
		for _, name := range mapName.FindAllString(names, -1) {
			if !mark(files, section, name) {
				found = append(found, fmt.Sprintf("%s:%d: no such file: %s", fileMap, i+1, name))
			}
		}
	}
	for _, name := range sources {
		if has, ok := files[name]; ok && !has {
			found = append(found, fmt.Sprintf("%s: a line in %s is missing", name, fileMap))
		}
	}
	return found, nil
}

// mark marks the files that a name of the page stands for, and reports whether there
// are any.
func mark(files map[string]bool, section, name string) bool {
	found := false
	for file := range files {
		if file == name || file == path.Join(section, name) || section == "" && strings.HasSuffix(file, "/"+name) {
			files[file] = true
			found = true
		}
	}
	return found
}

// isMapped reports whether a Go file must be in the page.
func isMapped(name string) bool {
	if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "zktest/zkcontainer/") {
		return false
	}
	folder, _, inFolder := strings.Cut(name, "/")
	for _, m := range mapped {
		if inFolder && folder == m {
			return true
		}
	}
	return false
}
