package recipes_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Exported types are not aliases of internal types: go doc shows neither the fields
// nor the methods of such an alias, and no doc of its constants.
func TestTypes_AreDefinedWhereUsersSeeThem(t *testing.T) {
	files := 0
	for _, root := range []string{".", "../zk", "../zktest"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "internal":
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			files++
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, name := range borrowed(f) {
				t.Errorf("%s: %s is defined in an internal package", path, name)
			}
			return nil
		}))
	}
	require.Greater(t, files, 50)
}

// borrowed returns the exported types and constants of a file that it takes from an
// internal package.
func borrowed(f *ast.File) (names []string) {
	internal := map[string]bool{}
	for _, i := range f.Imports {
		if path, _ := strconv.Unquote(i.Path.Value); strings.Contains(path, "/internal/") {
			internal[path[strings.LastIndexByte(path, '/')+1:]] = true
		}
	}
	from := func(e ast.Expr) bool {
		s, ok := e.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		pkg, ok := s.X.(*ast.Ident)
		return ok && internal[pkg.Name]
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && s.Assign.IsValid() && from(s.Type) {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				for i, name := range s.Names {
					if g.Tok == token.CONST && name.IsExported() && i < len(s.Values) && from(s.Values[i]) {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}
