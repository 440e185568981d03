package zk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChances_EachChangeOfTheList(t *testing.T) {
	for _, c := range []struct {
		name                string
		before, kept, after int
		leave, toKept       float64
	}{
		{"the same", 3, 3, 3, 0, 0},
		{"one more", 3, 3, 4, 1.0 / 4, 0},
		{"twice as many", 3, 3, 6, 1.0 / 2, 0},
		{"the first two more", 1, 1, 3, 2.0 / 3, 0},
		{"one replaced, one more", 3, 2, 4, 1.0 / 4, 0},
		{"one less", 4, 3, 3, 0, 1},
		{"one left", 5, 1, 1, 0, 1},
		{"one replaced", 3, 2, 3, 0, 0},
		{"two replaced by one", 5, 3, 4, 0, 3 * (1.0/4 - 1.0/5) / (2.0 / 5)},
		{"all replaced by fewer", 5, 0, 3, 0, 0},
		{"all replaced by as many", 3, 0, 3, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := chancesOf(c.before, c.kept, c.after)
			require.InDelta(t, c.leave, got.leave, 1e-12)
			require.InDelta(t, c.toKept, got.kept, 1e-12)
		})
	}
}

// For every change of lists of up to nine servers, the chances lead from equal shares
// to equal shares, and no more clients move than must: those of the removed servers, or
// those that the added ones need, whichever are more.
func TestChances_LeadFromEqualSharesToEqualShares(t *testing.T) {
	for before := 1; before <= 9; before++ {
		for after := 1; after <= 9; after++ {
			for kept := 0; kept <= min(before, after); kept++ {
				c := chancesOf(before, kept, after)
				n, k, m := float64(before), float64(kept), float64(after)
				removed := (n - k) / n   // of all clients, those of the removed servers
				leave := k / n * c.leave // those that leave kept servers: to added ones
				atKept := k/n - leave + removed*c.kept
				name := fmt.Sprintf("%d servers, %d kept, then %d", before, kept, after)
				if kept == after {
					atKept = k/n - leave + removed // there is no added server to go to
				}
				require.InDelta(t, k/m, atKept, 1e-9, name)
				require.InDelta(t, max(removed, 1-k/m), leave+removed, 1e-9, name)
				require.True(t, c.leave >= 0 && c.leave <= 1 && c.kept >= 0 && c.kept <= 1+1e-9, name)
			}
		}
	}
}

// Ten thousand clients follow a list that grows, shrinks and is replaced. After each
// change every server has its share, within five standard deviations, and so many
// clients have moved as must.
func TestRebalance_TenThousandClientsStayEvenAndFewMove(t *testing.T) {
	const clients = 10_000
	rnd := rand.New(rand.NewPCG(1, 2))
	lists := [][]string{
		{"a", "b", "c"},
		{"a", "b", "c", "d", "e"},
		{"b", "c", "d", "e"},
		{"b", "c", "d", "f"},
		{"c", "f"},
		{"g", "h", "i", "j", "k"},
		{"g", "h", "x", "y", "z", "u", "v"},
		{"x"},
		{"x", "a", "b"},
		{"x", "a", "b"},
		{"b", "x", "c"},
		{"q", "r"},
	}
	at := make([]string, clients)
	for i := range at {
		at[i] = lists[0][rnd.IntN(len(lists[0]))]
	}
	for i, after := range lists[1:] {
		before := lists[i]
		moved := 0
		count := map[string]int{}
		for i, h := range at {
			order := rebalanced(before, after, h, rnd)
			if i < 100 {
				require.ElementsMatch(t, after, order)
			}
			if at[i] = order[0]; at[i] != h {
				moved++
			}
			count[at[i]]++
		}
		share := 1 / float64(len(after))
		for _, h := range after {
			require.InDelta(t, clients*share, count[h], 5*math.Sqrt(clients*share*(1-share)), "%v to %v: %v", before, after, count)
		}
		kept := 0
		for _, h := range after {
			if slices.Contains(before, h) {
				kept++
			}
		}
		n, k, m := float64(len(before)), float64(kept), float64(len(after))
		must := max((n-k)/n, 1-k/m)
		require.InDelta(t, clients*must, moved, 5*math.Sqrt(clients*must*(1-must)), "%v to %v", before, after)
	}
}

// A client that is to leave a server of the new list tries the added ones, and then
// its own one: it must not go to another kept one.
func TestRebalance_OrderOfTheServersToTry(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	stayed, first := 0, map[string]int{}
	for range 1000 {
		order := rebalanced([]string{"a", "b"}, []string{"a", "b", "c", "d"}, "a", rnd)
		if order[0] == "a" {
			stayed++
			first[order[1]]++ // if a fails, any other one may be next
			continue
		}
		require.ElementsMatch(t, []string{"c", "d"}, order[:2])
		require.Equal(t, []string{"a", "b"}, order[2:])
	}
	require.InDelta(t, 500, stayed, 80)
	for _, h := range []string{"b", "c", "d"} {
		require.InDelta(t, float64(stayed)/3, first[h], 60, "%v", first)
	}
}
