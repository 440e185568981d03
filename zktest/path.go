package zktest

import "strings"

// validPath applies the server's rules for a whole path: absolute, no empty
// and no relative component, no slash at the end, no control character and
// nothing outside the basic plane (Apache ZooKeeper looks at UTF-16 units and
// refuses surrogates).
func validPath(path string) bool {
	if path == "/" {
		return true
	}
	if path == "" || path[0] != '/' {
		return false
	}
	for name := range strings.SplitSeq(path[1:], "/") {
		if name == "" || name == "." || name == ".." {
			return false
		}
	}
	for _, r := range path {
		switch {
		case r <= 0x1f, r >= 0x7f && r <= 0x9f, r >= 0xd800 && r <= 0xf8ff, r >= 0xfff0:
			return false
		}
	}
	return true
}

// parentOf returns the parent's path for a create or delete, which look only
// for a slash and for NUL before they look the parent up: the error of a path
// with an empty component is NoNode, not BadArguments, when the part before it
// does not exist.
func parentOf(path string) (parent string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 || strings.IndexByte(path, 0) >= 0 {
		return "", false
	}
	return path[:i], true
}
