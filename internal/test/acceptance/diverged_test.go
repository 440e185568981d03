package acceptance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A server counts as different only if the same node differs in both reads, and on
// one server of three.
func TestDiffering_DistinguishesAServerFromAChange(t *testing.T) {
	looks := func(servers ...string) (out []map[string]bool) {
		for _, s := range servers {
			nodes := map[string]bool{}
			for _, n := range strings.Fields(s) {
				nodes[n] = true
			}
			out = append(out, nodes)
		}
		return out
	}
	for name, test := range map[string]struct {
		first, second []map[string]bool
		server        int
		node          string
	}{
		"equal":           {looks("a b", "a b", "a b"), looks("a b", "a b", "a b"), -1, ""},
		"one has more":    {looks("a b", "a b", "a b x"), looks("a", "a", "a x"), 2, "x"},
		"one has less":    {looks("a b", "b", "a b"), looks("a b", "b", "a b"), 1, "a"},
		"made meanwhile":  {looks("a", "a x", "a x"), looks("a x", "a x", "a x"), -1, ""},
		"gone meanwhile":  {looks("a x", "a", "a"), looks("a", "a", "a"), -1, ""},
		"another by then": {looks("a x", "a", "a"), looks("a", "a x", "a"), -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, node := differing(test.first, test.second)
			require.Equal(t, test.server, server)
			require.Equal(t, test.node, node)
		})
	}
}
