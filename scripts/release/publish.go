package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// module is a module at a version.
type module struct {
	dir           string // its files
	path, version string
	licence       string // a file that the zip has as LICENSE if dir has none; "" for none
}

// publish writes the four files of the module that a proxy serves, below the folder.
func (m module) publish(proxy string) error {
	if m.path != strings.ToLower(m.path) {
		return fmt.Errorf("module path %s: a proxy escapes capital letters, and this command does not", m.path)
	}
	mod, err := os.ReadFile(filepath.Join(m.dir, "go.mod"))
	if err != nil {
		return err
	}
	folder := filepath.Join(proxy, filepath.FromSlash(m.path), "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, content := range map[string]string{
		m.version + ".info": fmt.Sprintf("{\"Version\":%q}\n", m.version),
		m.version + ".mod":  string(mod),
		"list":              m.version + "\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return m.zip(filepath.Join(folder, m.version+".zip"))
}

// zip writes the module's zip. It has what the go command puts into one: the regular
// files, without those of nested modules and of vendor folders, each below path@version.
// The go command checks the rest when it unpacks the file, such as names and sizes.
func (m module) zip(name string) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	z := zip.NewWriter(file)
	licensed := false
	err = filepath.WalkDir(m.dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != m.dir && (entry.Name() == "vendor" || entry.Name() == ".git" || isModule(name)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(m.dir, name)
		if err != nil {
			return err
		}
		licensed = licensed || rel == "LICENSE"
		return m.add(z, filepath.ToSlash(rel), name)
	})
	if err == nil && !licensed && m.licence != "" {
		err = m.add(z, "LICENSE", m.licence)
	}
	return errors.Join(err, z.Close())
}

// add copies a file into the zip.
func (m module) add(z *zip.Writer, name, from string) error {
	w, err := z.Create(path.Join(m.path+"@"+m.version, name))
	if err != nil {
		return err
	}
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}
