package zk

import "time"

// instant is a time as the lease counts it: nanoseconds since core.base.
type instant int64

// epoch is the time of instant 0.
type epoch time.Time

func (e epoch) instant(t time.Time) instant { return instant(t.Sub(time.Time(e))) }

func (e epoch) time(i instant) time.Time { return time.Time(e).Add(time.Duration(i)) }

// lease knows until when the ensemble is sure to keep the session.
//
// It is data and arithmetic alone. It takes the instants at which requests were
// sent and answered, and gives the instant at which it ends. docs/lease.md says why
// the rule holds; the model in leasemodel_test.go drives this code through every
// schedule.
//
//  1. When a confirming request is written at s, it records its base: the newest
//     send time among the requests of this connection that had been answered by
//     s − touchDelay − margin. Pings and reads count too. The handshake is the
//     oldest of these requests.
//  2. When that request has been answered, the next confirming request that is
//     written proves its base.
//  3. When the second one is answered, the leader is known to have touched the
//     session after the base. The lease ends at base + timeout − margin.
//  4. The leader itself touches the session while it answers a handshake. So the
//     answer to a handshake alone proves its send time, unless it may belong to an
//     earlier one (Session.touchedBy).
//
// Neither answer is enough alone. The client's server answers pings and reads
// without the leader, and it reports its clients' touches to the leader only in
// the answers to the leader's PINGs, every half tick. The first answer shows that
// the server has received the PINGs that the leader had sent before. The second
// shows that the leader has received the answers to them.
//
// The state is comparable and holds no pointer, so that a copy is a snapshot.
type lease struct {
	leaseRule
	end instant // the ensemble keeps the session until here

	// Of the current connection.
	proven  instant // the next confirming request proves this
	newest  instant // send time of the newest answered request
	settled instant // the same, for those that were answered early enough

	// What newest was at some later instants, one in each step: what settled
	// becomes as time goes on. The first n are in use, the oldest first.
	recent [leaseSamples]leaseSample
	n      int
}

// leaseRule is the intervals of the rule.
type leaseRule struct {
	timeout    time.Duration // T: the smallest of all handshakes of the session
	touchDelay time.Duration // how long a server may keep a touch to itself
	margin     time.Duration // M: for late timers, late PINGs, and the clocks' rates
	step       time.Duration // between two samples
}

// leaseSamples is more than a lease needs that Guard accepts. Its touchDelay and
// margin are at most 15 steps long.
const leaseSamples = 24

// leaseSample says that the newest of the requests that had been answered at the
// instant at was sent at sent.
type leaseSample struct{ at, sent instant }

// proof is what a confirming request carries from its writing to its answer.
type proof struct {
	base   instant // what the next request will prove once this one is answered
	proves instant // what the answer to this one proves
}

// handshaken records that the handshake of a new connection was answered, which
// was sent at sent. Nothing that was answered on an earlier connection says
// anything about the new server. touched says that the leader that answered it
// surely counts.
func (l *lease) handshaken(sent instant, touched bool) {
	l.proven, l.newest, l.settled = sent, sent, sent
	clear(l.recent[:l.n])
	l.n = 0
	if touched {
		l.extend(sent)
	}
}

// bound changes the rule to that of a smaller timeout, which a handshake that was
// sent at sent may have set. What the leader had counted until then holds, but
// the leader may now expire the session this timeout after the handshake.
func (l *lease) bound(rule leaseRule, sent instant) {
	l.leaseRule = rule
	l.end = min(l.end, l.endFrom(sent))
}

// answered records at the instant now that a request that was sent at sent was
// answered, by the leader or not.
func (l *lease) answered(now, sent instant) {
	l.newest = max(l.newest, sent)
	if last := l.n - 1; last >= 0 && now < l.recent[last].at+instant(l.step) {
		if now == l.recent[last].at {
			l.recent[last].sent = l.newest // of one batch of replies
		}
		return
	}
	l.settle(now)
	if l.n < leaseSamples {
		l.recent[l.n] = leaseSample{now, l.newest}
		l.n++
	}
}

// written returns the proof that a confirming request carries which is written
// at the instant now.
func (l *lease) written(now instant) proof {
	l.settle(now)
	return proof{base: l.settled, proves: l.proven}
}

// confirmed records that a confirming request was answered.
func (l *lease) confirmed(p proof) {
	l.proven = max(l.proven, p.base)
	l.extend(p.proves)
}

// ripens returns how long after now a confirming request has to be written to
// prove what has been answered on this connection. It returns 0 if one written
// now would prove enough for a lease that lasts for least.
func (l *lease) ripens(now instant, least time.Duration) time.Duration {
	l.settle(now)
	if l.endFrom(l.settled) >= now+instant(least) || l.n == 0 {
		return 0
	}
	return time.Duration(l.recent[0].at-now) + l.touchDelay + l.margin
}

// settle brings settled up to date for requests that are written at now or later.
func (l *lease) settle(now instant) {
	by, k := now-instant(l.touchDelay+l.margin), 0
	for k < l.n && l.recent[k].at <= by {
		l.settled = l.recent[k].sent
		k++
	}
	if k > 0 {
		copy(l.recent[:], l.recent[k:l.n])
		clear(l.recent[l.n-k : l.n])
		l.n -= k
	}
}

// extend renews the lease: the leader has touched the session after touch.
func (l *lease) extend(touch instant) { l.end = max(l.end, l.endFrom(touch)) }

// endFrom is when a lease ends that rests on a touch.
func (l *lease) endFrom(touch instant) instant { return touch + instant(l.timeout-l.margin) }
