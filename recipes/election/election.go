package election

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync/atomic"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/sentinel"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Errors. The first four are causes of Leadership.Context, as are
// zk.ErrSessionExpired, zk.ErrLeaseLapsed and zk.ErrClosed.
var (
	// ErrResigned: Resign was called. It wraps recipes.ErrReleased.
	ErrResigned = sentinel.In("resigned", recipes.ErrReleased)
	// ErrHandedOver: HandOver was called. It wraps recipes.ErrReleased.
	ErrHandedOver = sentinel.In("handed over", recipes.ErrReleased)
	// ErrDetached: Detach was called. It wraps recipes.ErrReleased.
	ErrDetached = recipes.ErrDetached
	// ErrDeleted: somebody deleted the leader's node.
	ErrDeleted = recipes.ErrDeleted
	// ErrNoLeader: there is no candidate.
	ErrNoLeader = errors.New("no leader")
	// ErrNotLeader: a multi with Leadership.Check, or a Proclaim, came after the
	// leadership was lost. It wraps recipes.ErrNotHeld.
	ErrNotLeader = sentinel.In("no longer leader", recipes.ErrNotHeld)
	// ErrNoCandidate: HandOver found no candidate, or not the named one. The caller
	// still leads.
	ErrNoCandidate = errors.New("no such candidate")
	// ErrNotFirst is what errors.Is finds in a HandOverError.
	ErrNotFirst = errors.New("the named candidate was not seen to be first")
	// ErrForeignAhead: a candidate of another library is ahead of the one that HandOver
	// names, and would not stand aside.
	ErrForeignAhead = errors.New("a foreign candidate is ahead")
	// ErrPriority: Config.Priority does not fit into 32 bits, or the dialect has no
	// priorities.
	ErrPriority = errors.New("priority not possible")
	// ErrForeign: the directory has a candidate that would not see our node, or has
	// data of another program where HandOver names the successor.
	ErrForeign = recipes.ErrForeign
	// ErrSequenceExhausted: the directory's counter of sequential nodes is at its end.
	// The directory must be deleted and created again.
	ErrSequenceExhausted = recipes.ErrSequenceExhausted
)

// Config says how a candidate's node looks and how Run behaves. Every zero value is
// a good default.
type Config struct {
	// ID is the data of the candidate's node, by which HandOver names the candidate.
	// Proclaim replaces it. It may be empty, but then nobody can name the candidate.
	ID string
	// Priority matters when a leadership has ended. Of the waiting candidates, one of
	// the highest priority leads next, and among equals the first in the queue. It
	// never ends a leadership.
	//
	// Each candidate ahead of that one queues again, which takes a round trip or two.
	// So it goes behind candidates of its own priority that joined later. Priority must
	// fit into 32 bits, and needs Curator's dialect.
	Priority int
	Dialect  recipes.Dialect // default Curator's LeaderLatch

	// ACL is that of the nodes, and of parents that are missing. All candidates need
	// READ.
	ACL []zk.ACL

	// BackOff makes the policy for the pauses between the terms of Run. A policy that
	// has ended continues with the longest pause that it has returned, or with 10 s.
	// Default: exponential, 100 ms to 10 s.
	BackOff func() backoff.BackOff

	// Logger gets a line
	//
	//   - when a Campaign has waited for three seconds: behind whom, and how many are
	//     ahead (at Info);
	//   - when a leadership begins, and when it ends by Resign or HandOver (at Info);
	//   - when it is lost, with the reason (at Warn);
	//   - when the work of Run goes on for three seconds after that (at Warn), and when it
	//     has returned then (at Info);
	//   - when Run campaigns again, and what the work has returned (at Info).
	//
	// Default: that of the client. docs/logs.md lists each line.
	Logger *slog.Logger
}

// Election is one candidacy in a directory. It may be used by many goroutines;
// each Campaign is a candidate of its own.
type Election struct {
	c     *zk.Client
	dir   string
	cfg   Config
	queue *contend.Queue
	log   journal.Journal
	label label.Label // of the goroutines
	bad   error       // why it cannot be used

	memory memory
}

// New returns an election in dir. It does no I/O. Without a client, or with an
// unknown Dialect, every method returns zk.ErrBadArguments.
func New(c *zk.Client, dir string, cfg Config) *Election {
	cfg.BackOff = pace.Endless(cfg.BackOff)
	log := journal.New(c, cfg.Logger, "election", dir, journal.Words{Granted: lines.Leads, Released: lines.Resigned, HandedOver: ErrHandedOver})
	log.Level = slog.LevelInfo
	queue := contend.New(c, dir, contend.Latch, cfg.Dialect, []byte(cfg.ID), cfg.ACL)
	named := label.Of("election", dir)
	bad := refused.Client(c)
	if bad == nil {
		bad = cfg.Dialect.Validate()
	}
	return &Election{c: c, dir: dir, cfg: cfg, bad: bad, log: log, queue: queue.Ranked(int32(cfg.Priority)).Denying(ErrNotLeader).Labelled(named), label: named}
}

