package barrier_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// history is what an observer knows of the rounds: the members that were there when
// each round was opened, in the order of the server's transactions, and the parties
// that were let in and have left.
type history struct {
	t  testing.TB
	mu sync.Mutex

	there map[string]bool            // members that are there, from the events
	opens []map[string]bool          // members that were there when a ready was created
	round map[int64]map[string]party // parties, by Entry.Round and node
	over  map[int64]bool             // rounds of which a Leave has returned nil
	dead  map[int64]bool             // sessions that the test has ended
	let   int
}

type party struct {
	e       *barrier.Entry
	leaving bool
}

func newHistory(t testing.TB) *history {
	return &history{
		t: t, there: map[string]bool{}, round: map[int64]map[string]party{},
		over: map[int64]bool{}, dead: map[int64]bool{},
	}
}

// observe follows the events of the directory. Its server must not be cut.
func (h *history) observe(ctx context.Context, sub *zk.Subscription) {
	for ev, err := range sub.Events(ctx) {
		if err != nil {
			return
		}
		h.mu.Lock()
		name := ev.Path[len(zk.Parent(ev.Path)):][1:]
		switch {
		case ev.Type == zk.EventResync:
			h.t.Error("the observer missed something")
		case name == "ready" && ev.Type == zk.EventCreated:
			now := map[string]bool{}
			for n := range h.there {
				now[n] = true
			}
			h.opens = append(h.opens, now)
		case ev.Path == "/b":
		case ev.Type == zk.EventCreated:
			h.there[name] = true
		case ev.Type == zk.EventDeleted:
			delete(h.there, name)
		}
		h.mu.Unlock()
	}
}

// entered checks an entry that Enter has just returned.
func (h *history) entered(e *barrier.Entry, parties int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(e.Members()) != parties || !slices.Contains(e.Members(), e.Path()[len("/b/"):]) {
		h.t.Errorf("%s was let in with %q", e.Path(), e.Members())
	}
	if h.over[e.Round()] && h.inside(e) {
		h.t.Errorf("%s was let into a round that others found over", e.Path())
	}
	if h.round[e.Round()] == nil {
		h.round[e.Round()] = map[string]party{}
	}
	h.round[e.Round()][e.Path()] = party{e: e}
	h.let++
}

// inside reports whether a party counts as being inside. A party whose session the
// test has ended does not: its node is deleted at once, before its lease is over, and
// it notices only when it is connected again. The caller holds h.mu.
func (h *history) inside(e *barrier.Entry) bool {
	return e.Context().Err() == nil && !h.dead[e.Session().ID()]
}

// ends records that the test is about to end a session.
func (h *history) ends(session int64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dead[session] = true
	return session
}

// rounds returns the number of rounds that have let a party in.
func (h *history) rounds() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.round)
}

func (h *history) leaving(e *barrier.Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.round[e.Round()][e.Path()] = party{e: e, leaving: true}
}

// left checks a Leave that has returned nil.
func (h *history) left(e *barrier.Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over[e.Round()] = true
	for path, p := range h.round[e.Round()] {
		if !p.leaving && h.inside(p.e) {
			h.t.Errorf("%s left while %s was inside", e.Path(), path)
		}
	}
}

// check compares the parties of each round with the members that were there when it
// was opened.
func (h *history) check() {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := 0
	rounds := make([]int64, 0, len(h.round))
	for id := range h.round {
		rounds = append(rounds, id)
	}
	slices.Sort(rounds)
	for _, id := range rounds {
		var members []string
		for _, p := range h.round[id] {
			if members == nil {
				members = p.e.Members()
			}
			require.Equal(h.t, members, p.e.Members())
		}
		all := func(there map[string]bool) bool {
			return !slices.ContainsFunc(members, func(m string) bool { return !there[m] })
		}
		for next < len(h.opens) && !all(h.opens[next]) {
			next++ // a round in which no party noticed that it was let in
		}
		if next == len(h.opens) {
			h.t.Errorf("round %#x of %q: no instant at which a ready was created and all were there", id, members)
			return
		}
		next++
	}
}

