package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

var (
	link     = regexp.MustCompile(`\]\(<?([^)>\s]+)[^)]*\)|^\[[^\]]+\]:\s+(\S+)`)
	linkText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	heading  = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
	codeSpan = regexp.MustCompile("`[^`]*`")
)

// deadLinks returns a line for each link of a document that leads to no file, or to no
// heading of another document. It does not check links to other sites.
func deadLinks(root, name string) ([]string, error) {
	lines, err := prose(filepath.Join(root, name))
	if err != nil {
		return nil, err
	}
	var found []string
	for i, line := range lines {
		for _, match := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
			target := match[1] + match[2] // one of the two is empty
			why, err := dead(root, name, target)
			if err != nil {
				return nil, err
			}
			if why != "" {
				found = append(found, fmt.Sprintf("%s:%d: dead link %s: %s", name, i+1, target, why))
			}
		}
	}
	return found, nil
}

// dead says why a link in a document is dead. It returns "" for a link that is not.
func dead(root, name, target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return err.Error(), nil
	}
	if u.Scheme != "" || u.Host != "" {
		return "", nil
	}
	file := name
	if u.Path != "" {
		file = path.Join(path.Dir(name), u.Path)
	}
	file = filepath.Join(root, file)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return "no such file", nil
	} else if err != nil {
		return "", err
	}
	if u.Fragment == "" || filepath.Ext(file) != ".md" {
		return "", nil
	}
	lines, err := prose(file)
	if err != nil {
		return "", err
	}
	if !anchors(lines)[u.Fragment] {
		return "no such heading", nil
	}
	return "", nil
}

// prose returns the lines of a document. Lines of code blocks are empty.
func prose(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(text), "\n")
	code := false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence {
			code = !code
		}
		if code || fence {
			lines[i] = ""
		}
	}
	return lines, nil
}

// anchors returns the anchors of all headings, as GitHub names them.
func anchors(lines []string) map[string]bool {
	seen := map[string]bool{}
	for _, line := range lines {
		match := heading.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		base := anchor(linkText.ReplaceAllString(match[1], "$1"))
		name := base
		for n := 1; seen[name]; n++ {
			name = base + "-" + strconv.Itoa(n)
		}
		seen[name] = true
	}
	return seen
}

// anchor keeps letters, digits, "_" and "-", in lower case, and turns spaces into "-".
func anchor(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}
