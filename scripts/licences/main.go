// Command licences lists the modules that zookit's modules are built and tested with,
// and their licences. It reads them from the module cache.
//
//	go run ./scripts/licences          # fails if docs/licences.md is out of date
//	go run ./scripts/licences -write   # writes it
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
)

const page = "docs/licences.md"

func main() {
	write := flag.Bool("write", false, "write "+page)
	flag.Parse()
	if err := run(".", *write); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

// run makes the page of the repository in the folder, and compares it with the one that
// is there, or replaces that one.
func run(root string, write bool) error {
	folders, err := modules(root)
	if err != nil {
		return err
	}
	var lists []list
	for _, folder := range folders {
		l, err := dependencies(root, folder)
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		lists = append(lists, l)
	}
	text, err := render(lists)
	if err != nil {
		return err
	}
	if write {
		return os.WriteFile(page, text, 0o644)
	}
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	if !bytes.Equal(old, text) {
		return fmt.Errorf("%s is out of date: make licences", page)
	}
	return nil
}
