package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// licences are known by a sentence of their texts, in lower case and with single spaces.
var licences = []struct{ name, text string }{
	{"Apache-2.0", "apache license version 2.0"},
	{"Apache-2.0", "apache license, version 2.0"},
	{"MPL-2.0", "mozilla public license, version 2.0"},
	{"MPL-2.0", "mozilla public license version 2.0"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"BSD-3-Clause", "contributors may be used to endorse or promote products derived from this software"},
	{"BSD-3-Clause", "may not be used to endorse or promote products derived from this software"},
}

// bsd is in the texts of both BSD licences.
const bsd = "redistribution and use in source and binary forms"

// licenceOf returns the names of the licences in the file of a module.
func licenceOf(dir string) (string, error) {
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			return recognize(string(text))
		}
	}
	return "", fmt.Errorf("no file with a licence")
}

func recognize(text string) (string, error) {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	var names []string
	for _, l := range licences {
		if strings.Contains(text, l.text) && (len(names) == 0 || names[len(names)-1] != l.name) {
			names = append(names, l.name)
		}
	}
	if strings.Contains(text, bsd) && (len(names) == 0 || names[len(names)-1] != "BSD-3-Clause") {
		names = append(names, "BSD-2-Clause")
	}
	if len(names) == 0 {
		return "", fmt.Errorf("its licence is not known: add a sentence of it to scripts/licences/page.go")
	}
	return strings.Join(names, " and "), nil
}

// render returns the page.
func render(lists []list) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`# Licences

zookit itself is under Apache-2.0 ([LICENSE](../LICENSE)). This page lists the modules of others that it uses, on Linux, macOS and Windows, with the licences in their files.

"In your program" means: a program that imports packages of this module may contain it. The others are needed for the tests of the module alone, and no program contains them.

` + "`make licences` writes this page from the module cache. `make check` fails if it is out of date. What the tests fetch while they run (peers in other languages, servers, suites of other projects) is not part of zookit, and not on it.\n")
	for _, l := range lists {
		fmt.Fprintf(&b, "\n## %s\n\n", l.module)
		if len(l.uses) == 0 {
			b.WriteString("It uses no module of others.\n")
			continue
		}
		b.WriteString("| module | version | licence | in your program |\n|---|---|---|---|\n")
		for _, d := range l.uses {
			name, err := licenceOf(d.dir)
			if err != nil {
				return nil, fmt.Errorf("%s@%s: %w", d.path, d.version, err)
			}
			public := "no"
			if d.public {
				public = "yes"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", d.path, d.version, name, public)
		}
	}
	return b.Bytes(), nil
}
