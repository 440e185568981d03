package protect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/zk"
)

// janitor deletes the nodes that were abandoned. It is a companion of its client.
// One goroutine, clean, starts each try in a goroutine of its own, so that the
// deletes are pipelined. All of them end when nothing is left to do.
//
// Ephemeral nodes have their own room, so that they never wait behind persistent
// ones. Other clients wait for the end of an ephemeral node.
type janitor struct {
	cfg   zk.Config       // of the client
	ctx   context.Context // ends when Close stops waiting
	work  sync.WaitGroup  // clean and the tries
	woken xsync.Wakeup    // clean looks again

	mu      sync.Mutex // guards all fields below; a leaf lock
	tasks   tasks
	running bool            // clean runs
	closing bool            // starts no more tries
	settled xsync.Broadcast // a node is known to be gone
}

// janitorKey is the key of the janitor among the companions of a client.
type janitorKey struct{}

// janitorOf returns the janitor of a client.
func janitorOf(c *zk.Client) *janitor {
	return c.Companion(janitorKey{}, func(ctx context.Context) zk.Companion {
		cfg := c.Config()
		room := max(1, min(64, cfg.MaxInFlight/16))
		return &janitor{cfg: cfg, ctx: ctx, tasks: tasks{room: room}}
	}).(*janitor)
}

// abandon queues a node to be deleted.
func (j *janitor) abandon(a *abandoned) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tasks.add(a)
	j.woken.Wake()
	// A closing client starts no more deletes. Only the end of the session can
	// remove the node now: see Finish.
	if !j.closing && !j.running {
		j.running = true
		j.work.Go(j.clean)
	}
}

// clean is the janitor's goroutine. It ends when nothing is left to do, or when the
// client is closing. The tries that are under way then end by themselves: their
// requests are answered or fail.
func (j *janitor) clean() {
	label.Client(cmp.Or(j.cfg.Servers, "Config.Resolve")).Set()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		j.mu.Lock()
		if j.closing || j.tasks.none() {
			j.running = false
			j.mu.Unlock()
			return
		}
		tries, next := j.tasks.start(time.Now())
		j.mu.Unlock()
		for _, a := range tries {
			j.work.Go(func() { j.try(a) })
		}
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case <-j.woken.C():
		case <-timer.C:
		}
	}
}

// try makes one attempt to delete a node, unless the node has gone with its
// session.
func (j *janitor) try(a *abandoned) {
	var err error
	if !a.goneWithSession() {
		err = a.by(j.ctx)
	}
	gone := err == nil || a.goneWithSession()
	var pause time.Duration
	if !gone {
		pause = a.pause(j.cfg.BackOff) // users' code: not under the lock
	}
	j.mu.Lock()
	j.tasks.ended(a, gone, pause, time.Now())
	if gone {
		j.settled.Notify()
	}
	j.mu.Unlock()
	j.woken.Wake()
	if !gone {
		j.cfg.Logger.Debug("zk: abandoned node not deleted yet", "node", a.what, "why", oneline.Flat(err))
	}
}

// Closing is zk.Companion's.
func (j *janitor) Closing() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closing = true
	j.woken.Wake()
}

// Report is zk.CompanionReporter's.
func (j *janitor) Report() zk.CompanionReport {
	j.mu.Lock()
	defer j.mu.Unlock()
	left, trying, pausing := j.tasks.count()
	return zk.CompanionReport{Name: "janitor", Counts: map[string]int{
		"abandoned nodes": left, "being deleted": trying, "in a pause": pausing,
	}}
}

// Drain is zk.CompanionDrainer's.
func (j *janitor) Drain(ctx context.Context) error {
	for {
		j.mu.Lock()
		none, settled := j.tasks.none(), j.settled.C()
		j.mu.Unlock()
		if none {
			return nil
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return errors.Join(ctxerr.Of(ctx), j.unconfirmed())
		}
	}
}

// Finish is zk.Companion's. Its error names the nodes that are not known to be gone.
func (j *janitor) Finish() error {
	j.work.Wait()
	return j.unconfirmed()
}

// unconfirmed returns an error that names the nodes that are not known to be gone.
func (j *janitor) unconfirmed() error {
	j.mu.Lock()
	left := slices.Collect(j.tasks.all())
	j.mu.Unlock()
	left = slices.DeleteFunc(left, (*abandoned).goneWithSession)
	slices.SortFunc(left, func(a, b *abandoned) int { return strings.Compare(a.what, b.what) })
	var errs []error
	for _, a := range left {
		errs = append(errs, fmt.Errorf("node %s: %w", a.what, zk.ErrUnconfirmed))
	}
	return errors.Join(errs...)
}

// abandoned is a node to delete.
type abandoned struct {
	s    *zk.Session // its owner; nil for a persistent node
	what string      // its path, for logs and errors
	by   func(context.Context) error

	policy  backoff.BackOff // of the pauses between tries; nil before the first failure
	longest time.Duration   // pause until now
	due     time.Time       // of the next try, while the node is in tasks.later
}

// goneWithSession reports whether the server has confirmed that the session of the
// node is over.
func (a *abandoned) goneWithSession() bool { return a.s != nil && a.s.Gone() }

// pauseAfterNone is the pause where a policy ends before it has made one.
const pauseAfterNone = 5 * time.Second

// pause returns how long to wait before the next try. The janitor does not give up:
// when a policy has ended, it goes on with the longest pause of that policy.
func (a *abandoned) pause(fresh func() backoff.BackOff) time.Duration {
	if a.policy == nil {
		a.policy = fresh()
	}
	d := a.policy.NextBackOff()
	if d < 0 {
		return cmp.Or(a.longest, pauseAfterNone)
	}
	a.longest = max(a.longest, d)
	return d
}