// Parties join, give up, leave, die and are cut off at random. None is let in early, and
// no Leave returns early. In the end all parties have returned, and no node is left.
func TestDouble_RandomRoundsUnderFaults(t *testing.T) {
	total := 0
	for seed := range uint64(40) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			inBubble(t, 3, func(t *testing.T, srv *zktest.Server) {
				n := 1 + int(seed%4)
				users := n + int(seed/4%2) // for some seeds one more than a round needs
				h := newHistory(t)
				eye := connect(t, srv, 3)
				require.NoError(t, srv.Create("/b", nil))
				sub, err := eye.Subscribe(t.Context(), "/b", zk.Recursive(), zk.Buffer(1<<20))
				require.NoError(t, err)
				var observer sync.WaitGroup
				observer.Go(func() { h.observe(t.Context(), sub) })

				var clients []*zk.Client
				var work sync.WaitGroup
				for i := range users {
					c := connect(t, srv, 1+i%2)
					clients = append(clients, c)
					work.Go(func() {
						visit(t, h, barrier.NewDouble(c, "/b", n, barrier.DoubleConfig{}), n, rand.New(rand.NewPCG(seed, uint64(i))))
					})
				}
				stop := make(chan struct{})
				var faults sync.WaitGroup
				faults.Go(func() { spoil(h, srv, clients, rand.New(rand.NewPCG(seed, 99)), stop) })
				work.Wait()
				close(stop)
				faults.Wait()
				srv.OnRequest(nil)
				time.Sleep(time.Minute)

				for range 3 { // the barrier still works for all
					var all []*entering
					for i := range n {
						all = append(all, enter(t.Context(), barrier.NewDouble(clients[i], "/b", n, barrier.DoubleConfig{})))
					}
					var entries []*barrier.Entry
					for _, a := range all {
						entries = append(entries, a.in(t))
					}
					leaveAll(t, entries...)
				}
				require.Empty(t, srv.Children("/b"))
				synctest.Wait()
				require.NoError(t, sub.Close())
				observer.Wait()
				h.check()
				total += h.let
			})
		})
	}
	t.Logf("%d entries", total)
	require.Greater(t, total, 800)
}

// visit enters and leaves with contexts that end at random moments.
func visit(t testing.TB, h *history, d *barrier.Double, n int, rnd *rand.Rand) {
	within := func(ms int) (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), time.Duration(rnd.IntN(ms*1000))*time.Microsecond)
	}
	for range 60 {
		ctx, cancel := within([]int{5, 50, 5000}[rnd.IntN(3)])
		e, err := d.Enter(ctx)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, zk.ErrSessionExpired) && !errors.Is(err, barrier.ErrTooMany) && !errors.Is(err, barrier.ErrDeleted) {
				t.Error(err)
			}
			cancel()
			continue
		}
		h.entered(e, n)
		cancel()
		time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
		h.leaving(e)
		if rnd.IntN(3) == 0 {
			ctx, cancel = within(20)
		} else {
			ctx, cancel = context.WithCancel(context.Background())
		}
		err = e.Leave(ctx)
		switch {
		case err == nil:
			h.left(e)
		case ctx.Err() == nil && !errors.Is(err, barrier.ErrLost):
			t.Error(err)
		}
		cancel()
	}
}

// spoil cuts connections, slows down servers and expires sessions until it is stopped.
func spoil(h *history, srv *zktest.Server, clients []*zk.Client, rnd *rand.Rand, stop <-chan struct{}) {
	var mu sync.Mutex
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Server == 3 || r.Op == "ping" || r.Op == "setWatches" {
			return zktest.Pass
		}
		mu.Lock()
		dice := rnd.IntN(60)
		mu.Unlock()
		time.Sleep(time.Duration(dice) * 20 * time.Microsecond)
		switch dice {
		case 0:
			return zktest.DropReplyAndCut
		case 1:
			return zktest.CutBefore
		}
		return zktest.Pass
	})
	for {
		mu.Lock()
		pause, what := time.Duration(rnd.IntN(300))*time.Millisecond, rnd.IntN(10)
		who, server := rnd.IntN(len(clients)), 1+rnd.IntN(2)
		mu.Unlock()
		select {
		case <-stop:
			return
		case <-time.After(pause):
		}
		switch what {
		case 0:
			_ = srv.ExpireSession(h.ends(clients[who].Session().ID()))
		case 1:
			srv.Delay(server, pause/20)
		case 2:
			srv.CutFromLeader(server, true)
			time.Sleep(pause)
			srv.CutFromLeader(server, false)
		default:
			srv.CutConnections(server)
		}
	}
}
