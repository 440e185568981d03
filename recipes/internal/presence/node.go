package presence

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/observe"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Config says how a Node is kept. Every zero value is a good default.
type Config struct {
	// Sequential makes the path a prefix. Each registration gets its own name,
	// `_c_<uuid>-<name><seq>`, so that no other node can occupy it.
	Sequential bool
	// ACL is the ACL of the node and of parents that the Node creates. Default:
	// open to everyone.
	ACL []zk.ACL
	// KeepParents says that the caller creates the parents. Without a parent the
	// Node retries after RefusedPause. Default: missing parents are created as
	// containers.
	KeepParents bool
	// ReportDeleted ends the Node with ErrDeleted when someone deletes its node
	// while the session lives. Default: the node is created again.
	ReportDeleted bool
	// WaitOut is how long the Node waits for another session's node at its path to
	// be deleted. Default: twice the session timeout, and at least 20 s.
	WaitOut time.Duration
	// BackOff makes the policy for pauses after failed tries. Default: exponential,
	// 100 ms to 10 s. When a policy ends, the longest pause that it returned is
	// used from then on, or 10 s if it returned none.
	BackOff func() backoff.BackOff
	// Spread is the longest random pause before the first try in a new session,
	// after the server has expired the session before. When thousands of sessions
	// expire together, their nodes then do not all return at the same instant.
	// Default: no pause.
	Spread time.Duration
	// RefusedPause is the pause after the server has refused a try, for example
	// because a right or a parent is missing. Default: 30 s.
	RefusedPause time.Duration
	Logger       *slog.Logger   // default: discard
	Hooks        *observe.Hooks // default: none
	// Recipe is the first word of each log line. Default: presence.
	Recipe string
	// Left is the cause of contexts after Leave. It must wrap ErrLeft. Default:
	// ErrLeft.
	Left error
}

func (c Config) withDefaults() (Config, error) {
	if c.WaitOut < 0 || c.Spread < 0 || c.RefusedPause < 0 {
		return c, fmt.Errorf("negative duration: WaitOut %v, Spread %v, RefusedPause %v", c.WaitOut, c.Spread, c.RefusedPause)
	}
	c.BackOff = pace.Endless(c.BackOff)
	if c.RefusedPause == 0 {
		c.RefusedPause = 30 * time.Second
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.Recipe = cmp.Or(c.Recipe, "presence")
	if c.Left == nil {
		c.Left = ErrLeft
	}
	return c, nil
}

// waitOut returns Config.WaitOut, or its default for a session with this timeout.
func (c Config) waitOut(timeout time.Duration) time.Duration {
	if c.WaitOut > 0 {
		return c.WaitOut
	}
	return max(2*timeout, 20*time.Second)
}

// State says whether a node is known to be registered.
type State uint8

// The states of a Node.
const (
	// Unregistered: the node is not there, or not for certain. The Node is working
	// on that.
	Unregistered State = iota
	// Registered: the node is there, and this client's session owns it.
	Registered
	// Ended: the Node does nothing any more.
	Ended
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case Unregistered:
		return "unregistered"
	case Registered:
		return "registered"
	case Ended:
		return "ended"
	}
	return "unknown state " + strconv.Itoa(int(s))
}

// Status is the state of a Node at one time.
type Status struct {
	State State
	Since time.Time // when State was entered
	// Err is why the Node is not registered, nil at the start. Of Unregistered:
	// zk.ErrLeaseLapsed, zk.ErrSessionExpired, ErrDeleted, the server's refusal, or
	// a TakenError of the node that it waits for. Of Ended: ErrLeft, zk.ErrClosed,
	// ErrDeleted, a TakenError, or why the request was invalid.
	Err error
	// The newest registration.
	Path    string      // of its node; if Sequential, with the suffix
	Czxid   int64       // of its node; a later registration has a higher one
	Session *zk.Session // which owns the node
	// Context ends with this registration, with the reason as its cause. It is nil
	// before the first registration.
	Context context.Context
}

