package zk

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/zk/internal/link"
)

// core is the state of a client: all that its callers, the session loop and the
// goroutines of the connection share. One mutex guards it. It also guards the fields
// of Session, Subscription, conn and greeting that say so.
//
// Exported methods of core, and of the types inside it, lock the mutex. Unexported
// methods assume that it is locked. Nothing blocks while it is locked, and no code of
// a user runs: see later.
type core struct {
	cfg   Config // without Auth
	root  chroot
	log   *slog.Logger
	hooks *hooks // nil if there are none
	base  epoch  // where the lease's clock starts
	calls *calls
	auth  *authList              // of the dialer
	label label.Label            // of the goroutines of the client
	list  atomic.Pointer[string] // of servers, that SetServers got last, without the chroot; nil before the first. Written under mu

	mu         sync.Mutex // guards what follows
	results    []func()   // what Unlock does when mu is unlocked, in order: calls get their results
	after      []func()   // what Unlock does after that, in order
	state      State
	generation uint64          // how many transitions were made
	changed    xsync.Broadcast // a transition was made
	since      time.Time       // when the last one was made
	why        error           // of the last one, nil if it needs no reason
	refusal    error           // why the state is or was StateAuthFailed; wraps ErrAuthFailed
	ending     error           // why no more calls are accepted: ErrClosed or ErrDetached; nil while they are
	keeps      bool            // the end of the client does not close the session: see Client.Detach and Config.Resume
	refusing   sync.WaitGroup  // fails the calls that Close refuses; joined by the session loop
	session    *Session        // the newest; nil before the first
	ghosts     ghosts
	grants     grants
	conn       *conn      // nil while there is none
	queue      link.Queue // calls that wait to be written, while there is no connection
	room       room       // the places of the calls that are queued or unanswered
	xid        int32      // the last one used on the earlier connections
	zxid       int64      // the highest in a reply on the earlier connections
	watches    watches
	reconnects uint64 // how often a session went on over another connection
	expiries   uint64 // how many sessions have expired

	listed []string // the servers of SetServers that the session loop has not taken yet
}

// Lock locks the core.
func (c *core) Lock() {
	if c == nil {
		panic(zeroClient)
	}
	c.mu.Lock()
}

// zeroClient is the panic of a Client that Connect has not made. It has no state from
// which it could return an error.
const zeroClient = "zk: the zero Client cannot be used: zk.Connect makes one"

// Unlock unlocks the core, and then does what was put off until now.
func (c *core) Unlock() {
	results, after := c.results, c.after
	if results != nil {
		c.results = nil
	}
	if after != nil {
		c.after = nil
	}
	c.mu.Unlock()
	for _, do := range results {
		do()
	}
	for _, do := range after {
		do()
	}
}

// later puts f off until the core is unlocked, and calls have got their results. f
// is a log line, a hook, or the end of a guard's link to its parent. It may block or
// call the client. It must keep neither a lease from lapsing nor a call from its result.
func (c *core) later(f func()) { c.after = append(c.after, f) }

// resultsLater puts f off until the core is unlocked. f completes calls.
func (c *core) resultsLater(f func()) { c.results = append(c.results, f) }

// Current returns the state, how many transitions were made, and a channel that is
// closed at the next one.
func (c *core) Current() (s State, generation uint64, changed <-chan struct{}) {
	c.Lock()
	defer c.Unlock()
	return c.state, c.generation, c.changed.C()
}

// Refusal returns why the state is or was StateAuthFailed.
func (c *core) Refusal() error {
	c.Lock()
	defer c.Unlock()
	return c.refusal
}

// Ending returns why no more calls are accepted, nil while they are.
func (c *core) Ending() error {
	c.Lock()
	defer c.Unlock()
	return c.ending
}

// logs reports whether the log takes records of a level. If not, their attributes need
// not be made. It runs code of the user, so never while the core is locked.
func (c *core) logs(level slog.Level) bool { return c.log.Enabled(context.Background(), level) }

// setState makes and publishes every transition. It reports whether the state was
// another one.
func (c *core) setState(s State, why error) bool {
	if c.state == StateClosed || c.state == s && c.generation > 0 {
		return false
	}
	c.state, c.since, c.why = s, time.Now(), why
	c.generation++
	c.changed.Notify()
	return true
}