// Campaign waits until we lead. When ctx ends, it returns at once, with an error
// that wraps the cause of ctx. If the candidate was in the queue by then, the error
// is a *recipes.WaitError: it names the candidates ahead, as far as they were known.
//
// It also returns ErrForeign, ErrSequenceExhausted, ErrPriority, zk.ErrNoAuth,
// zk.ErrClosed or another refusal of the server. It returns zk.ErrLeaseLapsed if replies
// take too long for a lease, and zk.ErrBadArguments if zk.Config.TouchDelay leaves no
// lease (see zk.Session.Guard). On any error the candidate's node is deleted, now or in
// the background. If the node may still be there, the error has OutcomeUnknown.
func (e *Election) Campaign(ctx context.Context) (*Leadership, error) {
	if err := e.usable(ctx, "campaign"); err != nil {
		return nil, err
	}
	if err := e.priority(); err != nil {
		return nil, e.wrap(refused.AtOnce("campaign", e.dir, err))
	}
	e.memory.candidates.Add(1)
	defer e.memory.candidates.Add(-1)
	wait := e.log.Wait(ctx)
	g, err := e.queue.Logging(wait).AcquireInTurn(ctx, e.choose)
	wait.Over(err)
	if err != nil {
		return nil, e.wrap(err)
	}
	l := &Leadership{g: g, e: e, log: e.log.Grant(g.Context(), wait, journal.Grant{Session: g.Session(), Node: g.Path(), Token: g.Token()})}
	e.memory.lead(l)
	return l, nil
}

// priority returns ErrPriority if Config.Priority is not possible.
func (e *Election) priority() error {
	switch p := e.cfg.Priority; {
	case int(int32(p)) != p:
		return fmt.Errorf("%w: %d does not fit into 32 bits", ErrPriority, p)
	case p != 0 && e.cfg.Dialect != recipes.Curator:
		return fmt.Errorf("%w: %d: the %v dialect has none, leave it 0", ErrPriority, p, e.cfg.Dialect)
	}
	return nil
}

// usable returns an error if a call of e cannot begin: e was not made by New, it has no
// client or an unknown dialect, or ctx is nil.
func (e *Election) usable(ctx context.Context, op string) error {
	if err := refused.Unusable(ctx, e.c, e.bad, "election.New"); err != nil {
		return e.wrap(refused.AtOnce(op, e.dir, err))
	}
	return nil
}

func (e *Election) wrap(err error) error {
	return show.Error("election", e.dir, refused.Explain(err))
}

// ObservedState says whether an observer knows of a leader.
type ObservedState uint8

// The states of an observation.
const (
	Unknown ObservedState = iota // the connection is lost
	Vacant                       // nobody leads
	Led                          // Leader leads, or is about to
)

// String returns the state's name.
func (s ObservedState) String() string {
	switch s {
	case Vacant:
		return "vacant"
	case Led:
		return "led"
	}
	return "unknown"
}

// Observation is what an observer sees.
type Observation struct {
	State  ObservedState
	Leader Leader // zero unless State is Led
}

// observe reads the leader, passes it to show, and waits until it may have changed.
// It also returns when the connection is lost, even in the middle of a read. The
// caller then shows Unknown. more is false when show wants no more.
func (e *Election) observe(ctx context.Context, show func(Observation, connection) bool) (more bool, err error) {
	connected, stop := whileConnected(ctx, e.c, e.label)
	defer stop()
	over := connectionOf(e.c) // before the read: a later one makes the answer old
	o, watch, err := e.look(connected)
	if err == nil {
		defer watch.Stop()
		if !show(o, over) {
			return false, nil
		}
		err = notice.Await(connected, watch)
	}
	if ctx.Err() == nil && connected.Err() != nil {
		err = nil
	}
	return true, err
}

// Observe yields the leader now and after each change. It may skip changes, but
// always reaches the latest one. When the connection is lost it yields Unknown. It
// continues in a new session when the old one has expired. When ctx ends, or on an
// error that a retry cannot mend, it yields the error and stops.
//
// It needs two reads for each new leader and each proclamation, and none while the
// leader stays: candidates that join or leave behind the leader send no event to an
// observer.
func (e *Election) Observe(ctx context.Context) iter.Seq2[Observation, error] {
	return func(yield func(Observation, error) bool) {
		if err := e.usable(ctx, "observe"); err != nil {
			yield(Observation{}, err)
			return
		}
		e.memory.begin()
		defer e.memory.end()
		r := reporter{e: e}
		defer r.end()
		show := func(o Observation, over connection) bool {
			e.memory.see(o, over)
			last := r.last
			if r.observer != 0 && o.State == last.State && o.Leader.Token == last.Leader.Token && string(o.Leader.Data) == string(last.Leader.Data) {
				return true
			}
			r.see(o)
			return yield(o, nil)
		}
		for {
			if e.c.State() != zk.StateConnected && !show(Observation{}, connection{}) {
				return
			}
			err := e.c.Ready(ctx)
			if err == nil {
				var more bool
				if more, err = e.observe(ctx, show); !more {
					return
				}
			}
			if err != nil {
				yield(Observation{}, e.wrap(err))
				return
			}
		}
	}
}

// lastObserver is the number of the newest observer of this process.
var lastObserver atomic.Uint64

// reporter calls the hooks for one observer.
type reporter struct {
	e        *Election
	observer uint64 // 0 before the first observation
	last     Observation
}

// see reports an observation that differs from the last one.
func (r *reporter) see(o Observation) {
	if r.observer == 0 {
		r.observer = lastObserver.Add(1)
	}
	r.last = o
	r.report(false)
}

// end reports that the observer has ended, unless it has seen nothing.
func (r *reporter) end() {
	if r.observer != 0 {
		r.report(true)
	}
}

func (r *reporter) report(ended bool) {
	leader := r.last.Leader
	r.e.log.Hooks.LeaderChanged(recipes.LeaderChanged{
		Dir: r.e.dir, Observer: r.observer, State: r.last.State.String(),
		ID: string(leader.Data), Token: leader.Token, Ended: ended,
	})
}