// Node keeps one ephemeral node. Its methods may be called by many goroutines.
type Node struct {
	k    *Keeper
	cfg  Config
	base string            // the path given to Start
	from *recipes.Detached // the node given to Resume; nil after Start

	ctx  context.Context // of the goroutine run; Leave ends it
	stop context.CancelCauseFunc
	done chan struct{} // closed when run has returned
	wake xsync.Wakeup  // wakes run: Update has recorded new data

	// Owned by run. After run has returned, owned by the holder of turn.
	resuming bool        // the node of from has not been registered yet
	took     *zk.Session // package resumed knows that from is taken in this session; nil: in none
	in       *zk.Session // the session of the last try; nil before the first
	own      trace       // the node that session in has created, or may have
	// older are the nodes that earlier sessions have created, or may have.
	older []trace
	tried content // the data of the last create that was sent
	// lostSets are the sets of our node whose reply was lost, one for each data.
	lostSets []write
	// cleanups are the deletes of this Node that the janitor is working on.
	cleanups []*cleanup
	// seen is the last node of another session at our path. The Node waits for its
	// deletion, until the time in until.
	seen  recipes.TakenError
	until time.Time

	logged State // the state that was logged last

	turn xsync.Mutex // held by the goroutine that removes the node

	mu      sync.Mutex      // leaf lock; guards the fields below
	changed xsync.Broadcast // the status or the stored data has changed
	status  Status
	rev     uint64 // number of changes of status
	// count is the number of the newest data: Start gets 1, each Update the next.
	count uint64
	data  content // the newest
	// good is the data that was stored last, at first the data of Start. It replaces
	// data that cannot be stored.
	good    content
	stored  uint64 // number of the newest data that was stored
	refused uint64 // number of the newest data that cannot be stored
	why     error  // why that data cannot be stored
	unsure  uint64 // number of the newest data that may be stored, or may not
}

// trace is a node that session s has created at path, or may have created.
type trace struct {
	s    *zk.Session // nil: there is no such node
	path string
	// czxid is the node's. If it is 0, the server has not confirmed the create, and the
	// node may still appear later. If it is not 0, another node at path is not this one,
	// although the same session may own it.
	czxid int64
}

// is reports whether stat, of a node of the same session at the path, is that of the node.
func (t trace) is(stat zk.Stat) bool { return t.czxid == 0 || t.czxid == stat.Czxid }

// content is data with its number.
type content struct {
	data   []byte
	number uint64
}

// Start begins to keep a node at path with data, until Leave. It does no I/O
// itself. The contexts of registrations have the values of ctx; the end of ctx has
// no effect.
//
// Start returns a TakenError if this Keeper has a Node at path, and
// zk.ErrInvalidPath.
func (k *Keeper) Start(ctx context.Context, path string, data []byte, cfg Config) (*Node, error) {
	return k.start(ctx, path, data, cfg, nil)
}

// start is Start, or Resume if from is not nil.
func (k *Keeper) start(ctx context.Context, path string, data []byte, cfg Config, from *recipes.Detached) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	check := path
	if cfg.Sequential {
		check += "0"
	}
	if err := zk.ValidatePath(check); err != nil {
		return nil, err
	}
	n := &Node{
		k: k, cfg: cfg, base: path, from: from, resuming: from != nil,
		done: make(chan struct{}), status: Status{Since: time.Now()}, rev: 1,
		count: 1, data: content{bytes.Clone(data), 1},
	}
	n.good = n.data
	n.ctx, n.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	if err := k.claim(n); err != nil {
		n.stop(err)
		return nil, err
	}
	go n.run() // joined by Leave
	return n, nil
}

// Base is the path that was given to Start.
func (n *Node) Base() string { return n.base }

// Status returns the present status.
func (n *Node) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status
}

// Statuses yields the present status, and then the latest status after each change.
// A slow reader skips some, but always reaches the latest. Statuses ends when ctx
// ends, or after Ended.
func (n *Node) Statuses(ctx context.Context) iter.Seq[Status] {
	return func(yield func(Status) bool) {
		for s := range xsync.Latest(ctx, n.current) {
			if !yield(s) || s.State == Ended {
				return
			}
		}
	}
}

// current returns the status, its number, and a channel that its next change closes.
func (n *Node) current() (s Status, rev uint64, changed <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status, n.rev, n.changed.C()
}

