package zk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The timer of a silence runs on a goroutine of its own. The race detector looks on.
func TestStates_ASilenceEndsByItsTimer(t *testing.T) {
	s := &states{events: newEvents(nil)}
	s.granted(time.Millisecond, false, "h")
	s.silent()
	s.enter(StateDisconnected, "h")
	for e := range s.events.out {
		if e.State == StateDisconnected {
			break
		}
	}
	require.Equal(t, StateDisconnected, s.state())
	s.events.end()
}
