package acceptance

import (
	"context"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// The faults in this file hold the bytes of one direction for a while, and then
// deliver them in order. The connection stays, but one side learns late what the
// other has sent: a server learns late of its client's heartbeats, or a leader of
// the sessions that its follower has heard of. If the follower is lost soon after,
// the leader never learns of the delivered bytes.

// holdKinds are these faults.
var holdKinds = []kind{
	{"hold a client's requests", ensemble.FaultClients, func(h *harm, ctx context.Context) (bool, error) {
		return h.holdClient(ctx, ensemble.ToServer)
	}},
	{"hold a server's replies to a client", ensemble.FaultClients, func(h *harm, ctx context.Context) (bool, error) {
		return h.holdClient(ctx, ensemble.ToClient)
	}},
	{"hold what a follower sends to its leader", ensemble.FaultOneWay, func(h *harm, ctx context.Context) (bool, error) {
		m := h.follower(ctx)
		return h.hold(ctx, m, h.touches(m), func(on bool) error { return h.e.CutPeers(m, h.leader, on) })
	}},
	{"hold what a leader sends to a follower", ensemble.FaultOneWay, func(h *harm, ctx context.Context) (bool, error) {
		m := h.follower(ctx)
		return h.hold(ctx, m, h.touches(m), func(on bool) error { return h.e.CutPeers(h.leader, m, on) })
	}},
}

// holdClient holds one direction between a client and its server.
func (h *harm) holdClient(ctx context.Context, d ensemble.Direction) (bool, error) {
	c := h.client(ctx)
	member := h.leader // not killed, if the client is connected to no server
	for m := range h.e.Size() {
		if c.at(m) {
			member = m
		}
	}
	return h.hold(ctx, member, h.busy(c) && c.at(member), func(on bool) error {
		c.each(func(p *ensemble.Proxy) { p.Blackhole(d, on) })
		return nil
	})
}

// hold holds a direction and then delivers what was held. In half of the cases it
// then kills the follower within a tick, so that the leader may not have heard of
// it.
func (h *harm) hold(ctx context.Context, follower int, effective bool, on func(bool) error) (bool, error) {
	if err := on(true); err != nil {
		return false, err
	}
	// From a short interruption to a little longer than a client waits for a reply.
	pause(ctx, 50*time.Millisecond+time.Duration(h.rnd.Int64N(int64(sessionTimeout/3))))
	if err := on(false); err != nil {
		return false, err
	}
	if follower == h.leader || !h.e.Can(ensemble.FaultKill) || h.rnd.IntN(2) == 0 {
		return effective, nil
	}
	pause(ctx, time.Duration(h.rnd.Int64N(int64(h.e.Tick()))))
	_, err := h.kill(ctx, follower)
	return effective, err
}
