package election

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/sentinel"
	"github.com/zookit/zookit/zk"
)

// Errors. The first three are causes of Leadership.Context, beside
// zk.ErrSessionExpired, zk.ErrLeaseLapsed and zk.ErrClosed.
var (
	// ErrResigned: Resign was called. It wraps recipes.ErrReleased.
	ErrResigned = sentinel.In("resigned", recipes.ErrReleased)
	// ErrHandedOver: HandOver was called. It wraps recipes.ErrReleased.
	ErrHandedOver = sentinel.In("handed over", recipes.ErrReleased)
	// ErrDeleted: somebody deleted the leader's node.
	ErrDeleted = recipes.ErrDeleted
	// ErrNoLeader: there is no candidate.
	ErrNoLeader = errors.New("no leader")
	// ErrNotLeader: a multi with Leadership.Check, or a Proclaim, came after the
	// leadership was lost. It wraps recipes.ErrNotHeld.
	ErrNotLeader = sentinel.In("no longer leader", recipes.ErrNotHeld)
	// ErrNoCandidate: HandOver found nobody, or not the one who was named. We
	// still lead.
	ErrNoCandidate = errors.New("no such candidate")
	// ErrNotFirst is what errors.Is finds in a HandOverError.
	ErrNotFirst = errors.New("the named candidate was not seen to be first")
	// ErrForeignAhead: a candidate of another library, which lets nobody pass, is
	// ahead of the one whom HandOver is to make leader.
	ErrForeignAhead = errors.New("a foreign candidate is ahead")
	// ErrPriority: Config.Priority cannot be announced.
	ErrPriority = errors.New("priority not possible")
	// ErrForeign: a candidate that would not see ours is in the directory, or
	// data that is not ours is where HandOver names the successor.
	ErrForeign = recipes.ErrForeign
	// ErrSequenceExhausted: the directory must be deleted and made anew.
	ErrSequenceExhausted = recipes.ErrSequenceExhausted
)

// Config says how a candidate looks and how Run behaves. Every zero value is a
// good default.
type Config struct {
	// ID is what the candidate's node holds, and by which HandOver names it;
	// Proclaim replaces it. Empty is allowed, but then nobody can name it.
	ID string
	// Priority decides when a leadership has ended: of the candidates that wait,
	// one of the highest priority leads next, and among equals the first in the
	// queue. It deposes nobody. Each candidate ahead of that one costs a round trip
	// or two, and its place among equals behind it: it queues again. It must fit
	// into 32 bits, and needs Curator's dialect.
	Priority int
	Dialect  recipes.Dialect // default Curator's LeaderLatch
	ACL      []zk.ACL        // of the nodes and of parents that are missing: all candidates need READ
	// BackOff makes the policy for the pauses between the terms of Run. A policy
	// that ends goes on with the longest pause that it has returned, or with 10 s.
	// Default: exponential, 100 ms to 10 s.
	BackOff func() backoff.BackOff
	Logger  *slog.Logger // of Run; default: discard
}

// Election is one candidacy in a directory. It may be used by many goroutines;
// each Campaign is a candidate of its own.
type Election struct {
	c     *zk.Client
	dir   string
	cfg   Config
	queue *contend.Queue
	bad   error // why it cannot be used

	memory memory
}

// New returns an election in dir. It does no I/O. Without a client, or with a
// Dialect that there is not, every method returns zk.ErrBadArguments.
func New(c *zk.Client, dir string, cfg Config) *Election {
	cfg.BackOff = pace.Endless(cfg.BackOff)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	queue := contend.New(c, dir, contend.Latch, cfg.Dialect, []byte(cfg.ID), cfg.ACL)
	bad := refused.Client(c)
	if bad == nil {
		bad = cfg.Dialect.Validate()
	}
	return &Election{c: c, dir: dir, cfg: cfg, bad: bad, queue: queue.Ranked(int32(cfg.Priority)).Denying(ErrNotLeader)}
}

// Campaign waits until we lead. It returns at once when ctx ends, with its cause
// wrapped; on any error the candidate's node is deleted, now or in the
// background. If it was in the queue by then, the error holds a
// *recipes.WaitError, which says who was ahead as far as was known.
//
// It returns ErrForeign, ErrSequenceExhausted, ErrPriority, zk.ErrNoAuth,
// zk.ErrClosed or whatever else the server refuses with.
func (e *Election) Campaign(ctx context.Context) (*Leadership, error) {
	if err := e.usable("campaign"); err != nil {
		return nil, err
	}
	if int(int32(e.cfg.Priority)) != e.cfg.Priority || e.cfg.Priority != 0 && e.cfg.Dialect != recipes.Curator {
		err := fmt.Errorf("%w: %d in the %v dialect", ErrPriority, e.cfg.Priority, e.cfg.Dialect)
		return nil, e.wrap(refused.AtOnce("campaign", e.dir, err))
	}
	g, err := e.queue.AcquireInTurn(ctx, e.choose)
	if err != nil {
		return nil, e.wrap(err)
	}
	l := &Leadership{g: g, e: e, turn: make(chan struct{}, 1)}
	e.memory.lead(l)
	return l, nil
}

// usable returns an error if e can only be refused: it has no client, or a dialect
// that there is not.
func (e *Election) usable(op string) error {
	if e.bad == nil {
		return nil
	}
	return e.wrap(refused.AtOnce(op, e.dir, e.bad))
}

func (e *Election) wrap(err error) error { return fmt.Errorf("election: %s: %w", e.dir, err) }

// ObservedState says what an observer knows.
type ObservedState uint8

// What an observer knows.
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
	Leader Leader // of Led
}

// observe reads who leads, shows it, and waits until something may have changed.
// A connection that is lost ends it too, also in the middle of a read: the caller
// then shows that. more is false when show wants no more.
func (e *Election) observe(ctx context.Context, show func(Observation) bool) (more bool, err error) {
	connected, stop := whileConnected(ctx, e.c)
	defer stop()
	o, watch, err := e.look(connected)
	if err == nil {
		defer watch.Stop()
		if !show(o) {
			return false, nil
		}
		err = waitChanged(connected, watch)
	}
	if ctx.Err() == nil && connected.Err() != nil {
		err = nil
	}
	return true, err
}

// Observe yields who leads now and then every change; it may skip some, but
// always reaches the latest. While the connection is lost it yields Unknown. It
// goes on over expired sessions. When ctx ends, or on an error that no retry
// mends, it yields the error and stops.
//
// It costs two reads for each new leader and each proclamation, and nothing while
// the leader stays: candidates that join or leave behind it send no event to an
// observer.
func (e *Election) Observe(ctx context.Context) iter.Seq2[Observation, error] {
	return func(yield func(Observation, error) bool) {
		if err := e.usable("observe"); err != nil {
			yield(Observation{}, err)
			return
		}
		e.memory.begin()
		defer e.memory.end()
		var last Observation
		first := true
		show := func(o Observation) bool {
			if !first && o.State == last.State && o.Leader.Token == last.Leader.Token && string(o.Leader.Data) == string(last.Leader.Data) {
				return true
			}
			first, last = false, o
			e.memory.see(o)
			return yield(o, nil)
		}
		for {
			if e.c.State() != zk.StateConnected && !show(Observation{}) {
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
