package zk

import (
	"math/rand/v2"
	"slices"
)

// chances says where a client goes whose list of servers is replaced. The list before
// had some servers, of which some are in the list after it too: these are kept, the
// others of the new list are added.
//
// If each server had the same share of the clients before, each has the same share
// after, and no other choice of chances would move fewer clients:
//
//   - The list grows. A kept server gives up clients until its share is that of the
//     longer list, and all that move go to the added servers.
//   - The list does not grow. A kept server gives up nobody. The clients of the
//     removed servers fill the kept ones up to the larger share, and the others of
//     them go to the added servers.
type chances struct {
	leave float64 // that a client of a kept server leaves it
	kept  float64 // that a client that moves goes to a kept server
}

// chancesOf returns the chances for two lists of so many servers, which have so many
// servers in common.
func chancesOf(before, kept, after int) chances {
	switch {
	case after > before:
		return chances{leave: 1 - float64(before)/float64(after)}
	case kept == before:
		return chances{} // the same list: no client moves
	}
	// Each kept server lacks 1/after - 1/before of all clients. The clients that move
	// are those of the before-kept removed servers.
	lack := float64(kept) * (1/float64(after) - 1/float64(before))
	move := float64(before-kept) / float64(before)
	return chances{kept: lack / move}
}

// rebalanced returns the order in which a client of the server at, which is in the
// list before, is to try the servers of the list after. If at is the first of them, the
// client stays. Otherwise it moves to the first that works. If at is among the others,
// those before it are added servers, and those after it are kept ones.
func rebalanced(before, after []string, at string, rnd *rand.Rand) []string {
	var kept, added []string
	for _, h := range after {
		switch {
		case h == at:
		case slices.Contains(before, h):
			kept = append(kept, h)
		default:
			added = append(added, h)
		}
	}
	shuffle := func(s []string) { rnd.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] }) }
	if !slices.Contains(after, at) {
		shuffle(kept)
		shuffle(added)
		c := chancesOf(len(before), len(kept), len(after))
		return mixed(kept, added, c.kept, rnd)
	}
	c := chancesOf(len(before), len(kept)+1, len(after))
	if rnd.Float64() < c.leave {
		shuffle(kept)
		shuffle(added)
		return slices.Concat(added, []string{at}, kept)
	}
	rest := append(kept, added...)
	shuffle(rest)
	return append([]string{at}, rest...)
}

// mixed merges two lists. Each place is taken from a with the given chance, until one
// list is used up.
func mixed(a, b []string, chance float64, rnd *rand.Rand) []string {
	all := make([]string, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		from := &b
		if rnd.Float64() < chance {
			from = &a
		}
		all = append(all, (*from)[0])
		*from = (*from)[1:]
	}
	return slices.Concat(all, a, b)
}
