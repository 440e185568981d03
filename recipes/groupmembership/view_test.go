package groupmembership

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
)

func at(id, data string, czxid, mzxid int64) change {
	m, ok := memberOf(id, []byte(data), zk.Stat{Czxid: czxid, Mzxid: mzxid, EphemeralOwner: 7}, nil)
	return change{id: id, m: m, there: ok}
}

func gone(id string) change { return change{id: id} }

func TestView_Apply(t *testing.T) {
	ids := func(ms []Member) string {
		out := ""
		for _, m := range ms {
			out += m.ID
		}
		return out
	}
	steps := []struct {
		name                           string
		read                           []change
		members, joined, left, changed string
		news                           bool
	}{
		{name: "the first, empty", news: true},
		{name: "still empty"},
		{name: "two, in any order", read: []change{at("c", "1", 5, 5), at("a", "1", 4, 4)}, members: "ac", joined: "ac", news: true},
		{name: "the same", read: []change{at("a", "1", 4, 4)}, members: "ac"},
		{name: "one between", read: []change{at("b", "1", 6, 6)}, members: "abc", joined: "b", news: true},
		{name: "new data", read: []change{at("b", "2", 6, 7)}, members: "abc", changed: "b", news: true},
		{name: "the same data written again", read: []change{at("b", "2", 6, 8)}, members: "abc", changed: "b", news: true},
		{name: "another registration", read: []change{at("b", "2", 9, 9)}, members: "abc", joined: "b", left: "b", news: true},
		{name: "gone, and one that never was", read: []change{gone("a"), gone("x")}, members: "bc", left: "a", news: true},
		{name: "one comes, one goes", read: []change{at("d", "", 10, 10), gone("c")}, members: "bd", joined: "d", left: "c", news: true},
		{name: "nobody", read: []change{gone("d"), gone("b")}, left: "bd", news: true},
	}
	var v view
	zxid := int64(0)
	for _, s := range steps {
		got, news := v.apply(s.read, 0)
		require.Equal(t, s.news, news, s.name)
		require.Equal(t, []string{s.members, s.joined, s.left, s.changed},
			[]string{ids(got.Members()), ids(got.Joined), ids(got.Left), ids(got.Changed)}, s.name)
		require.GreaterOrEqual(t, got.Zxid, zxid, s.name)
		zxid = got.Zxid
	}
	require.EqualValues(t, 10, zxid)
}

func TestView_StaleIsReportedOnceAndEndsWithTheNextView(t *testing.T) {
	var v view
	_, news := v.lost(time.Now())
	require.False(t, news, "nothing is known yet")
	v.apply([]change{at("a", "1", 4, 4)}, 9)
	since := time.Now()
	s, news := v.lost(since)
	require.True(t, news)
	require.Equal(t, Snapshot{tree: v.tree, Stale: true, Since: since, Zxid: 9}, s)
	_, news = v.lost(time.Now())
	require.False(t, news)
	s, news = v.apply([]change{at("a", "1", 4, 4)}, 9)
	require.True(t, news)
	require.False(t, s.Stale)
	require.Empty(t, s.Joined)
}

// What a reader does to what it got shows nowhere else, and no later change shows
// in an earlier snapshot.
func TestView_WhatIsGivenOutIsTheReadersOwn(t *testing.T) {
	spoil := func(ms []Member) {
		for i := range ms {
			ms[i].ID = "spoilt"
			copy(ms[i].Data, "spoilt")
		}
	}
	data := func(s Snapshot) (out []string) {
		for _, m := range s.Members() {
			out = append(out, m.ID+"="+string(m.Data))
		}
		return out
	}
	var v view
	first, _ := v.apply([]change{at("a", "1", 4, 4), at("b", "1", 5, 5)}, 0)
	second, _ := v.apply([]change{at("a", "2", 4, 6)}, 0)
	third, _ := v.apply([]change{gone("a")}, 0)
	for _, s := range []Snapshot{first, second, third} {
		spoil(s.Joined)
		spoil(s.Changed)
		spoil(s.Left)
		spoil(s.Members())
	}
	require.Equal(t, []string{"a=1", "b=1"}, data(first))
	require.Equal(t, []string{"a=2", "b=1"}, data(second))
	require.Equal(t, []string{"b=1"}, data(third))
}

// A container and a persistent node are no members; what cannot be read is, and so
// is a node of which the server does not even show the Stat.
func TestMember_IsEphemeral(t *testing.T) {
	for owner, want := range map[int64]bool{0: false, -1 << 63: false, 7: true, -7: true} {
		_, ok := memberOf("a", nil, zk.Stat{Czxid: 1, EphemeralOwner: owner}, zk.ErrNoAuth)
		require.Equal(t, want, ok, "owner %d", owner)
	}
	_, ok := memberOf("a", nil, zk.Stat{}, zk.ErrNoAuth)
	require.True(t, ok)
}
