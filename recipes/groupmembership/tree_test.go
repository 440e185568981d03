package groupmembership

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Random puts and drops, against a map; every tree stays as it was and balanced.
func TestTree_IsAMapThatNeverChanges(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	type version struct {
		tree *tree
		want map[string]int64
	}
	start := version{want: map[string]int64{}}
	var sorted []*Member
	for i := range 100 {
		m := &Member{ID: fmt.Sprintf("%03d", 5*i), Czxid: int64(i)}
		sorted = append(sorted, m)
		start.want[m.ID] = m.Czxid
	}
	start.tree = build(sorted)
	versions := []version{{want: map[string]int64{}}, start}
	for step := range int64(3000) {
		from := versions[len(versions)-1]
		if rnd.IntN(20) == 0 {
			from = versions[rnd.IntN(len(versions))]
		}
		now := version{from.tree, maps.Clone(from.want)}
		id := fmt.Sprintf("%03d", rnd.IntN(500))
		had := now.tree.find(id)
		_, want := now.want[id]
		require.Equal(t, want, had != nil)
		if had != nil && rnd.IntN(3) > 0 {
			now.tree = now.tree.drop(id)
			delete(now.want, id)
		} else {
			now.tree = now.tree.put(&Member{ID: id, Czxid: step})
			now.want[id] = step
		}
		versions = append(versions, now)
	}
	for _, v := range versions {
		have := map[string]int64{}
		var ids []string
		v.tree.all(func(m *Member) {
			have[m.ID] = m.Czxid
			ids = append(ids, m.ID)
		})
		require.Equal(t, v.want, have)
		require.True(t, slices.IsSorted(ids))
		require.Equal(t, len(ids), v.tree.len())
		requireBalanced(t, v.tree)
	}
}

// Members that come in their order, and go in it, leave no deep tree either.
func TestTree_IsNotDeep(t *testing.T) {
	const n = 1 << 14
	var tr *tree
	for i := range n {
		tr = tr.put(&Member{ID: fmt.Sprintf("%06d", i)})
	}
	requireBalanced(t, tr)
	require.LessOrEqual(t, float64(depth(tr)), math.Log(n+1)/math.Log(4.0/3))
	for i := range n - 100 {
		tr = tr.drop(fmt.Sprintf("%06d", i))
	}
	requireBalanced(t, tr)
	require.Equal(t, 100, tr.len())
}

func requireBalanced(t *testing.T, tr *tree) {
	t.Helper()
	if tr == nil {
		return
	}
	require.Equal(t, tr.left.len()+1+tr.right.len(), tr.size)
	l, r := tr.left.weight(), tr.right.weight()
	if l > maxWeight*r || r > maxWeight*l {
		require.FailNow(t, "not balanced", "%d beside %d", l, r)
	}
	requireBalanced(t, tr.left)
	requireBalanced(t, tr.right)
}

func depth(tr *tree) int {
	if tr == nil {
		return 0
	}
	return 1 + max(depth(tr.left), depth(tr.right))
}
