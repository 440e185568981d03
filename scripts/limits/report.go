package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printTable prints a row for each folder, with a dash where it has no code.
func printTable(w io.Writer, folders []*folder) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tproduct\t\t\ttests\t\t\t")
	fmt.Fprintln(table, "package\tlines\tlongest\tcomplexity\tlines\tlongest\tcomplexity\t")
	for _, f := range folders {
		fmt.Fprintf(table, "%s\t%s%s\n", f.path, f.product.cells(), f.tests.cells())
	}
	table.Flush()
}

// cells returns the three cells of a table row, each with a tab behind it.
func (c code) cells() string {
	if c.lines == 0 {
		return strings.Repeat("-\t", 3)
	}
	longest, highest := 0, 0
	for _, f := range c.functions {
		longest = max(longest, f.lines)
		highest = max(highest, f.complexity)
	}
	return fmt.Sprintf("%d\t%d\t%d\t", c.lines, longest, highest)
}

// violations returns a line for each limit that a function of product code
// breaks.
func violations(folders []*folder) []string {
	var broken []string
	for _, folder := range folders {
		for _, f := range folder.product.functions {
			if f.lines > maxLines {
				broken = append(broken, fmt.Sprintf("%s:%d: %s has %d lines, the limit is %d: split it", f.file, f.line, f.name, f.lines, maxLines))
			}
			if f.complexity > maxComplexity {
				broken = append(broken, fmt.Sprintf("%s:%d: %s has a cyclomatic complexity of %d, the limit is %d: split it", f.file, f.line, f.name, f.complexity, maxComplexity))
			}
		}
	}
	return broken
}
