//go:build !race

// There is one goroutine only, so that the race detector would find nothing, and
// take ten times as long.

package zk

import (
	"fmt"
	"hash/maphash"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The model drives the lease through every schedule of a small world, in discrete
// time and breadth first. The world is a leader, the client's server, and the
// queues between client, server and leader, with any delays. The client may move
// to another server, or to the leader itself. At every instant everything may be
// cut off. So the claim in each state is that the lease ends no later than the
// leader may expire the session, counted from the last touch that it knows of.
//
// One nanosecond is the unit. A state holds the lease as it is, at the instant
// modelNow.

const (
	modelNow  = instant(100)
	modelMost = 5 // requests in flight
)

// modelWorld is the parameters of a world, and how it feeds the lease.
type modelWorld struct {
	rule     leaseRule
	halfTick uint8 // the leader sends its PINGs this often
	late     uint8 // and may be late by this
	drift    uint8 // the leader expires a session this much early
	beat     uint8 // P
	silence  uint8 // how long the oldest request may go unanswered
	hello    uint8 // and a handshake
	quorum   bool  // QuorumLease
	pings    bool  // the client may also send what the server answers alone
	stay     bool  // the client does not move

	// Deviations from the rule: nil, or a function that replaces the rule.
	written func(l *lease) proof
	alone   func(l *lease, sent instant) // when the server alone has answered
}

// modelRequest is an unanswered request, the oldest first.
type modelRequest struct {
	sent  instant
	proof proof
	ping  bool // the server answers it alone

	// Whether base and proves are the send times of a request, not a handshake's.
	baseOfRequest, provesRequest bool
}

// modelQueue holds the messages under way between the server and the leader: PINGs
// or answers to them (0), and requests or answers to those (1).
type modelQueue struct{ bits, n uint8 }

func (q *modelQueue) push(v uint8) bool {
	if q.n == 8 {
		return false
	}
	q.bits |= v << q.n
	q.n++
	return true
}

func (q *modelQueue) pop() uint8 {
	v := q.bits & 1
	q.bits >>= 1
	q.n--
	return v
}

// modelState is one state of the world.
type modelState struct {
	lease    lease
	requests [modelMost]modelRequest
	n        uint8
	inbound  uint8 // how many of the newest requests have not reached the server
	answers  uint8 // how many answers of the leader are under way to the client

	touch   uint8 // how long ago the leader was last touched
	ping    uint8 // since the leader's last PINGs
	last    uint8 // since the client's last request
	leader  bool  // the client's server is the leader
	hello   bool  // the only request is a handshake
	noted   bool  // the server has a touch to report
	up      modelQueue
	down    modelQueue
	settled bool // lease.settled is the send time of a request, not a handshake's
	proven  bool // and lease.proven
}

// modelKey is a packed state.
type modelKey [36]byte

func (w *modelWorld) pack(s *modelState) (k modelKey) {
	i := 0
	put := func(v uint8) { k[i] = v; i++ }
	age := func(t instant) uint8 { return uint8(min(modelNow-t, instant(w.rule.timeout))) }
	put(uint8(max(0, s.lease.end-modelNow)))
	put(age(s.lease.proven)<<4 | age(s.lease.newest))
	put(age(s.lease.settled)<<4 | uint8(s.lease.n))
	for _, a := range s.lease.recent[:s.lease.n] {
		put(age(a.at)<<4 | age(a.sent))
	}
	put(s.touch<<4 | s.ping)
	put(s.last<<4 | s.inbound)
	put(s.answers<<4 | s.n)
	put(modelBit(s.leader) | modelBit(s.hello)<<1 | modelBit(s.noted)<<2 | modelBit(s.settled)<<3 | modelBit(s.proven)<<4)
	put(s.up.bits)
	put(s.down.bits)
	put(s.up.n<<4 | s.down.n)
	for _, r := range s.requests[:s.n] {
		put(age(r.sent)<<4 | modelBit(r.ping) | modelBit(r.baseOfRequest)<<1 | modelBit(r.provesRequest)<<2)
		put(age(r.proof.base)<<4 | age(r.proof.proves))
	}
	return k
}

func modelBit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func (w *modelWorld) unpack(k *modelKey) (s modelState) {
	i := 0
	get := func() uint8 { i++; return k[i-1] }
	two := func() (uint8, uint8) { v := get(); return v >> 4, v & 15 }
	at := func(age uint8) instant { return modelNow - instant(age) }
	s.lease.leaseRule = w.rule
	s.lease.end = modelNow + instant(get())
	a, b := two()
	s.lease.proven, s.lease.newest = at(a), at(b)
	a, b = two()
	s.lease.settled, s.lease.n = at(a), int(b)
	for j := range s.lease.n {
		a, b = two()
		s.lease.recent[j] = leaseSample{at(a), at(b)}
	}
	s.touch, s.ping = two()
	s.last, s.inbound = two()
	s.answers, s.n = two()
	f := get()
	s.leader, s.hello, s.noted, s.settled, s.proven = f&1 > 0, f&2 > 0, f&4 > 0, f&8 > 0, f&16 > 0
	s.up.bits, s.down.bits = get(), get()
	s.up.n, s.down.n = two()
	for j := range s.n {
		a, b = two()
		r := &s.requests[j]
		r.sent, r.ping, r.baseOfRequest, r.provesRequest = at(a), b&1 > 0, b&2 > 0, b&4 > 0
		a, b = two()
		r.proof = proof{at(a), at(b)}
	}
	return s
}

// unsafe reports whether the lease ends after the leader may expire the session.
func (w *modelWorld) unsafe(s *modelState) bool {
	left := int(s.lease.end - modelNow)
	return left > 0 && left > max(0, int(w.rule.timeout)-int(w.drift)-int(s.touch))
}

// next calls visit with every state that can follow.
func (w *modelWorld) next(s *modelState, visit func(*modelState, string)) {
	w.client(s, visit)
	w.arrive(s, visit)
	w.report(s, visit)
	w.reply(s, visit)
	if s.ping >= w.halfTick {
		t := *s
		t.ping = 0
		if t.leader || t.down.push(0) {
			visit(&t, "the leader sends its PINGs")
		}
	}
	w.tick(s, visit)
}

// client sends a request, or moves.
func (w *modelWorld) client(s *modelState, visit func(*modelState, string)) {
	if !s.hello && s.last == w.beat && s.n < modelMost {
		t := *s
		w.settle(&t)
		r := &t.requests[t.n]
		*r = modelRequest{sent: modelNow, baseOfRequest: t.settled, provesRequest: t.proven}
		if r.proof = t.lease.written(modelNow); w.written != nil {
			r.proof = w.written(&t.lease)
		}
		t.n, t.inbound, t.last = t.n+1, t.inbound+1, 0
		visit(&t, "a confirming request is sent")
		if w.pings {
			p := t
			p.requests[p.n-1] = modelRequest{sent: modelNow, ping: true, proof: proof{modelNow, modelNow}}
			visit(&p, "a ping is sent")
		}
	}
	if w.stay || s.hello && s.requests[0].sent == modelNow {
		return
	}
	for _, leader := range []bool{false, true} {
		t := *s
		t.requests = [modelMost]modelRequest{{sent: modelNow, proof: proof{modelNow, modelNow}}}
		t.n, t.inbound, t.answers, t.last = 1, 1, 0, 0
		t.leader, t.hello, t.noted = leader, true, false
		t.up, t.down = modelQueue{}, modelQueue{}
		visit(&t, map[bool]string{false: "the client moves to a follower", true: "the client moves to the leader"}[leader])
	}
}

// arrive lets a request reach the client's server.
func (w *modelWorld) arrive(s *modelState, visit func(*modelState, string)) {
	if s.inbound == 0 {
		return
	}
	t := *s
	r := t.requests[t.n-t.inbound]
	t.inbound--
	switch {
	case t.leader:
		t.touch = 0
		if !r.ping {
			t.answers++
		}
		visit(&t, "a request reaches the leader, which is the client's server")
	case r.ping:
		t.noted = true
		visit(&t, "a ping reaches the follower")
	default:
		t.noted = t.noted || !t.hello
		if t.up.push(1) {
			visit(&t, "a request reaches the follower")
		}
	}
}

// report lets a message reach the leader, or the follower.
func (w *modelWorld) report(s *modelState, visit func(*modelState, string)) {
	if s.up.n > 0 {
		t := *s
		what, ok := "the answer to a PING reaches the leader: a touch", true
		if t.up.pop() == 0 {
			t.touch = 0
		} else {
			if what = "a request reaches the leader"; t.hello {
				t.touch, what = 0, "a handshake reaches the leader: a touch"
			}
			ok = t.down.push(1)
		}
		if ok {
			visit(&t, what)
		}
	}
	if s.down.n > 0 {
		t := *s
		what, ok := "a PING reaches the follower, which has nothing to report", true
		switch {
		case t.down.pop() == 1:
			t.answers++
			what = "the leader's answer reaches the follower"
		case t.noted:
			what, t.noted = "a PING reaches the follower, which reports a touch", false
			if t.up.n == 0 || t.up.bits>>(t.up.n-1)&1 == 1 { // two reports in a row are as one
				ok = t.up.push(0)
			}
		}
		if ok {
			visit(&t, what)
		}
	}
}

// reply lets an answer reach the client.
func (w *modelWorld) reply(s *modelState, visit func(*modelState, string)) {
	if s.n == s.inbound {
		return // the oldest has not reached the server
	}
	t := *s
	r := t.requests[0]
	if !r.ping {
		if t.answers == 0 {
			return
		}
		t.answers--
	}
	copy(t.requests[:], t.requests[1:])
	t.n--
	t.requests[t.n] = modelRequest{}
	what := "the answer to a ping reaches the client"
	switch {
	case t.hello:
		t.hello, t.last, t.settled, t.proven = false, 0, false, false
		t.lease.handshaken(r.sent, !w.quorum)
		what = "the answer to a handshake reaches the client"
	case r.ping:
		t.lease.answered(modelNow, r.sent)
		if w.alone != nil {
			w.alone(&t.lease, r.sent)
		}
	default:
		what = "an answer of the leader reaches the client"
		end := t.lease.end
		t.lease.answered(modelNow, r.sent)
		if r.proof.base > t.lease.proven {
			t.proven = r.baseOfRequest
		}
		t.lease.confirmed(r.proof)
		if t.lease.end > end {
			if what = modelByHandshake; r.provesRequest {
				what = modelByRequest
			}
		}
	}
	visit(&t, what)
}

const (
	modelByHandshake = "an answer renews the lease, which rests on the handshake"
	modelByRequest   = "an answer renews the lease, which rests on a request"
)

// settle brings the lease up to date. It changes nothing of what the lease says.
func (w *modelWorld) settle(s *modelState) {
	before := s.lease.n
	s.lease.settle(modelNow)
	s.settled = s.settled || s.lease.n < before
}

// tick lets a unit pass, unless something is due before.
func (w *modelWorld) tick(s *modelState, visit func(*modelState, string)) {
	limit := w.silence
	if s.hello {
		limit = w.hello
	}
	switch {
	case s.ping >= w.halfTick+w.late, !s.hello && s.last >= w.beat,
		s.n > 0 && modelNow-s.requests[0].sent >= instant(limit):
		return
	}
	t := *s
	t.ping++
	t.touch = min(t.touch+1, uint8(w.rule.timeout))
	if !t.hello {
		t.last++
	}
	l, oldest := &t.lease, modelNow-instant(w.rule.timeout)
	earlier := func(at *instant) { *at = max(*at-1, oldest) }
	l.end = max(l.end-1, modelNow)
	earlier(&l.proven)
	earlier(&l.newest)
	earlier(&l.settled)
	for i := range l.n {
		earlier(&l.recent[i].at)
		earlier(&l.recent[i].sent)
	}
	for i := range t.n {
		earlier(&t.requests[i].sent)
		earlier(&t.requests[i].proof.base)
		earlier(&t.requests[i].proof.proves)
	}
	w.settle(&t)
	visit(&t, modelTick)
}

const modelTick = "a unit passes"

// modelSearch is a breadth-first search.
type modelSearch struct {
	states []modelKey
	parent []uint32
	table  []uint32 // index of a state + 1, by its hash
	taken  map[string]int
	bad    int // the first unsafe state, -1: none
}

var modelSeed = maphash.MakeSeed()

func (m *modelSearch) add(k modelKey, from uint32) bool {
	if 2*(len(m.states)+1) > len(m.table) {
		m.grow()
	}
	slot := m.slot(&k)
	if m.table[slot] != 0 {
		return false
	}
	m.states, m.parent = append(m.states, k), append(m.parent, from)
	m.table[slot] = uint32(len(m.states))
	return true
}

func (m *modelSearch) slot(k *modelKey) uint64 {
	mask := uint64(len(m.table) - 1)
	i := maphash.Bytes(modelSeed, k[:]) & mask
	for m.table[i] != 0 && m.states[m.table[i]-1] != *k {
		i = (i + 1) & mask
	}
	return i
}

func (m *modelSearch) grow() {
	m.table = make([]uint32, max(1<<16, 2*len(m.table)))
	for i := range m.states {
		m.table[m.slot(&m.states[i])] = uint32(i + 1)
	}
}

// search explores the world until it has seen all, has found an unsafe state, or
// has seen limit states.
func (w *modelWorld) search(limit int) *modelSearch {
	m := &modelSearch{taken: map[string]int{}, bad: -1}
	for ping := range w.halfTick {
		s := modelState{ping: ping}
		s.lease.leaseRule = w.rule
		s.lease.end = modelNow
		s.lease.handshaken(modelNow, true)
		m.add(w.pack(&s), 0)
	}
	for i := 0; i < len(m.states) && m.bad < 0 && len(m.states) < limit; i++ {
		s := w.unpack(&m.states[i])
		w.next(&s, func(t *modelState, what string) {
			m.taken[what]++
			if m.add(w.pack(t), uint32(i)) && m.bad < 0 && w.unsafe(t) {
				m.bad = len(m.states) - 1
			}
		})
	}
	return m
}

// story returns the steps that lead to the unsafe state.
func (w *modelWorld) story(m *modelSearch) string {
	var path []int
	for i := m.bad; i >= int(w.halfTick); i = int(m.parent[i]) {
		path = append(path, i)
	}
	var b strings.Builder
	now := 0
	for _, i := range slices.Backward(path) {
		from := w.unpack(&m.states[m.parent[i]])
		told := false
		w.next(&from, func(t *modelState, what string) {
			if told || w.pack(t) != m.states[i] {
				return
			}
			if told = true; what == modelTick {
				now++
				return
			}
			fmt.Fprintf(&b, "  %2d  %s\n", now, what)
		})
	}
	s := w.unpack(&m.states[m.bad])
	fmt.Fprintf(&b, "  %2d  all is cut: the leader may expire the session at %d, the lease ends at %d\n",
		now, now-int(s.touch)+int(w.rule.timeout)-int(w.drift), now+int(s.lease.end-modelNow))
	return b.String()
}

// modelOf is a world with a timeout of two ticks.
func modelOf(timeout int) modelWorld {
	t := time.Duration(timeout)
	return modelWorld{
		rule:     leaseRule{timeout: t, touchDelay: t / 4, margin: 1, step: 1},
		halfTick: uint8(timeout / 4), beat: 1, silence: uint8(timeout / 4), hello: uint8(max(1, timeout/8)),
	}
}

// modelLimit is how many states a search visits: short, or with
// ZOOKIT_MODEL=long, which is "make model", all that there are in most worlds.
func modelLimit(short int) int {
	if os.Getenv("ZOOKIT_MODEL") == "long" {
		return 20_000_000
	}
	return short
}

// The rule holds in every schedule, also where the lease rests on pings, with
// QuorumLease, and with a clock that runs as fast as the margin allows. Renewals
// do rest on requests: a model in which all rest on the handshake shows nothing.
func TestLeaseModel_TheRuleHolds(t *testing.T) {
	for name, change := range map[string]func(*modelWorld){
		"the rule":    func(*modelWorld) {},
		"drift":       func(w *modelWorld) { w.drift = 1 },
		"QuorumLease": func(w *modelWorld) { w.quorum = true },
		"pings":       func(w *modelWorld) { w.pings = true },
		"no moves":    func(w *modelWorld) { w.stay = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := modelOf(8)
			change(&w)
			m := w.search(modelLimit(400_000))
			if m.bad >= 0 {
				t.Fatalf("violated after %d states:\n%s", len(m.states), w.story(m))
			}
			for _, what := range slices.Sorted(maps.Keys(m.taken)) {
				t.Logf("%9d  %s", m.taken[what], what)
			}
			branches := 16
			if w.pings {
				branches += 3
			}
			if w.stay {
				branches -= 5
			}
			if w.quorum {
				branches++ // a renewal that rests on the handshake
			}
			t.Logf("%9d  states; %d branches", len(m.states), len(m.taken))
			require.NotZero(t, m.taken[modelByRequest], "no renewal rests on a request: the model shows nothing")
			require.GreaterOrEqual(t, len(m.taken), branches, "a branch was never taken")
		})
	}
}

