package docs_test

import (
	"errors"
	"flag"
	"fmt"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the regions of Go files into the fences of the pages")

// TestSnippets compares the code in README.md and docs with the code that it is a copy
// of. Each fence of Go names a region of a Go file in the line before it:
//
//	<!-- from docs/start_snippets_test.go#first-lock -->
//
// In the Go file the region stands between two comments, "docs:begin first-lock" and
// "docs:end first-lock". The fence has it without the indentation that all its lines
// share. Every region is in some page.
//
// A fence of text may show what an Example prints. The line before it then names the
// Example:
//
//	<!-- output of docs/start_snippets_test.go#Example_firstLock -->
func TestSnippets(t *testing.T) {
	b, err := readBook("..")
	require.NoError(t, err)
	require.Greater(t, len(b.pages), 5, "the pages were not found")
	changed := b.rewrite()
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		if *update {
			require.NoError(t, os.WriteFile(filepath.Join("..", name), []byte(changed[name]), 0o644))
			t.Logf("%s: written", name)
			continue
		}
		t.Errorf("%s: a fence differs from its source: edit the source, and run go test ./docs -run TestSnippets -update", name)
	}
	for _, mistake := range b.mistakes {
		t.Error(mistake)
	}
}

// book has the pages below a folder, and the regions of the Go files that they may show.
// A page and a Go file are named by their path from the folder.
type book struct {
	root     string
	pages    map[string]string // their texts
	sources  map[string]string // the texts of the Go files
	regions  map[string]string // the code, by "FILE#NAME"
	shown    map[string]bool   // the regions that a page shows
	mistakes []string          // what -update cannot mend
}

// readBook reads README.md and the documents in docs, and all Go files. It skips what
// the go command skips, and bin, where the installer puts other people's files.
func readBook(root string) (*book, error) {
	b := &book{root: root, pages: map[string]string{}, sources: map[string]string{}, regions: map[string]string{}, shown: map[string]bool{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata" || name == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		page := name == "README.md" || strings.HasPrefix(name, "docs/") && strings.HasSuffix(name, ".md")
		if !page && !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		switch {
		case err != nil:
			return err
		case page:
			b.pages[name] = string(text)
		default:
			b.sources[name] = string(text)
			b.readRegions(name, string(text))
		}
		return nil
	})
	return b, err
}

func (b *book) mistake(name string, line int, format string, args ...any) {
	b.mistakes = append(b.mistakes, fmt.Sprintf("%s:%d: %s", name, line+1, fmt.Sprintf(format, args...)))
}

// regionMark is a comment of its own line at which a region begins or ends.
var regionMark = regexp.MustCompile(`^\s*// docs:(begin|end) (\S+)$`)

// readRegions notes the regions of a Go file. They may be nested.
func (b *book) readRegions(name, text string) {
	if !strings.Contains(text, "// docs:") {
		return // nearly all files
	}
	lines := strings.Split(text, "\n")
	open := map[string]int{} // the line at which a region begins
	for i, line := range lines {
		mark := regionMark.FindStringSubmatch(line)
		if mark == nil {
			continue
		}
		label := mark[2]
		begin, isOpen := open[label]
		_, known := b.regions[name+"#"+label]
		switch {
		case mark[1] == "begin" && (isOpen || known):
			b.mistake(name, i, "region %s begins twice", label)
		case mark[1] == "begin":
			open[label] = i
		case !isOpen:
			b.mistake(name, i, "region %s ends and has not begun", label)
		default:
			delete(open, label)
			code := dedent(lines[begin+1 : i])
			if code == "" {
				b.mistake(name, i, "region %s is empty", label)
			}
			if wantOutput.MatchString(code) {
				b.mistake(name, i, "region %s: the go command does not see an output comment with another comment behind it: end the region before it", label)
			}
			b.regions[name+"#"+label] = code
		}
	}
	for label, i := range open {
		b.mistake(name, i, "region %s does not end", label)
	}
}

// wantOutput finds the comment of an Example by which the go command runs it.
var wantOutput = regexp.MustCompile(`(?mi)^\s*// (unordered )?output:`)