// Update makes data the newest. It returns nil when data, or the data of a later
// Update, is stored on the server, in this session or in the next.
//
// An error with OutcomeNotSent says that Update recorded nothing: ctx had ended
// before the call, or the Node had. If ctx ends later the error has OutcomeUnknown.
// The data is then the newest, and the Node stores it as soon as it can.
//
// If the server can never store the data (zk.ErrTooLarge, zk.ErrNoAuth), the Node
// drops it and returns to the data before it. If the reply to an earlier try was lost,
// the Node looks at what the server has. If it may not, the error has OutcomeUnknown,
// and the Node keeps the data for its next registration. After the end of the Node,
// Update returns the reason of that end.
func (n *Node) Update(ctx context.Context, data []byte) error {
	if err := ctxerr.Of(ctx); err != nil {
		return refused.AtOnce("update", n.base, err)
	}
	n.mu.Lock()
	if n.status.State == Ended {
		defer n.mu.Unlock()
		return refused.AtOnce("update", n.base, n.status.Err)
	}
	n.count++
	mine := n.count
	n.data = content{bytes.Clone(data), mine}
	n.mu.Unlock()
	n.wake.Wake()
	for {
		n.mu.Lock()
		stored, dropped, unsure, why, s, changed := n.stored, n.refused, n.unsure, n.why, n.status, n.changed.C()
		n.mu.Unlock()
		switch {
		case dropped == mine:
			return why
		case stored >= mine:
			return nil
		case dropped > mine && unsure >= mine:
			return pace.Left("update", why)
		case dropped > mine: // that data had replaced this
			return why
		case s.State == Ended:
			return &zk.OpError{Op: "update", Path: n.base, Err: s.Err}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return &zk.OpError{Op: "update", Path: n.base, Err: ctxerr.Of(ctx)}
		}
	}
}

// publish makes s the status, logs it, and wakes the readers. If the Node stays
// Unregistered for the same reason, publish does nothing.
func (n *Node) publish(s Status) {
	n.mu.Lock()
	old := n.status
	entered := s.State != old.State
	if !entered && s.State == Unregistered && sameText(s.Err, old.Err) {
		n.mu.Unlock()
		return
	}
	s.Since = old.Since
	if entered {
		s.Since = time.Now()
	}
	n.status = s
	n.rev++
	n.changed.Notify()
	n.mu.Unlock()
	n.log(s, entered)
	if entered {
		n.cfg.Hooks.MemberChanged(recipes.MemberChanged{Recipe: n.cfg.Recipe, Path: n.base, State: s.State.String(), Err: s.Err})
	}
}

// log logs a new status. If it entered no other state, its reason is new: the Node is
// still Unregistered. On the way to Ended, only Ended is logged.
func (n *Node) log(s Status, entered bool) {
	if s.State == Unregistered && ends(s.Err) {
		return
	}
	line, attrs := lines.StillUnregistered, []slog.Attr{slog.String("path", n.base)}
	if entered {
		line = lines.State
		attrs = append(attrs, slog.String("from", n.logged.String()), slog.String("to", s.State.String()))
		if s.Path != "" {
			attrs = append(attrs, slog.String("node", s.Path))
		}
	}
	n.logged = s.State
	if s.Err != nil {
		attrs = append(attrs, lines.Why(s.Err))
	}
	lines.New(n.cfg.Logger, n.cfg.Recipe).Line(levelOf(s), line, attrs...)
}

// ends reports whether the Node ends because of err, as its owner wants it.
func ends(err error) bool {
	return errors.Is(err, ErrLeft) || errors.Is(err, recipes.ErrDetached) || errors.Is(err, zk.ErrClosed)
}

// levelOf returns the level of the line about a status: Warn if the node should be
// registered and is not. A node that waits for that of an earlier process is no reason to
// warn: its session ends soon.
func levelOf(s Status) slog.Level {
	_, waits := errors.AsType[*recipes.TakenError](s.Err)
	if s.Err == nil || waits && s.State == Unregistered || ends(s.Err) {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

func sameText(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// lost publishes why the Node is not registered now. The other fields keep the
// values of the last registration.
func (n *Node) lost(why error) {
	s := n.Status()
	s.State, s.Err = Unregistered, why
	n.publish(s)
}

// latest returns the newest data.
func (n *Node) latest() content {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.data
}

// keepData records that d is stored on the server.
func (n *Node) keepData(d content) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.good, n.stored = d, max(n.stored, d.number)
	n.changed.Notify()
}

// dropData drops d, which cannot be stored, and returns to the data before it. It
// returns false if there is none.
func (n *Node) dropData(d content, why error) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if d.number == n.good.number {
		return false
	}
	n.refused, n.why = d.number, why
	if n.data.number == d.number {
		n.data = n.good
	}
	n.changed.Notify()
	return true
}

// keepUnsure records that d is perhaps stored on the server. The Node returns to it
// rather than to the data before it.
func (n *Node) keepUnsure(d content) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.good, n.unsure = d, max(n.unsure, d.number)
}

// notStored records that d cannot be stored now. The Node keeps it all the same.
func (n *Node) notStored(d content, why error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refused, n.why = d.number, why
	n.changed.Notify()
}

// behind reports whether the newest data is neither stored nor refused yet.
func (n *Node) behind() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.data.number > max(n.stored, n.refused)
}
