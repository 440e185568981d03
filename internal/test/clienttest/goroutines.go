package clienttest

import (
	"bytes"
	"regexp"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

var bubble = regexp.MustCompile(`(?m)^goroutine \d+.*, (synctest bubble \d+)[],]`)

// Goroutines counts the goroutines of the test's own bubble. runtime.NumGoroutine
// counts those of the whole process: what an earlier test left ends at any moment.
func Goroutines(t testing.TB) int {
	t.Helper()
	own := bubble.FindSubmatch(stacks(false))
	require.NotNil(t, own, "the test does not run in a bubble")
	n := 0
	for _, other := range bubble.FindAllSubmatch(stacks(true), -1) {
		if bytes.Equal(other[1], own[1]) {
			n++
		}
	}
	return n
}

// stacks returns the stack of the calling goroutine, or of all.
func stacks(all bool) []byte {
	for size := 64 << 10; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, all); n < size {
			return buf[:n]
		}
	}
}
