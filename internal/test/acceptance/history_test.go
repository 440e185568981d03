package acceptance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func interval(from, to time.Duration, owner int, token int64) []event {
	return []event{
		{at: from, name: "one", owner: owner, token: token, acquired: true},
		{at: to, name: "one", owner: owner, token: token},
	}
}

func TestHistory_CheckersDistinguishGoodFromBad(t *testing.T) {
	for name, c := range map[string]struct {
		claims [][]event
		good   bool
	}{
		"nothing":              {nil, true},
		"one after the other":  {[][]event{interval(3, 4, 2, 2), interval(1, 2, 1, 1)}, true},
		"one owner twice":      {[][]event{interval(1, 2, 1, 1), interval(3, 4, 1, 7)}, true},
		"touching":             {[][]event{interval(1, 2, 1, 1), interval(2, 3, 2, 2)}, true},
		"over before recorded": {[][]event{interval(1, 1, 1, 1), interval(2, 3, 2, 2)}, true},
		"never ended, alone":   {[][]event{interval(1, 2, 1, 1), interval(3, 4, 2, 2)[:1]}, true},
		"overlap":              {[][]event{interval(1, 5, 1, 1), interval(3, 7, 2, 2)}, false},
		"one inside another":   {[][]event{interval(1, 9, 1, 1), interval(3, 4, 2, 2)}, false},
		"double grant":         {[][]event{interval(1, 5, 1, 1), interval(1, 5, 2, 2)}, false},
		"one owner at a time":  {[][]event{interval(1, 5, 1, 1), interval(3, 7, 1, 2)}, false},
		"never ended":          {[][]event{interval(1, 2, 1, 1)[:1], interval(3, 4, 2, 2)}, false},
		"token falls":          {[][]event{interval(1, 2, 1, 5), interval(3, 4, 2, 4)}, false},
		"token again":          {[][]event{interval(1, 2, 1, 5), interval(3, 4, 2, 5)}, false},
		"no token":             {[][]event{interval(1, 2, 1, 0)}, false},
		"end without a claim":  {[][]event{interval(1, 2, 1, 1)[1:]}, false},
		"end of another's":     {[][]event{interval(1, 3, 1, 1)[:1], interval(1, 3, 2, 1)[1:]}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var h history
			for _, events := range c.claims {
				for _, e := range events {
					h.add(e)
				}
			}
			all, err := h.byName()
			require.NoError(t, err)
			events := all["one"]
			if c.good {
				require.NoError(t, sweep(events))
				require.NoError(t, linearizable(events))
				require.NoError(t, h.check())
			} else {
				require.Error(t, sweep(events))
				require.Error(t, linearizable(events))
				require.Error(t, h.check())
			}
		})
	}
}

// Claims of two locks do not overlap, and each lock has its own tokens.
func TestHistory_LocksAreApart(t *testing.T) {
	var h history
	for _, e := range append(interval(1, 9, 1, 7), interval(2, 3, 2, 3)...) {
		if e.owner == 2 {
			e.name = "two"
		}
		h.add(e)
	}
	require.NoError(t, h.check())
}

// A long history is checked in segments. An error at their borders, or across them,
// is found too.
func TestHistory_PiecesHideNothing(t *testing.T) {
	long := func() (list []event) {
		for i := range 3 * segment {
			at := time.Duration(10 * (i + 1))
			list = append(list, interval(at, at+5, i%7, int64(i+1))...)
		}
		return list
	}
	require.NoError(t, linearizable(long()))
	for _, at := range []int{segment - 2, segment - 1, segment, segment + 1, 2*segment - 1} {
		bad := long()
		bad[at].token = 1 // falls, or an end of another claim
		require.Error(t, linearizable(bad), at)
		require.Error(t, sweep(bad), at)
		bad = long()
		bad[at].owner = 99
		require.Error(t, linearizable(bad), at)
		require.Error(t, sweep(bad), at)
	}
}

// The claims of a session that the suite has ended count until then. A holder that
// learns of it too late is still reported, and so is every other overlap.
func TestHistory_RevokedSessions(t *testing.T) {
	var h history
	h.revoke(77)
	cut := h.revoked[77].from
	h.revoked[77] = revocation{from: cut, till: cut + 2}
	add := func(from, to time.Duration, owner int, token, session int64) {
		list := interval(cut+from, cut+to, owner, token)
		list[0].session = session
		h.add(list[0])
		h.add(list[1])
	}
	add(-5, 10, 1, 1, 77) // it learned a little late
	add(3, 20, 2, 2, 78)  // meanwhile another has it
	add(4, 12, 1, 3, 77)  // acquired by a client that does not know yet
	add(30, 40, 3, 4, 78) // back to normal
	require.NoError(t, h.check())

	add(35, 50, 4, 5, 79)
	require.Error(t, h.check())
	h.list = h.list[:len(h.list)-2]
	require.NoError(t, h.check())
	add(-20, soon+3, 5, 0x10, 77)
	require.ErrorContains(t, h.check(), "went on")
}
