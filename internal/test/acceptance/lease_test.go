package acceptance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

// ticking is an ensemble that has only a tick.
type ticking struct{ pinged }

func (ticking) Tick() time.Duration { return 2 * time.Second }

// The table counts a holder whose context lived after its rival had the lock. It
// also counts a holder that would have lived only with the control's lease.
func TestLease_DetectsTwoHolders(t *testing.T) {
	s := &trial{e: ticking{}, known: 1970 * ms} // the sessions expire at 6 s
	for name, c := range map[string]struct {
		lived, wrote, taken time.Duration
		want                fate
	}{
		"in time":                   {5700 * ms, 0, 6010 * ms, fate{struck: true, margin: 310 * ms}},
		"two holders":               {6011 * ms, 0, 6010 * ms, fate{struck: true, margin: -ms}},
		"two with the control":      {5700 * ms, 3600 * ms, 6010 * ms, fate{struck: true, margin: 310 * ms, control: 90 * ms}},
		"not even with the control": {5700 * ms, 3400 * ms, 6010 * ms, fate{struck: true, margin: 310 * ms, control: -110 * ms}},
		"the stall did nothing":     {7700 * ms, 0, 8010 * ms, fate{margin: 310 * ms}},
		"the session was closed":    {5900 * ms, 0, 5990 * ms, fate{margin: 90 * ms}},
	} {
		d := &duels{timeout: 4 * time.Second, n: 1, ended: []report{{At: c.lived, From: c.wrote}}, taken: []time.Duration{c.taken}}
		require.Equal(t, c.want, s.fate(d, 0), name)
	}
}

func TestLease_TheTableCountsWhatItIsGiven(t *testing.T) {
	table := leaseTable{rows: map[leaseKey]*leaseRow{}}
	name := stalls[0].name
	round, counts := table.take(name, []fate{{struck: true, margin: 300 * ms}, {struck: true, margin: -20 * ms, control: 50 * ms}})
	require.True(t, counts)
	require.Equal(t, leaseRow{holders: 2, struck: 2, overlaps: 1, smallest: -20 * ms, deceived: 1, worst: 50 * ms}, round)
	_, counts = table.take(name, make([]fate, 16))
	require.False(t, counts, "no session expired when it was to")
	require.Equal(t, 1, table.deceived())
	require.Equal(t, leaseRow{rounds: 1, holders: 9, struck: 1}, *table.rows[leaseKey{name, true}])
	require.Equal(t, leaseRow{rounds: 1, holders: 9, struck: 1, overlaps: 1, smallest: -20 * ms, deceived: 1, worst: 50 * ms},
		*table.rows[leaseKey{name, false}])
	require.Contains(t, table.String(), "1 rounds, 18 holders, 2 struck, 1 overlaps, smallest margin -20ms; the control found 1")
}

func TestAfter_IsTheNextInstantOfAPhase(t *testing.T) {
	for _, c := range []struct{ from, phase, want time.Duration }{
		{10, 3, 13}, {13, 3, 13}, {14, 3, 23}, {0, 0, 0}, {19, 0, 20},
	} {
		require.Equal(t, c.want, after(c.from, c.phase, 10))
	}
}
