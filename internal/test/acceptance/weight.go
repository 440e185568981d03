package acceptance

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// weigh reports every few seconds how much of the heap is in use after a
// collection, until ctx ends. The test's own process is not weighed, because it
// keeps the history.
func weigh(ctx context.Context, tell teller) {
	for ctx.Err() == nil {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		tell(report{At: now(), What: weighed, Heap: m.HeapAlloc})
		pause(ctx, 5*time.Second)
	}
}

// growth compares the last quarter of a long run with the second. The heap in use
// after a collection must not have grown by more than a fifth. It returns the two
// medians of the process that grew most.
func growth(weights []report, from, to time.Duration) (second, last uint64, err error) {
	type quarters [4][]uint64
	all := map[int]*quarters{} // by the crew's first client
	for _, r := range weights {
		if r.At < from || r.At >= to {
			continue
		}
		if all[r.Client] == nil {
			all[r.Client] = &quarters{}
		}
		i := int(4 * (r.At - from) / (to - from))
		all[r.Client][i] = append(all[r.Client][i], r.Heap)
	}
	worst := 0.0
	for client, q := range all {
		if len(q[1]) == 0 || len(q[3]) == 0 {
			return 0, 0, fmt.Errorf("the process of client %d was not weighed in its second or last quarter", client)
		}
		a, b := middle(q[1]), middle(q[3])
		if g := float64(b) / float64(a); g > worst {
			worst, second, last = g, a, b
		}
	}
	if worst > 1.2 {
		return second, last, fmt.Errorf("heap in use grew from %d to %d bytes", second, last)
	}
	return second, last, nil
}

func middle(v []uint64) uint64 {
	slices.Sort(v)
	return v[len(v)/2]
}
