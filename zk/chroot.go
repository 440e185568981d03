package zk

import (
	"fmt"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// chroot is the path of the node below which a client works, "" for none. Users'
// paths are below it. Only the wire and the watch table have full paths.
type chroot string

// full puts the chroot before a path.
func (r chroot) full(path string) string {
	switch {
	case r == "":
		return path
	case path == "/":
		return string(r)
	}
	return string(r) + path
}

// appendPath appends a path with the chroot before it, without building it first.
func (r chroot) appendPath(b []byte, path string) []byte {
	if r != "" && path == "/" {
		path = ""
	}
	b = proto.AppendInt32(b, int32(len(r)+len(path)))
	return append(append(b, r...), path...)
}

// strip takes the chroot off a path that the server sent. A path outside the chroot
// stays as it is.
func (r chroot) strip(path string) string {
	rest, below := strings.CutPrefix(path, string(r))
	switch {
	case r == "" || !below:
		return path
	case rest == "":
		return "/"
	case rest[0] == '/':
		return rest
	}
	return path // a sibling whose name begins with that of the chroot
}

// contains reports whether a path that the server sent is that of the chroot, or of a
// node below it.
func (r chroot) contains(path string) bool {
	rest, begins := strings.CutPrefix(path, string(r))
	return begins && (r == "" || rest == "" || rest[0] == '/')
}

// checkNameless refuses the create of a node at "/" under a chroot. Only a
// sequential node can have that path. Its name would be that of the chroot with a
// suffix, so it would stand beside the chroot and not in it.
func (r chroot) checkNameless(path string) error {
	if path != "/" || r == "" {
		return nil
	}
	return fmt.Errorf("%w \"/\": a sequential node needs a name under the chroot %s", ErrInvalidPath, r)
}
