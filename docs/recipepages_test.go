package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRecipePages_NameEverythingPublic checks that the page of a recipe names each type,
// field, function, method, error and constant that its package exports. A name counts if
// it stands in code.
func TestRecipePages_NameEverythingPublic(t *testing.T) {
	for page, folder := range map[string]string{
		"locks.md": "lock", "elections.md": "election", "barriers.md": "barrier",
	} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		names := map[string]bool{}
		for _, code := range inCode.FindAllString(string(text), -1) {
			for _, name := range oneName.FindAllString(code, -1) {
				names[name] = true
			}
		}
		exported := exportedNames(t, filepath.Join("..", "recipes", folder))
		require.Greater(t, len(exported), 20)
		for _, name := range exported {
			assert.True(t, names[name], "%s does not name %s.%s", page, folder, name)
		}
	}
}

var (
	inCode  = regexp.MustCompile("(?ms)^```.*?^```|`[^`\n]+`")
	oneName = regexp.MustCompile(`[A-Za-z0-9_]+`)
)

// exportedNames returns the names that a package exports, without the methods by which
// errors are errors, and without String.
func exportedNames(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			names = append(names, exportedBy(decl)...)
		}
	}
	return names
}

// exportedBy returns the exported names of a declaration, with the fields of structs.
func exportedBy(decl ast.Decl) (names []string) {
	add := func(ids ...*ast.Ident) {
		for _, id := range ids {
			if id.IsExported() {
				names = append(names, id.Name)
			}
		}
	}
	if f, ok := decl.(*ast.FuncDecl); ok {
		switch f.Name.Name {
		case "Error", "Is", "Unwrap", "String":
		default:
			if f.Recv == nil || ast.IsExported(receiver(f)) {
				add(f.Name)
			}
		}
		return names
	}
	for _, spec := range decl.(*ast.GenDecl).Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			add(s.Names...)
		case *ast.TypeSpec:
			add(s.Name)
			if of, ok := s.Type.(*ast.StructType); ok && s.Name.IsExported() {
				for _, field := range of.Fields.List {
					add(field.Names...)
				}
			}
		}
	}
	return names
}

// receiver returns the name of the type that a method belongs to.
func receiver(f *ast.FuncDecl) string {
	x := f.Recv.List[0].Type
	if star, ok := x.(*ast.StarExpr); ok {
		x = star.X
	}
	return x.(*ast.Ident).Name
}
