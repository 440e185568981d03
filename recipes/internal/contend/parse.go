package contend

import (
	"strconv"
	"strings"
)

// entry is one contender of a listing.
type entry struct {
	name string
	seq  int32
	fam  family
}

// forms are the names of contenders: the mark right before the number, and a check
// of the part before the mark. A name that matches none of them is no contender,
// and the queue ignores it. The code parses names by hand and not by an expression,
// because each of a thousand contenders may have to parse a thousand names.
var forms = []struct {
	mark   string
	family family
	front  func(string) bool
}{
	{"lock-", curatorLock, marked},
	{"lock-", goLock, func(s string) bool { return protected(s, 32, lowerHex) }},
	{"latch-", curatorLatch, func(s string) bool { return marked(withoutPriority(s)) }},
	{"__READ__", curatorRead, marked},
	{"__WRIT__", curatorWrite, marked},
	{"__lock__", kazooLock, func(s string) bool { return len(s) == 32 && all(s, lowerHex) }},
	{"__rlock__", kazooRead, func(s string) bool { return len(s) == 32 && all(s, lowerHex) }},
	{"-", javaLock, func(s string) bool {
		session, ok := strings.CutPrefix(s, "x-")
		return ok && session != "" && all(session, digit)
	}},
	{"", bareNumber, func(s string) bool { return s == "" }},
}

// parse parses a name. It returns false if the name is no contender's.
func parse(name string) (entry, bool) {
	// The number has ten digits. When the counter has overflowed it has a sign, which
	// can leave nine digits. A name that is just a number of nine digits is no contender's.
	at := len(name)
	for at > 0 && digit(name[at-1]) {
		at--
	}
	if n := len(name) - at; n != 10 && (n != 9 || at == 0) {
		return entry{}, false
	}
	for _, from := range []int{at, at - 1} {
		if from < 0 || from < at && name[from] != '-' {
			continue
		}
		for _, f := range forms {
			front, ok := strings.CutSuffix(name[:from], f.mark)
			if !ok || !f.front(front) {
				continue
			}
			seq, err := strconv.ParseInt(name[from:], 10, 32)
			return entry{name: name, seq: int32(seq), fam: f.family}, err == nil
		}
	}
	return entry{}, false
}

// marked reports whether s is empty, or the mark of a protected name with a UUID:
// `_c_<uuid>-`.
func marked(s string) bool { return s == "" || protected(s, 36, uuidByte) }

// protected reports whether s is `_c_`, n bytes for which is holds, and a dash.
func protected(s string, n int, is func(byte) bool) bool {
	id, ok := strings.CutPrefix(s, "_c_")
	return ok && len(id) == n+1 && id[n] == '-' && all(id[:n], is)
}

// withoutPriority cuts off the `z<priority>-` of a candidate: see turn.go.
func withoutPriority(s string) string {
	const mark = len("_c_") + 36 + len("-")
	if len(s) <= mark {
		return s
	}
	number, ok := strings.CutPrefix(s[mark:], "z")
	number, dash := strings.CutSuffix(number, "-")
	number = strings.TrimPrefix(number, "-")
	if !ok || !dash || len(number) < 1 || len(number) > 10 || !all(number, digit) {
		return s
	}
	return s[:mark]
}

func all(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

func digit(b byte) bool    { return b >= '0' && b <= '9' }
func lowerHex(b byte) bool { return digit(b) || b >= 'a' && b <= 'f' }
func uuidByte(b byte) bool { return lowerHex(b) || b >= 'A' && b <= 'F' || b == '-' }
