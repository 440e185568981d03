package acceptance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// diagnosis is the printed report when the contenders do not recover: what the
// board waits for, and what each server has, read without the proxies.
func (h *harm) diagnosis(acquisitions int) string {
	var b strings.Builder
	h.board.mu.Lock()
	fmt.Fprintf(&b, "acquisitions since the fault: %d\n", h.board.total-acquisitions)
	for _, name := range slices.Sorted(maps.Keys(h.board.groups)) {
		h.board.groups[name].apart(&b, name)
	}
	for _, who := range slices.Sorted(maps.Keys(h.board.doing)) {
		r := h.board.doing[who]
		fmt.Fprintf(&b, "%d at client %d: %s %s since %v\n", who, r.Client, r.What, r.Name, now()-r.At)
	}
	h.board.mu.Unlock()
	for i := range h.e.Size() {
		nodes, err := tree(context.Background(), h.e.DirectAddr(i))
		fmt.Fprintf(&b, "server %d, error %v:\n", i, err)
		for _, node := range slices.Sorted(maps.Keys(nodes)) {
			if strings.HasPrefix(node, groupDir) || strings.HasPrefix(node, servicesDir) {
				fmt.Fprintf(&b, "  %s\n", node)
			}
		}
	}
	return b.String()
}

// apart writes which views differ from the present members.
func (v *views) apart(b *strings.Builder, name string) {
	alive := slices.Sorted(maps.Keys(v.alive))
	fmt.Fprintf(b, "%s: %v are there\n", name, alive)
	for _, who := range slices.Sorted(maps.Keys(v.seen)) {
		if r := v.seen[who]; !r.sees(alive) {
			fmt.Fprintf(b, "  watcher %d at client %d, session 0x%x, %v ago: %v, stale %v\n", who, r.Client, r.Session, now()-r.At, r.Members, r.Stale)
		}
	}
}
