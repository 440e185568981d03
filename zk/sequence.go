package zk

import (
	"math"
	"strconv"
	"strings"
)

// A server appends the count of its parent to the name of a sequential node, with ten
// digits. The count is a signed number of 32 bits. Past its end it is negative, and
// written with a sign that counts as one of the ten characters: -000000001. Below
// -999999999 there are eleven.
const sequenceDigits = 10

// SequenceOf returns the number at the end of the name or path of a sequential node.
// It reports false if there is none.
//
// Order contenders by this number and not by their names: a name may begin with
// something else, such as a GUID. After 2^31 creates below one parent the number can
// be negative, or the same for several nodes. See Created.Sequence for the number of
// a node that this client has created.
//
// A hyphen before ten digits can be a sign or the end of the name. It is a sign if
// another hyphen stands before it, as in "lock--2147483647", or if the number would
// be too large without it.
func SequenceOf(name string) (number int32, ok bool) {
	at := len(name)
	for at > 0 && '0' <= name[at-1] && name[at-1] <= '9' && len(name)-at < sequenceDigits {
		at--
	}
	digits := len(name) - at
	signed := at > 0 && name[at-1] == '-'
	switch {
	case digits == sequenceDigits-1 && signed:
		at--
	case digits != sequenceDigits:
		return 0, false
	case signed && (at > 1 && name[at-2] == '-' || name[at:] > strconv.Itoa(math.MaxInt32)):
		at--
	}
	n, err := strconv.ParseInt(name[at:], 10, 32)
	if err != nil {
		return 0, false // too large
	}
	return int32(n), true
}

// sequenceBehind returns the number that the server appended to the path of a create,
// 0 if it appended none. The path tells a sign from a hyphen of the name.
func sequenceBehind(path, created string) int32 {
	suffix, ok := strings.CutPrefix(created, path)
	if !ok || suffix == "" {
		return 0
	}
	n, err := strconv.ParseInt(suffix, 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}
