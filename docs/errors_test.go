package docs_test

import (
	"cmp"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
)

// errors.md has a half for the core and one for the recipes. Each half has two kinds of
// tables with four columns:
//
//   - situations: the text as it is printed, what it means, whether to run it again, what
//     to do. "…" stands for what varies.
//   - errors by name: the name, its text, whether to run it again, what to do.
//
// The test of a half produces each text.

// situation is a row of a table of situations.
type situation struct {
	text string // as on the page
	// meet gets into the situation, and returns the error that a user sees.
	meet func(t *testing.T) error
}

// errorRow matches a row whose first cell is code.
var errorRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|\n]+) \\| ([^|\n]+) \\| ([^|\n]+) \\|$")

// errorName matches the first cell of a table of errors by name.
var errorName = regexp.MustCompile(`^\*?[a-z0-9]+\.[A-Z][A-Za-z]*$`)

// halfOf returns the rows of the half of errors.md with a heading: situations and errors
// by name, each by its first cell.
func halfOf(t *testing.T, heading string) (situations, names map[string][]string) {
	t.Helper()
	page, err := os.ReadFile("errors.md")
	require.NoError(t, err)
	_, half, found := strings.Cut(string(page), "\n"+heading+"\n")
	require.True(t, found, "no heading %q", heading)
	half, _, _ = strings.Cut(half, "\n## ")
	situations, names = map[string][]string{}, map[string][]string{}
	for _, row := range errorRow.FindAllStringSubmatch(half, -1) {
		table := situations
		if errorName.MatchString(row[1]) {
			table = names
		}
		require.NotContains(t, table, row[1], "listed twice")
		table[row[1]] = row[2:]
	}
	return situations, names
}

// checkSituations compares the situations of a half with the page: each is listed, each
// row has one, and the error has the text of its row on one line. The cell about another
// run begins as SafeToRetry and the outcome want it.
func checkSituations(t *testing.T, heading string, all []situation) {
	rows, _ := halfOf(t, heading)
	met := map[string]bool{}
	for _, s := range all {
		require.False(t, met[s.text], "twice: %s", s.text)
		met[s.text] = true
		t.Run(s.text, func(t *testing.T) {
			row, listed := rows[s.text]
			require.True(t, listed, "errors.md does not list it")
			err := s.meet(t)
			require.Error(t, err)
			want := strings.ReplaceAll(regexp.QuoteMeta(s.text), "…", ".+")
			require.Regexp(t, "^"+want+"$", err.Error())
			if _, ok := errors.AsType[*zk.OpError](err); ok {
				require.True(t, strings.HasPrefix(row[1], again(err)), "the page says %q, want %q", row[1], again(err))
			}
		})
	}
	for text := range rows {
		require.True(t, met[text], "no test produces %q", text)
	}
}

// again says what the page has to say about another run of the operation that returned
// err.
func again(err error) string {
	switch {
	case errors.Is(err, zk.ErrThrottled):
		return "later"
	case errors.Is(err, zk.ErrReplyTooLarge):
		return "no"
	case zk.SafeToRetry(err):
		return "yes"
	case zk.OutcomeOf(err) == zk.OutcomeUnknown:
		return "look first"
	}
	return "no"
}

// checkNames compares the errors that packages below some folders declare with the
// page: each has a row with its name and its text. values has an error for each name. For
// a package of another module it has nil: then the text is taken from the source.
func checkNames(t *testing.T, heading string, folders []string, values map[string]error) {
	_, rows := halfOf(t, heading)
	declared := declaredErrors(t, folders...)
	require.ElementsMatch(t, slices.Collect(maps.Keys(declared)), slices.Collect(maps.Keys(values)), "the test has another list than the source")
	for name, value := range values {
		text := declared[name]
		if value != nil {
			text = value.Error()
		}
		require.NotEmpty(t, text, "%s has no text in the source", name)
		row, listed := rows[name]
		require.True(t, listed, "errors.md does not list %s: %q", name, text)
		require.Equal(t, "`"+text+"`", row[0], name)
	}
	for name := range rows {
		require.Contains(t, values, name, "listed, but not declared")
	}
}

// declaredErrors returns the exported errors of packages: variables and constants whose
// name begins with Err, and types with a method Error. The value is the text, if the
// source makes the error by errors.New alone.
func declaredErrors(t *testing.T, folders ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "internal":
				return filepath.SkipDir
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil && file.Name.Name != "main" {
				errorsOf(file, found)
			}
			return err
		})
		require.NoError(t, err)
	}
	return found
}

// errorsOf adds the exported errors of a file to found.
func errorsOf(file *ast.File, found map[string]string) {
	name := func(id string) string { return file.Name.Name + "." + id }
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || d.Name.Name != "Error" || d.Type.Params.NumFields() != 0 {
				continue
			}
			receiver, star := d.Recv.List[0].Type, ""
			if p, ok := receiver.(*ast.StarExpr); ok {
				receiver, star = p.X, "*"
			}
			if id, ok := receiver.(*ast.Ident); ok && id.IsExported() {
				found[star+name(id.Name)] = ""
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for i, id := range v.Names {
					if strings.HasPrefix(id.Name, "Err") {
						found[name(id.Name)] = cmp.Or(found[name(id.Name)], textOf(v, i))
					}
				}
			}
		}
	}
}

// textOf returns the text of the i-th variable if its value is errors.New of a literal.
func textOf(v *ast.ValueSpec, i int) string {
	if i >= len(v.Values) {
		return ""
	}
	call, ok := v.Values[i].(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return ""
	}
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, _ := strconv.Unquote(literal.Value)
	return text
}
