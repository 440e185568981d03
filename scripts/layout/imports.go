package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// testCode is the folder of the code that only tests use.
const testCode = "internal/test"

// testPackages are the folders whose product code may import testCode: they are there
// for tests themselves. The others are in nested modules.
var testPackages = []string{testCode, "interop", "bench", "zktest/zkcontainer", "contrib/zkprom/story", "trials/faults"}

// testImports returns a line for each import of testCode, if the Go file is product
// code. The name of the file is relative to the root of the repository.
func testImports(name, path string) ([]string, error) {
	if strings.HasSuffix(name, "_test.go") {
		return nil, nil
	}
	for _, folder := range testPackages {
		if strings.HasPrefix(name, folder+"/") {
			return nil, nil
		}
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if strings.Contains(imported+"/", "/"+testCode+"/") {
			line := files.Position(spec.Pos()).Line
			found = append(found, fmt.Sprintf("%s:%d: product code imports %s, which is for tests only", name, line, imported))
		}
	}
	return found, nil
}