// The lease deviates from the rule, or a condition of the rule does not hold. The
// model finds each of them.
func TestLeaseModel_EveryDeviationIsFound(t *testing.T) {
	deviations := map[string]func(*modelWorld){
		"it counts from the newest answered request, for T": func(w *modelWorld) {
			w.rule.margin, w.written = 0, func(*lease) proof { return proof{modelNow, modelNow} }
		},
		"it counts from the newest proven request, for T": func(w *modelWorld) {
			w.rule.margin, w.written = 0, func(l *lease) proof { return proof{modelNow, l.proven} }
		},
		"it counts from the newest proven request, without P": func(w *modelWorld) {
			w.rule.margin, w.written = 3, func(l *lease) proof { return proof{modelNow, l.proven} }
		},
		"one answer is enough": func(w *modelWorld) {
			w.written = func(l *lease) proof { return proof{l.settled, l.settled} }
		},
		"pings renew it": func(w *modelWorld) {
			w.pings, w.alone = true, func(l *lease, sent instant) { l.confirmed(proof{sent, sent}) }
		},
		"without TouchDelay":           func(w *modelWorld) { w.rule.touchDelay = 0 },
		"without any margin":           func(w *modelWorld) { w.rule.margin = 0 },
		"without margin at the end":    func(w *modelWorld) { w.rule.margin, w.rule.touchDelay, w.drift = 0, 3, 1 },
		"clocks that differ by more":   func(w *modelWorld) { w.drift = 2 },
		"PINGs that are late by M":     func(w *modelWorld) { w.late = 1 },
		"a timeout below two ticks":    func(w *modelWorld) { w.halfTick = 3 },
		"a TouchDelay that is too low": func(w *modelWorld) { w.rule.touchDelay = 1 },
	}
	if os.Getenv("ZOOKIT_MODEL") == "long" { // it takes a while to be found; "make mutants" has it too
		deviations["it counts from the newest proven request, with P"] = func(w *modelWorld) {
			w.rule.margin, w.written = 4, func(l *lease) proof { return proof{modelNow, l.proven} }
			w.stay = false
		}
	}
	for name, change := range deviations {
		t.Run(name, func(t *testing.T) {
			w := modelOf(8)
			w.stay = true // none of them needs a move
			change(&w)
			m := w.search(2_000_000)
			require.GreaterOrEqual(t, m.bad, 0, "not found in %d states", len(m.states))
			t.Logf("found after %d states:\n%s", len(m.states), w.story(m))
		})
	}
}

