package zktest

import "strings"

// validPath applies the server's rules for a path. It is absolute, has no empty
// and no relative component, no slash at its end and no control character. It has
// no character outside the basic plane either: Apache ZooKeeper looks at UTF-16
// units and refuses surrogates. 3.4 accepts the first and the last character of each
// range that it refuses.
func (v Version) validPath(path string) bool {
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
			if v.since(V3_5) || !atTheEdge(r) {
				return false
			}
		}
	}
	return true
}

// atTheEdge reports whether a character is the first or the last of a range of
// characters that no path may have. NUL is not: 3.4 looks for it too.
func atTheEdge(r rune) bool {
	switch r {
	case 0x1f, 0x7f, 0x9f, 0xd800, 0xf8ff, 0xfff0, 0xffff:
		return true
	}
	return false
}

// parentOf returns the path of the parent, for a create or delete. Before they look
// for the parent, these check only for a slash and for NUL. So the error for a
// path with an empty component is NoNode, not BadArguments, if the parent does not
// exist.
func parentOf(path string) (parent string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 || strings.IndexByte(path, 0) >= 0 {
		return "", false
	}
	return path[:i], true
}
