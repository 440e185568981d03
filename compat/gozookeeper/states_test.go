package zk

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
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

// A process that was stopped notices a silence late. It does not wait on top of that: the
// servers may be about to expire the session.
func TestStates_ASilenceThatIsNoticedLateIsReportedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Conn{events: newEvents(nil)}
		defer c.events.end()
		c.states.events = c.events
		o := observer{c}
		o.connected("h", timeout, false)
		time.Sleep(timeout * 3 / 4)
		o.OnConnLost(zk.ConnLost{Addr: "h", Err: zk.ErrSilent})
		require.Equal(t, StateDisconnected, c.State())
	})
}
