package presence

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Config says how a node is kept. Every zero value is a good default.
type Config struct {
	// Sequential makes the path a prefix: each registration gets a name of its
	// own, `_c_<uuid>-<name><seq>`, so that no other node can stand in its way.
	Sequential bool
	ACL        []zk.ACL // of the node and of parents that are missing; default open to everybody
	// KeepParents leaves missing parents to somebody else: registering is tried
	// slowly until they are there. Default: they are created, as containers.
	KeepParents bool
	// ReportDeleted ends the Node with ErrDeleted when somebody deletes its node
	// while the session lives. Default: it is created again.
	ReportDeleted bool
	// WaitOut is how long the node of another session at our path is given to
	// go. Default twice the session timeout, and at least 20 s.
	WaitOut time.Duration
	// BackOff makes the policy for pauses between tries that failed. Default:
	// exponential, 100 ms to 10 s. A policy that ends goes on with the longest
	// pause that it has returned, or with 10 s.
	BackOff func() backoff.BackOff
	// Spread is how long the first try in a new session waits, at random and at the
	// most, after the server has ended the one before: so that thousands whose
	// sessions expired together do not come back at one instant. Default: not at all.
	Spread time.Duration
	// RefusedPause is the time between tries after the server has refused one,
	// for want of rights or of a parent. Default 30 s.
	RefusedPause time.Duration
	Logger       *slog.Logger // default: discard
	// Left is the cause after Leave, in the recipe's word; it must wrap ErrLeft.
	// Default ErrLeft.
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
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Left == nil {
		c.Left = ErrLeft
	}
	return c, nil
}

// waitOut is Config.WaitOut for a session of the given timeout.
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
	// Unregistered: not, or not for certain; being worked on.
	Unregistered State = iota
	// Registered: the node is there, and is ours.
	Registered
	// Ended: nothing is done any more.
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

// Status is what a Node knows of itself.
type Status struct {
	State State
	Since time.Time
	// Err is why it is not registered, nil at the start: zk.ErrLeaseLapsed,
	// zk.ErrSessionExpired, ErrDeleted, what the server refused with, or a
	// TakenError of a node that is being waited out. Of Ended: ErrLeft,
	// zk.ErrClosed, ErrDeleted, a TakenError, or what is wrong with the request.
	Err error
	// Of the newest registration:
	Path    string          // of its node; with Sequential, with the suffix
	Czxid   int64           // of its node; the higher the later
	Session *zk.Session     // which owns it
	Context context.Context // ends with this registration, with the reason as its cause; nil before the first
}

// Node is one ephemeral node that is kept. Its methods may be called by many
// goroutines.
type Node struct {
	k    *Keeper
	cfg  Config
	base string // the path given to Start

	ctx  context.Context // of the goroutine; ended by Leave
	stop context.CancelCauseFunc
	done chan struct{} // closed when the goroutine has ended
	wake chan struct{} // cap 1: there is new data

	// Owned by the goroutine, and by whoever has the turn after it has ended.
	in       *zk.Session        // in which the last try was made; nil before the first
	own      trace              // of the session that we are in
	older    []trace            // of sessions before that
	tried    content            // what the last create was sent with
	cleanups []*cleanup         // what the janitor has of us
	seen     recipes.TakenError // the last node of another session at our path, with
	until    time.Time          // the end of its time to go

	turn chan struct{} // cap 1: who removes the node; not a mutex, since it waits

	mu      sync.Mutex    // leaf lock; guards what follows
	changed chan struct{} // closed and replaced whenever something of it changes
	status  Status
	rev     uint64 // counts the changes of status
	count   uint64 // numbers what was given to Start and Update
	data    content
	good    content // what was stored last, or at first given
	stored  uint64  // the newest that was stored
	refused uint64  // the newest that cannot be stored, for
	why     error
}

// trace is a node that is or may be there: of session s, at path.
type trace struct {
	s    *zk.Session // nil: there is none
	path string
	sure bool // its create was confirmed, so that none comes late
}

// content is data with its number.
type content struct {
	data   []byte
	number uint64
}

// Start begins to keep a node at path with data, until Leave. It does no I/O
// itself. The contexts of registrations have the values of ctx; when it ends
// does not matter. It returns a TakenError when a Node of this Keeper is at
// path, and zk.ErrInvalidPath.
func (k *Keeper) Start(ctx context.Context, path string, data []byte, cfg Config) (*Node, error) {
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
		k: k, cfg: cfg, base: path,
		done: make(chan struct{}), wake: make(chan struct{}, 1), turn: make(chan struct{}, 1),
		changed: make(chan struct{}), status: Status{Since: time.Now()}, rev: 1,
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

// Status returns the present status.
func (n *Node) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status
}

// Statuses yields the present status and then, whenever it has changed, the one
// that it is by then: a slow reader skips some, but always reaches the latest.
// It ends when ctx does, or after Ended.
func (n *Node) Statuses(ctx context.Context) iter.Seq[Status] {
	return func(yield func(Status) bool) {
		for seen := uint64(0); ; {
			n.mu.Lock()
			s, rev, changed := n.status, n.rev, n.changed
			n.mu.Unlock()
			if rev != seen {
				seen = rev
				if !yield(s) || s.State == Ended {
					return
				}
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// Update makes data the newest. It returns nil when data, or the data of a later
// Update, is stored on the server, in this session or in the next.
//
// An error with OutcomeNotSent says that Update recorded nothing: ctx had ended
// before the call, or the Node had. If ctx ends later the error has OutcomeUnknown.
// The data is then the newest, and the Node stores it as soon as it can.
//
// If the server can never store the data (zk.ErrTooLarge, zk.ErrNoAuth), the Node
// drops it and returns to the data before it. After the end of the Node, Update
// returns the reason of that end.
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
	select {
	case n.wake <- struct{}{}:
	default:
	}
	for {
		n.mu.Lock()
		stored, dropped, why, s, changed := n.stored, n.refused, n.why, n.status, n.changed
		n.mu.Unlock()
		switch {
		case dropped == mine:
			return why
		case stored >= mine:
			return nil
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

// publish makes s the status, logs what is new in it, and notifies the readers. A
// try that failed for the same reason as the one before is nothing new.
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
	n.broadcast()
	n.mu.Unlock()
	if entered {
		n.cfg.Logger.Info("presence: state", "path", n.base, "from", old.State, "to", s.State, "node", s.Path, "why", s.Err)
	} else {
		n.cfg.Logger.Info("presence: "+s.State.String()+" still", "path", n.base, "why", s.Err)
	}
}

func sameText(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// lost tells why there is no registration now. What is known of the last stays.
func (n *Node) lost(why error) {
	s := n.Status()
	s.State, s.Err = Unregistered, why
	n.publish(s)
}

// broadcast wakes who waits for a change. The caller holds n.mu.
func (n *Node) broadcast() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// latest returns the newest data.
func (n *Node) latest() content {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.data
}

// keepData says that d is on the server.
func (n *Node) keepData(d content) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.good, n.stored = d, max(n.stored, d.number)
	n.broadcast()
}

// dropData drops d, which cannot be stored. false: there was none before it.
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
	n.broadcast()
	return true
}

// behind reports whether there is data that is not stored yet.
func (n *Node) behind() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.data.number > n.stored
}
