package interop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
)

// A latch of Curator queues among our candidates with priorities. A leader can hand
// over to it, no candidate passes it, and ours lead after it.
func TestHandOver_CuratorsLatchKeepsItsTurn(t *testing.T) {
	r := sharedRig(t)
	dir := r.dir()
	first, err := election.New(r.c, dir, election.Config{ID: "first", Priority: 5}).Campaign(within(t))
	require.NoError(t, err)
	h := curatorLatch.contender(t, r, dir)
	require.Equal(t, "first", h.do(t, "leader"))
	acquired := h.order("acquire")
	await := func(n int) []election.Candidate {
		var list []election.Candidate
		require.Eventually(t, func() bool {
			list, err = election.New(r.c, dir, election.Config{}).Candidates(within(t))
			return err == nil && len(list) == n
		}, time.Minute, 5*time.Millisecond)
		return list
	}
	await(2)
	e := election.New(r.c, dir, election.Config{ID: "second", Priority: 9})
	next := make(chan *election.Leadership, 1)
	go func() {
		l, err := e.Campaign(t.Context())
		if err != nil {
			t.Errorf("campaign: %v", err)
		}
		next <- l
	}()
	list := await(3)
	require.Equal(t, []bool{false, true, false}, []bool{list[0].Foreign, list[1].Foreign, list[2].Foreign})

	require.ErrorIs(t, first.HandOver(within(t), "second"), election.ErrForeignAhead)
	require.NoError(t, first.Context().Err())
	require.NoError(t, first.HandOver(within(t), "theirs"))
	acquired.wait(t)
	require.Empty(t, next)
	leader, err := e.Leader(within(t))
	require.NoError(t, err)
	require.Equal(t, h.p.session, leader.Session)
	h.do(t, "release")
	l := <-next
	require.Greater(t, l.Token(), first.Token())
	require.NoError(t, l.Resign(within(t)))
	r.awaitEmpty(t, dir)
}
