package zk

import "strconv"

// nameOf names the value of an enumeration that starts at 0.
func nameOf[E ~uint8 | ~int32](e E, names ...string) string {
	if e >= 0 && int(e) < len(names) {
		return names[e]
	}
	return "unknown value " + strconv.Itoa(int(e))
}
