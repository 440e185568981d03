package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A function is one function or method, with the literals inside it.
type function struct {
	name       string
	file       string
	line       int
	lines      int // from the line of func to the closing brace
	complexity int
}

// code is the product code of a package, or its tests.
type code struct {
	lines     int
	functions []function
}

// A folder is the Go code of one folder: one package and its tests.
type folder struct {
	path           string
	product, tests code
}

// measure reads the Go files below root. It skips what the go command skips:
// testdata and folders whose name begins with "." or "_". The result is sorted
// by path.
func measure(root string) ([]*folder, error) {
	byPath := map[string]*folder{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != root && ignored(entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		f := byPath[dir]
		if f == nil {
			f = &folder{path: dir}
			byPath[dir] = f
		}
		part := &f.product
		if strings.HasSuffix(rel, "_test.go") {
			part = &f.tests
		}
		return part.add(rel, source)
	})
	return slices.SortedFunc(maps.Values(byPath), func(a, b *folder) int {
		return strings.Compare(a.path, b.path)
	}), err
}

func ignored(name string) bool {
	return name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// add counts one file.
func (c *code) add(name string, source []byte) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	c.lines += bytes.Count(source, []byte("\n"))
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		begin := files.Position(f.Pos())
		end := files.Position(f.End())
		c.functions = append(c.functions, function{
			name:       functionName(f),
			file:       name,
			line:       begin.Line,
			lines:      end.Line - begin.Line + 1,
			complexity: complexity(f),
		})
	}
	return nil
}

// functionName returns "name", or "Type.name" for a method.
func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	for {
		switch t := receiver.(type) {
		case *ast.StarExpr:
			receiver = t.X
		case *ast.IndexExpr:
			receiver = t.X
		case *ast.IndexListExpr:
			receiver = t.X
		case *ast.Ident:
			return t.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

// complexity counts as gocyclo does: one for the function, and one for each if,
// for, case, && and ||. A default costs nothing.
func complexity(f *ast.FuncDecl) int {
	n := 1
	ast.Inspect(f, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if node.List != nil {
				n++
			}
		case *ast.CommClause:
			if node.Comm != nil {
				n++
			}
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}
