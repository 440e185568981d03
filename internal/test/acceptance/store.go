package acceptance

import (
	"cmp"
	"fmt"
	"slices"
)

// storeOrder checks the guarded writes to one node. The node's version numbers them
// in their order, and their tokens must never fall. That is the promise of Check,
// also for writers whose claim is over. A write with an unknown outcome has no
// report, so its version is missing.
func storeOrder(writes []report) error {
	slices.SortFunc(writes, func(a, b report) int { return cmp.Compare(a.Version, b.Version) })
	for i := 1; i < len(writes); i++ {
		before, after := writes[i-1], writes[i]
		switch {
		case after.Version == before.Version:
			return fmt.Errorf("%s: two writes made version %d: %d's and %d's", after.Name, after.Version, before.Who, after.Who)
		case after.Token < before.Token:
			return fmt.Errorf("%s: version %d was written with token %d, version %d with token %d",
				after.Name, before.Version, before.Token, after.Version, after.Token)
		}
	}
	return nil
}
