// Command limits prints the size of every package below a folder: lines, the
// longest function and the highest cyclomatic complexity, for product code and
// for tests. It fails if a function of product code is above a limit.
//
//	go run ./scripts/limits [FOLDER]
//
// Nested modules count too. Test files have no limit: a test is a story or a
// table, and splitting either makes it harder to read.
package main

import (
	"fmt"
	"os"
)

// The limits hold for one function. A package and a file have none, so that code need
// not be squeezed to fit.
const (
	maxLines      = 60
	maxComplexity = 20
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	packages, err := measure(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(2)
	}
	printTable(os.Stdout, packages)
	broken := violations(packages)
	for _, line := range broken {
		fmt.Println(line)
	}
	if len(broken) > 0 {
		os.Exit(1)
	}
}
