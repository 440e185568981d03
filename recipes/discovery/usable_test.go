package discovery

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every method of Usable agrees with a list of booleans.
func TestUsable_AgreesWithAList(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 63, 64, 65, 200} {
		u, list := allUsable(n), make([]bool, n)
		for i := range list {
			list[i] = true
		}
		for range 300 {
			i := rnd.IntN(n)
			list[i] = rnd.IntN(3) == 0
			u = u.but(i, list[i])
			var those []int
			for i, ok := range list {
				require.Equal(t, ok, u.Has(i))
				if ok {
					those = append(those, i)
				}
			}
			require.Equal(t, len(those), u.Len())
			for k, i := range those {
				require.Equal(t, i, u.At(k))
			}
			if len(those) == 0 {
				continue
			}
			require.True(t, u.Has(u.Random()))
			for i := -1; i <= n; i++ {
				want := those[0]
				for _, k := range those {
					if i >= 0 && k >= i {
						want = k
						break
					}
				}
				require.Equal(t, want, u.Next(i), "behind %d of %v", i, those)
			}
			part := rnd.Perm(n)[:1+rnd.IntN(n)]
			among, count := u.Among(part), 0
			for i, at := range part {
				require.Equal(t, list[at], among.Has(i))
				if list[at] {
					count++
				}
			}
			require.Equal(t, count, among.Len())
		}
	}
	require.False(t, allUsable(3).Has(3))
	require.False(t, allUsable(3).Has(-1))
}
