package zktest

import "strings"

// validPath applies the server's rules for a path. It is absolute, has no empty
// and no relative component, no slash at its end and no control character. It has
// no character outside the basic plane either: Apache ZooKeeper looks at UTF-16
// units and refuses surrogates.
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
