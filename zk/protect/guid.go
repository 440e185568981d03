package protect

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/zookit/zookit/zk"
)

// mark stands before the GUID in the name of a protected node, as it
// does in Curator's names.
const mark = "_c_"

// NewGUID returns a random UUID (version 4) in lower case, for the name of a
// protected node.
func NewGUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	out := make([]byte, 0, 36)
	for _, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if len(out) > 0 {
			out = append(out, '-')
		}
		out = hex.AppendEncode(out, part)
	}
	return string(out)
}

// HasGUID reports whether the name of a node begins with guid, with or without
// "_c_" before it. The GUID must be a UUID or 32 hex digits. It must be complete:
// after it the name ends, or goes on with a character that is neither a letter nor
// a digit.
func HasGUID(name, guid string) bool {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, mark), guid)
	return ok && isGUID(guid) && (rest == "" || !alphanumeric(rest[0]))
}

// checkGUID returns an error that wraps zk.ErrBadArguments unless guid identifies a
// node. An empty GUID, or one of a few digits, would match the names of many nodes.
func checkGUID(guid string) error {
	if isGUID(guid) {
		return nil
	}
	return fmt.Errorf("%w: GUID %q: it must be a UUID or 32 hex digits (see NewGUID)", zk.ErrBadArguments, guid)
}

// isGUID reports whether s is a UUID, with dashes, or 32 hex digits.
func isGUID(s string) bool {
	const digits, dashed = 32, 36
	if len(s) != digits && len(s) != dashed {
		return false
	}
	for i := range len(s) {
		dash := len(s) == dashed && (i == 8 || i == 13 || i == 18 || i == 23)
		if dash != (s[i] == '-') || !dash && !hexDigit(s[i]) {
			return false
		}
	}
	return true
}

func hexDigit(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}

func alphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// Path returns the path that Create creates for path: with "_c_", the GUID and a dash
// before the last element. With it, a program can send the create itself, in a
// pipeline or a multi, and then look for the node by Find. Find takes only a GUID
// that is a UUID or 32 hex digits.
func Path(path, guid string) string {
	i := strings.LastIndexByte(path, '/')
	return path[:i+1] + mark + guid + "-" + path[i+1:]
}