// dedent returns lines without the marks of regions, without blank lines at either end,
// and without the tabs with which all of them begin.
func dedent(lines []string) string {
	var kept []string
	indent := -1
	for _, line := range lines {
		if regionMark.MatchString(line) {
			continue
		}
		kept = append(kept, line)
		if tabs := len(line) - len(strings.TrimLeft(line, "\t")); line != "" && (indent < 0 || tabs < indent) {
			indent = tabs
		}
	}
	for i, line := range kept {
		kept[i] = line[min(len(line), max(indent, 0)):]
	}
	return strings.Trim(strings.Join(kept, "\n"), "\n")
}

var (
	// fenceMark is a line with which a code block begins: its indentation, and its
	// language.
	fenceMark = regexp.MustCompile("^( *)```([a-zA-Z]*)")
	// sourceMark is the line before a code block: what it is a copy of.
	sourceMark = regexp.MustCompile(`^ *<!-- (from|output of) (\S+)#(\S+) -->$`)
)

// rewrite returns the pages in which a code block is not a copy of its source, as they
// should be. It notes what is wrong with the pages and the regions.
func (b *book) rewrite() (changed map[string]string) {
	changed = map[string]string{}
	for name, text := range b.pages {
		if right := b.rewritePage(name, strings.Split(text, "\n")); right != text {
			changed[name] = right
		}
	}
	for source := range b.regions {
		if !b.shown[source] {
			b.mistakes = append(b.mistakes, fmt.Sprintf("%s: no page shows the region", source))
		}
	}
	slices.Sort(b.mistakes)
	return changed
}

func (b *book) rewritePage(name string, lines []string) string {
	var out []string
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		fence := fenceMark.FindStringSubmatch(lines[i])
		if fence == nil {
			if sourceMark.MatchString(lines[i]) && (i+1 == len(lines) || !fenceMark.MatchString(lines[i+1])) {
				b.mistake(name, i, "no code block follows")
			}
			continue
		}
		end := i + 1
		for end < len(lines) && strings.TrimSpace(lines[end]) != "```" {
			end++
		}
		if end == len(lines) {
			b.mistake(name, i, "the code block does not end")
			return strings.Join(lines, "\n")
		}
		block := lines[i+1 : end]
		if code, ok := b.source(name, i, lines, fence[2]); ok {
			block = nil
			for _, line := range strings.Split(code, "\n") {
				if line != "" {
					line = fence[1] + line
				}
				block = append(block, line)
			}
		}
		out = append(append(out, block...), lines[end])
		i = end
	}
	return strings.Join(out, "\n")
}

// source returns what the code block that begins in a line should have. It returns false
// if the code block is free, or if there is no such source.
func (b *book) source(name string, i int, lines []string, language string) (code string, ok bool) {
	var mark []string
	if i > 0 {
		mark = sourceMark.FindStringSubmatch(lines[i-1])
	}
	isGo := strings.EqualFold(language, "go") || strings.EqualFold(language, "golang")
	switch {
	case mark == nil && isGo:
		b.mistake(name, i, "code without a source: the line before it must be <!-- from PATH#NAME -->, and name a region")
		return "", false
	case mark == nil:
		return "", false
	case (mark[1] == "from") != isGo:
		b.mistake(name, i, "a region is shown as go, an output as text")
		return "", false
	case mark[1] == "from":
		code, ok = b.regions[mark[2]+"#"+mark[3]]
		b.shown[mark[2]+"#"+mark[3]] = true
		if !ok {
			b.mistake(name, i-1, "%s has no region %s", mark[2], mark[3])
		}
		return code, ok
	}
	code, err := outputOf(filepath.Join(b.root, mark[2]), mark[3])
	if err != nil {
		b.mistake(name, i-1, "%s: %v", mark[2], err)
		return "", false
	}
	return code, true
}

// outputOf returns the output of an Example, in the order in which the Example's comment
// has it.
func outputOf(path, example string) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("no such file")
	}
	if err != nil {
		return "", err
	}
	for _, e := range doc.Examples(file) {
		if "Example"+e.Name == example && strings.TrimSpace(e.Output) != "" {
			return strings.TrimSpace(e.Output), nil
		}
	}
	return "", fmt.Errorf("no %s with an output", example)
}
