package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// ownClients returns a line for each test that connects a client only to use it: it calls
// zk.Connect and requires that there is no error. Such a test gets its client from
// zktest or from package clienttest. They give it the right level of the servers, and
// close it at the end.
//
// The tests of zk itself and the examples call Connect as they like. So does a test of
// an error of Connect, and a process that a test starts.
func ownClients(name, path string) ([]string, error) {
	if !strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "zk/") {
		return nil, nil
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		block, ok := n.(*ast.BlockStmt)
		if !ok {
			return true
		}
		for i, s := range block.List[:max(0, len(block.List)-1)] {
			set, ok := s.(*ast.AssignStmt)
			if !ok || !calls(set.Rhs[0], "zk", "Connect") {
				continue
			}
			if next, ok := block.List[i+1].(*ast.ExprStmt); ok && calls(next.X, "require", "NoError") {
				line := files.Position(s.Pos()).Line
				found = append(found, fmt.Sprintf("%s:%d: a test gets its client from Client of zktest.Server or ConnectTo of clienttest", name, line))
			}
		}
		return true
	})
	return found, nil
}

// calls reports whether an expression is a call of a package's function.
func calls(x ast.Expr, pkg, name string) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != name {
		return false
	}
	of, ok := f.X.(*ast.Ident)
	return ok && of.Name == pkg
}
