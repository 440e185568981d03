package acceptance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// of returns the claims of one owner over a time.
func of(name string, from, to time.Duration, owner int, token int64, change func(*event)) []event {
	list := interval(from, to, owner, token)
	for i := range list {
		list[i].name = name
		change(&list[i])
	}
	return list
}

func asReader(e *event) { e.reader = true }
func asWriter(*event)   {}
func taking(n int) func(*event) {
	return func(e *event) { e.permits = n }
}

// downgraded returns a writer's claim that continues as a reader's.
func downgraded(from, at, to time.Duration, owner int, token int64) []event {
	list := of(sharedLock, from, to, owner, token, asWriter)
	list[1].reader = true
	return append(list, event{at: at, name: sharedLock, owner: owner, token: token, acquired: true, reader: true})
}

func TestHistory_ReadersAndPermits(t *testing.T) {
	rw := func(from, to time.Duration, owner int, token int64, as func(*event)) []event {
		return of(sharedLock, from, to, owner, token, as)
	}
	sem := func(from, to time.Duration, owner int, token int64, n int) []event {
		return of(semaphore, from, to, owner, token, taking(n))
	}
	for name, c := range map[string]struct {
		claims [][]event
		good   bool
	}{
		"readers together":                  {[][]event{rw(1, 5, 1, 1, asReader), rw(2, 4, 2, 2, asReader)}, true},
		"readers reported in another order": {[][]event{rw(1, 5, 1, 2, asReader), rw(2, 4, 2, 1, asReader)}, true},
		"writers in turn":                   {[][]event{rw(1, 2, 1, 1, asWriter), rw(3, 4, 2, 2, asWriter)}, true},
		"a reader among writers":            {[][]event{rw(1, 2, 1, 1, asWriter), rw(3, 4, 2, 2, asReader), rw(5, 6, 3, 3, asWriter)}, true},
		"writers together":                  {[][]event{rw(1, 5, 1, 1, asWriter), rw(2, 4, 2, 2, asWriter)}, false},
		"a writer comes to a reader":        {[][]event{rw(1, 5, 1, 1, asReader), rw(2, 4, 2, 2, asWriter)}, false},
		"a reader comes to a writer":        {[][]event{rw(1, 5, 1, 1, asWriter), rw(2, 4, 2, 2, asReader)}, false},
		"a writer's token falls":            {[][]event{rw(1, 2, 1, 5, asWriter), rw(3, 4, 2, 4, asWriter)}, false},
		"downgraded beside a reader":        {[][]event{downgraded(1, 3, 9, 1, 1), rw(4, 6, 2, 2, asReader)}, true},
		"downgraded, then a writer":         {[][]event{downgraded(1, 3, 5, 1, 1), rw(6, 7, 2, 2, asWriter)}, true},
		"a writer at the downgrade":         {[][]event{downgraded(1, 3, 9, 1, 1), rw(4, 6, 2, 2, asWriter)}, false},
		"a reader before the downgrade":     {[][]event{downgraded(1, 3, 9, 1, 1), rw(2, 6, 2, 2, asReader)}, false},
		"permits up to the limit":           {[][]event{sem(1, 5, 1, 1, 3), sem(2, 4, 2, 2, 1)}, true},
		"permits reported in another order": {[][]event{sem(1, 5, 1, 2, 2), sem(2, 4, 2, 1, 2)}, true},
		"permits given back":                {[][]event{sem(1, 2, 1, 1, 4), sem(3, 4, 2, 2, 4)}, true},
		"a permit too many":                 {[][]event{sem(1, 5, 1, 1, 3), sem(2, 4, 2, 2, 2)}, false},
		"more than there are":               {[][]event{sem(1, 5, 1, 1, semaphoreLimit+1)}, false},
		"given back twice":                  {[][]event{sem(1, 5, 1, 1, 3), sem(1, 6, 1, 1, 3)[1:]}, false},
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
			for _, events := range all {
				if c.good {
					require.NoError(t, sweep(events))
					require.NoError(t, linearizable(events))
				} else {
					require.Error(t, sweep(events))
					require.Error(t, linearizable(events))
				}
			}
		})
	}
}

