package election_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Whenever a leadership ends, a candidate of the highest priority leads next, among
// equals the first in the queue. A priority never ends a leadership. Candidates show
// their priorities.
func TestPriority_DecidesAtEveryVacancy(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		for _, one := range []struct {
			id string
			p  int
		}{{"a", -3}, {"b", 1}, {"c", 5}, {"d", 1}, {"e", 5}, {"f", 0}, {"g", math.MaxInt32}} {
			c.join(one.id, one.p)
		}
		id, _ := c.leader()
		require.Equal(t, "a", id, "deposed")
		list, err := election.New(c.clients["a"], "/e", election.Config{}).Candidates(t.Context())
		require.NoError(t, err)
		shown := ""
		for _, one := range list {
			require.False(t, one.Foreign)
			require.Equal(t, string(one.Data) == "a", one.Leader)
			shown += fmt.Sprintf("%s%d ", one.Data, one.Priority)
		}
		require.Equal(t, "a-3 b1 c5 d1 e5 f0 g2147483647 ", shown)
		c.onceEach()
		order := ""
		for range 7 {
			id, l := c.leader()
			order += id
			c.leaves(id)
			require.NoError(t, l.Resign(t.Context()))
		}
		require.Equal(t, "agcebdf", order)
		time.Sleep(time.Second)
		require.Empty(t, srv.Children("/e"), "who resigned has left")
		c.runs.Wait()
	})
}

// The named candidate leads next, with any priorities.
func TestPriority_YieldsToAHandOver(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		for i, id := range []string{"a", "b", "c", "d"} {
			c.join(id, 4-i)
		}
		_, a := c.leader()
		require.NoError(t, a.HandOver(t.Context(), "d"))
		id, d := c.leader()
		require.Equal(t, "d", id)
		require.NoError(t, d.HandOver(t.Context(), ""))
		id, _ = c.leader()
		require.Equal(t, "a", id, "and after that the priorities hold again")
		c.end()
		c.runs.Wait()
	})
}

// With a foreign candidate in between, standing aside would help only that one. No
// candidate does it.
func TestPriority_NoStandingAsideForAForeignCandidate(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		c.join("a", 0)
		c.join("b", 0)
		foreign, err := connect(t, srv).Create(t.Context(), "/e/_c_01234567-89ab-cdef-0123-456789abcdef-latch-", nil, zk.EphemeralSequential)
		require.NoError(t, err)
		c.join("c", 9)
		_, a := c.leader()
		require.NoError(t, a.Resign(t.Context()))
		id, _ := c.leader()
		require.Equal(t, "b", id)
		require.NoError(t, srv.Delete(foreign.Path))
		c.end()
		c.runs.Wait()
	})
}

// Candidates of a high priority join and die over and over. They cannot keep the others
// from leading for ever.
func TestPriority_NoLivelock(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		for _, id := range []string{"a", "b", "c"} {
			c.join(id, 0)
		}
		_, a := c.leader()
		// Whenever a candidate's turn is about to come, one of the highest priority has
		// just joined. When its own turn comes, it is gone.
		var mu sync.Mutex
		ghosts, last := 0, ""
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if r.Op == "delete" || r.Op == "multi" {
				_ = srv.Delete(last)
				ghosts++
				last = fmt.Sprintf("/e/_c_01234567-89ab-cdef-0123-%012d-z99-latch-%010d", ghosts, 1_000_000+ghosts)
				_ = srv.Create(last, nil)
			}
			return zktest.Pass
		})
		require.NoError(t, a.HandOver(t.Context(), ""))
		time.Sleep(time.Minute)
		id, _ := c.leader()
		require.NotEmpty(t, id)
		require.Greater(t, ghosts, 3, "no candidate had to stand aside")
		require.Less(t, ghosts, 40)
		srv.OnRequest(nil)
		for _, name := range srv.Children("/e") {
			if srv.Owner("/e/"+name) == 0 {
				require.NoError(t, srv.Delete("/e/"+name))
			}
		}
		c.end()
		c.runs.Wait()
	})
}

// A priority that does not fit into the name of a node is refused.
func TestPriority_ThatCannotBe(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		impossible := []election.Config{{Priority: 1, Dialect: recipes.Kazoo}}
		if least, most := math.MinInt32, math.MaxInt32; math.MaxInt > most { // where an int is 32 bits long, all its values fit
			impossible = append(impossible, election.Config{Priority: most + 1}, election.Config{Priority: least - 1})
		}
		for _, cfg := range impossible {
			_, err := election.New(c, "/e", cfg).Campaign(t.Context())
			require.ErrorIs(t, err, election.ErrPriority)
			require.ErrorContains(t, err, fmt.Sprint(cfg.Priority))
			lead := func(context.Context, *election.Leadership) error { return nil }
			require.ErrorIs(t, election.New(c, "/e", cfg).Run(t.Context(), lead), election.ErrPriority)
		}
		for _, p := range []int{math.MinInt32, math.MaxInt32} {
			l, err := election.New(c, "/e", election.Config{Priority: p}).Campaign(t.Context())
			require.NoError(t, err)
			list, err := election.New(c, "/e", election.Config{}).Candidates(t.Context())
			require.NoError(t, err)
			require.Equal(t, p, list[0].Priority)
			require.NoError(t, l.Resign(t.Context()))
		}
	})
}

// In kazoo's dialect all candidates look alike: a leader can name the next one, but
// none behind it.
func TestHandOver_InKazoosDialect(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		campaign := func(id string) <-chan *election.Leadership {
			e := election.New(connect(t, srv), "/e", election.Config{ID: id, Dialect: recipes.Kazoo})
			out := make(chan *election.Leadership, 1)
			go func() {
				l, err := e.Campaign(t.Context())
				require.NoError(t, err)
				out <- l
			}()
			synctest.Wait()
			return out
		}
		a, b, c := <-campaign("a"), campaign("b"), campaign("c")
		require.ErrorIs(t, a.HandOver(t.Context(), "c"), election.ErrForeignAhead)
		require.NoError(t, a.Context().Err())
		require.NoError(t, a.HandOver(t.Context(), "b"))
		require.ErrorIs(t, context.Cause(a.Context()), election.ErrHandedOver)
		two := <-b
		require.NoError(t, two.HandOver(t.Context(), ""))
		require.NoError(t, (<-c).Resign(t.Context()))
	})
}
