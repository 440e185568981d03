package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// ours is the prefix of the modules of this repository.
const ours = "github.com/zookit/zookit"

// systems are the operating systems whose dependencies count.
var systems = []string{"linux", "darwin", "windows"}

// dependency is a module that one of ours uses.
type dependency struct {
	path, version string
	dir           string // in the module cache
	public        bool   // a program that imports our module may contain it
}

// list is what one of our modules uses, sorted by path.
type list struct {
	folder, module string
	uses           []dependency
}

// modules returns the folders that have a go.mod, "." first.
func modules(root string) ([]string, error) {
	var folders []string
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			base := entry.Name()
			if name != root && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if entry.Name() != "go.mod" {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(name))
		folders = append(folders, filepath.ToSlash(folder))
		return err
	})
	slices.Sort(folders)
	return folders, err
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Name       string
	ForTest    string
	DepOnly    bool
	Standard   bool
	Imports    []string
	Module     *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// dependencies returns what the module in a folder uses.
func dependencies(root, folder string) (list, error) {
	l := list{folder: folder}
	found := map[string]dependency{}
	for _, system := range systems {
		packages, err := listPackages(filepath.Join(root, folder), system)
		if err != nil {
			return l, err
		}
		public := reachable(packages)
		for path, p := range packages {
			switch {
			case p.Module == nil:
			case p.Module.Main:
				l.module = p.Module.Path
			case p.Module.Path != ours && !strings.HasPrefix(p.Module.Path, ours+"/"):
				d := found[p.Module.Path]
				found[p.Module.Path] = dependency{p.Module.Path, p.Module.Version, p.Module.Dir, d.public || public[path]}
			}
		}
	}
	for _, d := range found {
		l.uses = append(l.uses, d)
	}
	slices.SortFunc(l.uses, func(a, b dependency) int { return strings.Compare(a.path, b.path) })
	return l, nil
}

// listPackages returns the packages of the module, of its tests, and of all that they
// import.
func listPackages(dir, system string) (map[string]pkg, error) {
	cmd := exec.Command("go", "list", "-deps", "-test", "-json=ImportPath,Name,ForTest,DepOnly,Standard,Imports,Module", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w", system, err)
	}
	packages := map[string]pkg{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, err
		}
		packages[p.ImportPath] = p
	}
}

// reachable returns the packages that a program contains which imports all public
// packages of the module.
func reachable(packages map[string]pkg) map[string]bool {
	seen := map[string]bool{}
	var visit func(path string)
	visit = func(path string) {
		p, ok := packages[path]
		if !ok || p.Standard || seen[path] {
			return
		}
		seen[path] = true
		for _, imported := range p.Imports {
			visit(imported)
		}
	}
	for path, p := range packages {
		isTest := p.ForTest != "" || strings.HasSuffix(path, ".test") || strings.HasSuffix(path, "_test")
		internal := strings.Contains(path+"/", "/internal/")
		if !p.DepOnly && !isTest && !internal && p.Name != "main" {
			visit(path)
		}
	}
	return seen
}
