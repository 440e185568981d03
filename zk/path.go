package zk

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ValidatePath reports whether Apache ZooKeeper accepts path. It has the server's
// rules (PathUtils): an absolute path with no empty, "." or ".." element, no
// trailing slash, no control or private-use character, and none beyond U+FFEF (so
// no emoji). The error wraps ErrInvalidPath, and names the path and its fault.
func ValidatePath(path string) error {
	if reason := pathFault(path); reason != "" {
		return fmt.Errorf("%w %q: %s", ErrInvalidPath, path, reason)
	}
	return nil
}

func pathFault(path string) string {
	if plain(path) {
		return ""
	}
	switch {
	case path == "":
		return "empty"
	case path[0] != '/':
		return "must start with /"
	case path == "/":
		return ""
	case !utf8.ValidString(path):
		return "not UTF-8"
	}
	for element := range strings.SplitSeq(path[1:], "/") {
		switch element {
		case "":
			return "empty element, or / at the end"
		case ".", "..":
			return "relative element"
		}
	}
	for _, r := range path { // the server sees a character beyond 0xffff as two surrogates
		if r < 0x20 || r >= 0x7f && r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0 {
			return fmt.Sprintf("character %U", r)
		}
	}
	return ""
}

// plain reports whether a quick check of each byte shows that a path is valid.
// Nearly all paths pass it. pathFault checks the others in full.
func plain(path string) bool {
	before := byte('x')
	for i := range len(path) {
		b := path[i]
		if b < 0x20 || b >= 0x7f || before == '/' && (b == '/' || b == '.') || i == 0 && b != '/' {
			return false
		}
		before = b
	}
	return before != '/' && path != ""
}

// Parent returns the path of the node that holds path; of "/" it is "/".
func Parent(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

// Join appends a name to a directory's path.
func Join(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}
