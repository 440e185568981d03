package acceptance

import (
	"cmp"
	"fmt"
	"slices"
)

// storeOrder checks the guarded writes to one node. It sorts them by their zxids,
// which is the order in which the ensemble made them. Their tokens must never fall.
// That is the promise of Check, also for writers whose claim is over. A write with an
// unknown outcome has no report, so its version is missing.
//
// lost describes each place where the ensemble itself has lost writes, although it
// had acknowledged them: the node's version does not rise from one leader's writes to
// those of the next. The epoch in the zxids shows that the leader has changed.
// Servers before 3.8.4 and 3.9.2 do that when a leader is killed at the wrong time
// (ZOOKEEPER-3911, ZOOKEEPER-4785). No client can cause it or notice it.
func storeOrder(writes []report) (lost []string, err error) {
	slices.SortFunc(writes, func(a, b report) int { return cmp.Compare(a.Zxid, b.Zxid) })
	for i := 1; i < len(writes); i++ {
		before, after := writes[i-1], writes[i]
		switch {
		case after.Zxid == before.Zxid:
			return lost, fmt.Errorf("%s: two writes have zxid 0x%x: %d's and %d's", after.Name, after.Zxid, before.Who, after.Who)
		case after.Token < before.Token:
			return lost, fmt.Errorf("%s: zxid 0x%x was written with token %d, zxid 0x%x with token %d",
				after.Name, before.Zxid, before.Token, after.Zxid, after.Token)
		case after.Version > before.Version:
		case epochOf(after) == epochOf(before):
			return lost, fmt.Errorf("%s: version %d has zxid 0x%x, version %d has zxid 0x%x",
				after.Name, before.Version, before.Zxid, after.Version, after.Zxid)
		default:
			lost = append(lost, fmt.Sprintf("%s: version %d, zxid 0x%x, came after version %d, zxid 0x%x",
				after.Name, after.Version, after.Zxid, before.Version, before.Zxid))
		}
	}
	return lost, nil
}

// epochOf counts the leaders: each begins a new epoch.
func epochOf(r report) int64 { return r.Zxid >> 32 }
