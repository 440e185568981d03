package rarely_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/rarely"
)

// A line is due at once, after 10 s, after a minute, and then every five minutes.
func TestFailures_LinesAreDueLessAndLessOften(t *testing.T) {
	var f rarely.Failures
	start := time.Unix(0, 0)
	var due []time.Duration
	for at := time.Duration(0); at < 13*time.Minute; at += time.Second {
		if f.More(start.Add(at)) {
			due = append(due, at)
		}
	}
	require.Equal(t, []time.Duration{0, 10 * time.Second, time.Minute, 6 * time.Minute, 11 * time.Minute}, due)
	require.Equal(t, 13*60, f.Count)
	require.Equal(t, start, f.Since)
	require.Equal(t, time.Hour, f.For(start.Add(time.Hour)))
}