// A new connection starts afresh: the lease drops the answers of an earlier one,
// which went through another server. (To keep them would be unsafe in no schedule,
// since they are older than the handshake. It would make the lease shorter.)
func TestLease_ForgetsTheLastConnection(t *testing.T) {
	rule := modelOf(24).rule
	used, fresh := lease{leaseRule: rule}, lease{leaseRule: rule}
	for now := instant(0); now < 60; now++ {
		used.answered(now, now-1)
		used.confirmed(used.written(now))
	}
	used.handshaken(100, true)
	fresh.handshaken(100, true)
	require.Equal(t, fresh, used)
	require.Equal(t, instant(123), used.end)
	require.Equal(t, proof{100, 100}, used.written(101))
}

// With a quick reply every unit, the lease ends where the rule says.
func TestLease_EndsWhereTheRuleSays(t *testing.T) {
	l := lease{leaseRule: modelOf(24).rule}
	l.handshaken(0, true)
	for now := instant(1); now < 200; now++ {
		p := l.written(now)
		l.answered(now, now)
		l.confirmed(p)
		switch {
		case now <= 8: // nothing was answered 7 units before the request at 7
			require.Equal(t, instant(23), l.end, "at %d", now)
		default: // the request at now-1 had its base at now-8
			require.Equal(t, now-8+23, l.end, "at %d", now)
		}
		require.LessOrEqual(t, l.n, 8, "no more samples than the rule needs")
	}
}
