package acceptance

import (
	"context"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/ensemble"
)

// kind is a kind of fault. cause begins and ends the fault. It reports whether the
// fault was effective: whether a client that it affected had a claim or a try.
type kind struct {
	name  string
	needs ensemble.Fault
	cause func(h *harm, ctx context.Context) (bool, error)
}

var kinds = slices.Concat(basicKinds, holdKinds)

var basicKinds = []kind{
	{"kill the leader", ensemble.FaultKill, func(h *harm, ctx context.Context) (bool, error) {
		return h.kill(ctx, h.leader)
	}},
	{"kill a follower", ensemble.FaultKill, func(h *harm, ctx context.Context) (bool, error) {
		return h.kill(ctx, h.follower(ctx))
	}},
	{"pause a server", ensemble.FaultPause, func(h *harm, ctx context.Context) (bool, error) {
		m := h.follower(ctx)
		if h.rnd.IntN(3) == 0 {
			m = h.leader
		}
		return h.during(ctx, m, func() error { return h.e.Pause(m) }, func() error { return h.e.Resume(m) })
	}},
	{"isolate the leader from its peers", ensemble.FaultIsolate, func(h *harm, ctx context.Context) (bool, error) {
		return h.isolate(ctx, h.leader)
	}},
	{"isolate a follower from its peers", ensemble.FaultIsolate, func(h *harm, ctx context.Context) (bool, error) {
		return h.isolate(ctx, h.follower(ctx))
	}},
	{"cut one way between two servers", ensemble.FaultOneWay, func(h *harm, ctx context.Context) (bool, error) {
		from, to := h.leader, h.follower(ctx)
		if h.rnd.IntN(2) == 0 {
			from, to = to, from
		}
		return h.during(ctx, from, func() error { return h.e.CutPeers(from, to, true) }, func() error { return h.e.HealPeers(from) })
	}},
	{"silence a client both ways", ensemble.FaultClients, func(h *harm, ctx context.Context) (bool, error) {
		return h.silence(ctx, ensemble.BothWays)
	}},
	{"silence a client towards its server", ensemble.FaultClients, func(h *harm, ctx context.Context) (bool, error) {
		return h.silence(ctx, ensemble.ToServer)
	}},
	{"silence the server towards a client", ensemble.FaultClients, func(h *harm, ctx context.Context) (bool, error) {
		return h.silence(ctx, ensemble.ToClient)
	}},
	{"cut a client's connection", ensemble.FaultClients, func(h *harm, ctx context.Context) (bool, error) {
		c := h.client(ctx)
		effective := h.busy(c)
		c.each((*ensemble.Proxy).Cut)
		h.away(ctx, c)
		return effective, nil
	}},
	{"swallow the reply of a create", ensemble.FaultSwallowReply, func(h *harm, ctx context.Context) (bool, error) {
		return h.swallow(ctx, proto.OpCreate)
	}},
	{"swallow the reply of a delete", ensemble.FaultSwallowReply, func(h *harm, ctx context.Context) (bool, error) {
		return h.swallow(ctx, proto.OpDelete)
	}},
	{"expire a session", ensemble.FaultClients, (*harm).expire},
}

// lasting is how long a fault lasts: very briefly, or longer than a session.
func (h *harm) lasting() time.Duration {
	blips := 1
	if h.brisk {
		blips = 5
	}
	if h.rnd.IntN(2+blips) < blips {
		return time.Duration(50+h.rnd.IntN(450)) * time.Millisecond
	}
	return sessionTimeout + time.Duration(h.rnd.IntN(1500))*time.Millisecond
}

func (h *harm) kill(ctx context.Context, m int) (bool, error) {
	return h.during(ctx, m, func() error { return h.e.Kill(m) }, func() error { return h.e.Start(ctx, m) })
}

func (h *harm) isolate(ctx context.Context, m int) (bool, error) {
	return h.during(ctx, m, func() error { return h.e.IsolatePeers(m) }, func() error { return h.e.HealPeers(m) })
}

// during keeps up a fault of a server for a while.
func (h *harm) during(ctx context.Context, m int, cause, mend func() error) (bool, error) {
	effective := h.touches(m)
	if err := cause(); err != nil {
		return false, err
	}
	pause(ctx, h.lasting())
	return effective, mend()
}

// silence lets no bytes of one client pass in a direction.
func (h *harm) silence(ctx context.Context, d ensemble.Direction) (bool, error) {
	c := h.client(ctx)
	effective := h.busy(c)
	c.each(func(p *ensemble.Proxy) { p.Blackhole(d, true) })
	pause(ctx, h.lasting())
	c.each(func(p *ensemble.Proxy) { p.Blackhole(d, false) })
	return effective, nil
}

// away keeps a client from every server. In half of the cases that is shorter than
// its session timeout.
func (h *harm) away(ctx context.Context, c *proxied) {
	if h.rnd.IntN(2) == 0 {
		return
	}
	c.each(func(p *ensemble.Proxy) { p.Refuse(true) })
	pause(ctx, time.Duration(h.rnd.Int64N(int64(sessionTimeout*3/4))))
	c.each(func(p *ensemble.Proxy) { p.Refuse(false) })
}

// swallow drops the reply to one request of a client. It is effective when that has
// happened.
func (h *harm) swallow(ctx context.Context, op proto.OpCode) (bool, error) {
	c := h.clients[h.rnd.IntN(len(h.clients))]
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cut := h.rnd.IntN(2) == 0
	gone := make(chan struct{}, len(c.proxies))
	c.each(func(p *ensemble.Proxy) {
		happened, take := p.SwallowNext(ensemble.Swallow{Ops: []int32{int32(op)}, Cut: cut})
		context.AfterFunc(ctx, take)
		go func() { // ends with ctx
			select {
			case <-happened:
				gone <- struct{}{}
			case <-ctx.Done():
			}
		}()
	})
	select {
	case <-gone:
		h.away(ctx, c)
		return true, nil
	case <-ctx.Done():
		return false, nil // the client is not busy: another one next time
	}
}

// expire ends the session of a busy client from outside.
func (h *harm) expire(ctx context.Context) (bool, error) {
	c := h.client(ctx)
	busy := h.board.busy(c.id)
	if len(busy) == 0 {
		return false, nil
	}
	session := busy[0].Session
	pw := c.password(session)
	if pw == nil {
		return false, nil // between two sessions
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	h.board.claims.revoke(session)
	if err := expireSession(ctx, h.e.DirectAddr(h.rnd.IntN(h.e.Size())), session, pw); err != nil {
		return false, nil // it has expired by itself, not by this fault
	}
	h.board.claims.over(session)
	return true, nil
}
