package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ms returns a time.
func ms(n int) time.Time { return time.Unix(0, int64(n)*int64(time.Millisecond)) }

func work(who string, from, to int) event {
	return event{who: who, at: ms(to), kind: "work", number: 1, teller: "t", from: ms(from), to: ms(to)}
}

func is(who, kind string, at int) event {
	return event{who: who, at: ms(at), kind: kind, number: 1, teller: "t"}
}

func TestJudge_TwoHoldersWorkAtOnce(t *testing.T) {
	v := judge([]event{work("A", 0, 500), work("A", 500, 1000), work("B", 900, 2000)}, "t")
	require.True(t, v.Together)
	require.Equal(t, 100*time.Millisecond, v.Overlap)
}

func TestJudge_ASingleUnitOfWorkCounts(t *testing.T) {
	v := judge([]event{work("A", 0, 500), work("B", 600, 2000), work("A", 700, 700)}, "t")
	require.True(t, v.Together)
	require.Zero(t, v.Overlap)
}

func TestJudge_OneAfterTheOther(t *testing.T) {
	v := judge([]event{work("A", 0, 500), work("B", 501, 700), work("A", 800, 900)}, "t")
	require.False(t, v.Together)
	require.Zero(t, v.Overlap)
}

func TestJudge_OtherTellersDoNotCount(t *testing.T) {
	events := []event{work("A", 0, 500), work("B", 400, 700)}
	events[1].teller = "other"
	require.False(t, judge(events, "t").Together)
	require.Equal(t, []string{"other", "t"}, tellers(events))
}

func TestJudge_Silent(t *testing.T) {
	lost := []event{is("A", "holds", 0), is("A", "lost", 100), is("A", "ends", 110)}
	v := judge(lost, "t")
	require.True(t, v.Lost)
	require.True(t, v.Silent)

	told := []event{is("A", "holds", 0), is("A", "told", 50), is("A", "lost", 100)}
	v = judge(told, "t")
	require.True(t, v.Lost)
	require.False(t, v.Silent)

	late := []event{is("A", "holds", 0), is("A", "lost", 100), is("A", "told", 150)}
	require.True(t, judge(late, "t").Silent)

	again := []event{is("A", "holds", 0), is("A", "told", 50), is("A", "ends", 60), is("A", "holds", 70), is("A", "lost", 100)}
	again[3].number = 2
	require.False(t, judge(again, "t").Silent, "it was told, and leads again")
	require.True(t, judge(append(again, is("A", "ends", 110), is("A", "holds", 120), is("A", "lost", 130)), "t").Silent)

	kept := []event{is("A", "holds", 0), is("A", "kept", 100)}
	require.False(t, judge(kept, "t").Lost)

	other := []event{is("A", "holds", 0), is("B", "holds", 0), is("B", "told", 10), is("A", "lost", 100)}
	require.True(t, judge(other, "t").Silent, "B was told, and A was not")
}
