package acceptance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/ensemble"
	"github.com/zookit/zookit/zk"
)

// diagnosis is what is printed when all does not go well again: what the board
// misses, and what each server has, past all proxies.
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
		if err := listing(&b, h.e, i); err != nil {
			fmt.Fprintf(&b, "server %d: %v\n", i, err)
		}
	}
	return b.String()
}

// apart writes which views differ from who is there.
func (v *views) apart(b *strings.Builder, name string) {
	alive := slices.Sorted(maps.Keys(v.alive))
	fmt.Fprintf(b, "%s: %v are there\n", name, alive)
	for _, who := range slices.Sorted(maps.Keys(v.seen)) {
		if r := v.seen[who]; r.Stale || !slices.Equal(slices.Sorted(slices.Values(r.Members)), alive) {
			fmt.Fprintf(b, "  watcher %d at client %d, session 0x%x, %v ago: %v, stale %v\n", who, r.Client, r.Session, now()-r.At, r.Members, r.Stale)
		}
	}
}

// listing writes the members' nodes that a server has.
func listing(b *strings.Builder, e ensemble.Ensemble, server int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := zk.Connect(ctx, zk.Config{Servers: e.DirectAddr(server), SessionTimeout: sessionTimeout})
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	for _, dir := range []string{groupDir, zk.Join(servicesDir, service)} {
		names, stat, err := c.Children(ctx, dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "server %d: %s, pzxid 0x%x:", server, dir, stat.Pzxid)
		for _, name := range names {
			n, _, err := c.Exists(ctx, zk.Join(dir, name))
			fmt.Fprintf(b, " %s (czxid 0x%x, owner 0x%x, %v)", name, n.Czxid, n.EphemeralOwner, err)
		}
		b.WriteByte('\n')
	}
	return nil
}
