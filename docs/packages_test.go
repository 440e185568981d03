package docs_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// withoutExample are public packages that need no Example, with the reason.
var withoutExample = map[string]string{
	"compat/gozookeeperfork/zk": "only names of compat/gozookeeper",
}

// TestPackages_HaveASynopsisAndAnExample checks what pkg.go.dev shows first: the comment
// of each package that programs can import, and an Example. It also checks that each
// exported name has a comment.
func TestPackages_HaveASynopsisAndAnExample(t *testing.T) {
	checked := 0
	for _, dir := range publicFolders(t) {
		p := readPackage(t, dir)
		if p.name == "" || p.name == "main" {
			continue // nothing but tests, or a command
		}
		checked++
		rel := filepath.ToSlash(dir)[len("../"):]
		synopsis := new(doc.Package).Synopsis(p.comment) // a sentence, or the line before an example
		if !strings.HasPrefix(synopsis, "Package "+p.name+" ") || !strings.ContainsAny(synopsis[len(synopsis)-1:], ".?:") {
			t.Errorf("%s: the package comment does not begin with a sentence about Package %s: %q", rel, p.name, synopsis)
		}
		if !p.example && withoutExample[rel] == "" {
			t.Errorf("%s: there is no Example", rel)
		}
		for _, name := range p.undocumented {
			t.Errorf("%s: %s has no comment", rel, name)
		}
	}
	require.Greater(t, checked, 20, "the public packages")
}

// publicFolders returns the folders of packages that programs of others may import.
func publicFolders(t *testing.T) []string {
	t.Helper()
	private := map[string]bool{
		"internal": true, "testdata": true, "bin": true, "examples": true, "scripts": true, "docs": true,
		"bench": true, "interop": true, "trials": true,
	}
	var folders []string
	require.NoError(t, filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || name == ".." {
			return err
		}
		if private[entry.Name()] || strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		folders = append(folders, name)
		return nil
	}))
	return folders
}

// described is what a package shows.
type described struct {
	name         string // empty if there are no Go files but tests
	comment      string
	example      bool
	undocumented []string // exported names
}

func readPackage(t *testing.T, dir string) (p described) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, entry.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		test := strings.HasSuffix(entry.Name(), "_test.go")
		if !test {
			p.name = file.Name.Name
			p.comment += file.Doc.Text()
		}
		for _, decl := range file.Decls {
			f, isFunc := decl.(*ast.FuncDecl)
			switch {
			case test:
				p.example = p.example || isFunc && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example")
			case isFunc:
				if f.Name.IsExported() && f.Doc == nil && (f.Recv == nil || ofExported(f)) {
					p.undocumented = append(p.undocumented, f.Name.Name)
				}
			default:
				p.undocumented = append(p.undocumented, bareNames(decl.(*ast.GenDecl))...)
			}
		}
	}
	return p
}

// ofExported reports whether a method belongs to an exported type, and is no method that
// every reader knows.
func ofExported(f *ast.FuncDecl) bool {
	if slices.Contains([]string{"String", "Error", "Unwrap", "Is", "Format"}, f.Name.Name) {
		return false
	}
	t := f.Recv.List[0].Type
	for {
		switch of := t.(type) {
		case *ast.StarExpr:
			t = of.X
		case *ast.IndexExpr:
			t = of.X
		case *ast.IndexListExpr:
			t = of.X
		case *ast.Ident:
			return of.IsExported()
		default:
			return false
		}
	}
}

// bareNames returns the exported names of a declaration that have no comment: neither of
// their own nor behind them nor of the group.
func bareNames(d *ast.GenDecl) (names []string) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil && spec.Comment == nil && d.Doc == nil {
				names = append(names, spec.Name.Name)
			}
		case *ast.ValueSpec:
			if spec.Doc != nil || spec.Comment != nil || d.Doc != nil {
				continue
			}
			for _, name := range spec.Names {
				if name.IsExported() {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}
