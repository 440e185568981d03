package zk

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A room of two places, step by step:
//
//	enter a        a gets a place
//	wait a         a joins the line
//	leave a        a leaves its place, and no call waits for it
//	leave a b      a leaves its place, and b gets it
//	give up a      a leaves the line
//	too late a     a wants to leave the line, but is no longer in it
//	turn away A B  all calls with capital names, here A and B, leave the line
//
// Calls whose name begins with "i" are internal.
func TestRoom(t *testing.T) {
	for _, steps := range []string{
		"enter a, enter b, leave a, enter c, leave b, leave c",
		"enter a, enter b, wait c, wait d, leave a c, leave b d, leave c, leave d",
		"enter a, enter b, wait c, wait d, wait e, give up d, leave a c, leave b e, leave c, leave e",
		"enter a, enter b, wait c, leave a c, too late c, leave c, enter d, leave b, leave d",
		"enter a, enter b, wait C, wait d, wait E, turn away C E, too late C, leave a d, leave b, leave d",
		"enter a, enter b, turn away, leave a, leave b",
		"enter a, enter i1, enter i2, enter b, enter i3, wait c, leave i1, leave i2, leave a c, leave i3, leave b, leave c",
	} {
		r := &room{places: 2}
		calls := map[string]*call{}
		named := func(name string) *call {
			cl := calls[name]
			if cl == nil {
				cl = &call{path: name}
				cl.internal = strings.HasPrefix(name, "i")
				cl.req.Owner = cl
				calls[name] = cl
			}
			return cl
		}
		for step := range strings.SplitSeq(steps, ", ") {
			what := strings.Fields(step)
			last := what[len(what)-1]
			switch what[0] {
			case "enter", "wait":
				require.Equal(t, what[0] == "enter", r.enter(named(last)), "%s in %s", step, steps)
			case "leave":
				var next *call
				if len(what) > 2 {
					next = named(last)
				}
				require.Same(t, next, r.leave(named(what[1])), "%s in %s", step, steps)
			case "give", "too":
				require.Equal(t, what[0] == "give", r.giveUp(named(last)), "%s in %s", step, steps)
			case "turn":
				names := []string{}
				for _, cl := range r.turnAway(func(cl *call) bool { return cl.path < "a" }) {
					names = append(names, cl.path)
				}
				require.Equal(t, what[2:], names, "%s in %s", step, steps)
			}
			require.LessOrEqual(t, r.taken, r.places)
		}
		require.Zero(t, r.taken, steps)
		require.Zero(t, r.line.Len(), steps)
	}
}