func TestRounds_CheckersDistinguishGoodFromBad(t *testing.T) {
	const s = time.Second
	in := func(who int, from, at time.Duration, round int64) report {
		return report{What: entered, Who: who, From: from, At: at, Round: round}
	}
	out := func(who int, from, at time.Duration) report {
		return report{What: refused, Who: who, From: from, At: at}
	}
	for name, c := range map[string]struct {
		reports []report
		good    bool
	}{
		"all":                            {[]report{in(0, 1*s, 4*s, 1), in(1, 2*s, 4*s, 1), in(2, 3*s, 5*s, 1)}, true},
		"round after round":              {[]report{in(0, 1, 4, 1), in(1, 2, 4, 1), in(2, 3, 5, 1), in(0, 6, 9, 2), in(1, 7, 9, 2), in(2, 8, 9, 2)}, true},
		"one had to give up":             {[]report{in(0, 1*s, 4*s, 1), in(1, 2*s, 4*s, 1), out(2, 3*s, 3*s+1)}, true},
		"one never asked":                {[]report{in(0, 1*s, 4*s, 1), in(1, 2*s, 4*s, 1)}, false},
		"one asked later":                {[]report{in(0, 1*s, 4*s, 1), in(1, 2*s, 4*s, 1), in(2, 5*s, 6*s, 1)}, false},
		"one gave up long before":        {[]report{in(0, 1*s, 40*s, 1), in(1, 2*s, 40*s, 1), out(2, 3*s, 4*s)}, false},
		"by what is left of a round":     {[]report{in(0, 1, 4, 1), in(1, 2, 4, 1), in(2, 3, 5, 1), in(0, 60*s, 61*s, 2)}, false},
		"one is left behind":             {[]report{in(0, 1*s, 4*s, 1), in(1, 2*s, 4*s, 1), out(2, 3*s, 3*s+partyPatience)}, false},
		"twice in one round":             {[]report{in(0, 1, 4, 1), in(1, 2, 4, 1), in(2, 3, 5, 1), in(0, 6, 7, 1)}, false},
		"no party came in all that time": {[]report{out(0, 1*s, 1*s+partyPatience)}, true},
		"the others came a moment late":  {[]report{out(2, 1*s, 1*s+partyPatience), in(0, 2*s, 15*s, 1), in(1, 2*s, 15*s, 1)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := rounds(c.reports); c.good {
				require.NoError(t, err)
			} else {
				require.Error(t, err)
			}
		})
	}
}

func TestViews_AgreeAndFlap(t *testing.T) {
	v := newViews()
	require.False(t, v.agree(1), "no reader has looked yet")
	v.take(report{What: saw, Who: 1})
	require.True(t, v.agree(1))
	require.False(t, v.agree(2))
	v.take(report{What: joined, Member: "a"})
	require.False(t, v.agree(1))
	v.take(report{What: saw, Who: 1, Members: []string{"a"}})
	require.True(t, v.agree(1))
	v.take(report{What: saw, Who: 1, Members: []string{"a"}, Stale: true})
	require.False(t, v.agree(1))

	v.take(report{What: updated, Member: "a", Session: 7, From: 10})
	v.take(report{What: saw, Who: 1, At: 11, Gone: []gone{{"a", 7}}})
	require.NoError(t, v.flaps(), "it may have left since")
	v.take(report{What: updated, Member: "a", Session: 8, From: 20})
	require.NoError(t, v.flaps(), "in the next session")
	v.take(report{What: updated, Member: "a", Session: 7, From: 12})
	require.Error(t, v.flaps())
}

func TestGrowth_ComparesQuarters(t *testing.T) {
	weights := func(last uint64) (list []report) {
		for i := range 40 {
			heap := uint64(100 + i%3)
			if i >= 30 {
				heap = last
			}
			list = append(list, report{At: time.Duration(i), Client: 1, Heap: heap}, report{At: time.Duration(i), Client: 2, Heap: 100})
		}
		return list
	}
	_, _, err := growth(weights(120), 0, 40)
	require.NoError(t, err)
	second, last, err := growth(weights(140), 0, 40)
	require.Error(t, err)
	require.Equal(t, [2]uint64{101, 140}, [2]uint64{second, last})
	_, _, err = growth(weights(100)[:40], 0, 40)
	require.Error(t, err, "nothing was weighed in the last quarter")
}

func TestPulse_CountsTheGapThatIsNotOverYet(t *testing.T) {
	at := now()
	p := pulse{last: at - 3*missed, gaps: []gap{{at - 9*missed, at - 7*missed}}}
	require.GreaterOrEqual(t, p.lost(at-8*missed), 4*missed, "one missed beat of the gap before, and three that are going on")
	require.Less(t, p.lost(at-8*missed), 5*missed)
	require.GreaterOrEqual(t, p.lost(at-missed), missed)
	require.GreaterOrEqual(t, p.beat(), 3*missed)
	require.Less(t, p.lost(at-8*missed), 5*missed, "and not twice")
}
