package acceptance

import (
	"context"
	"sync"
	"time"
)

// claimed is a present claim. It ends with its context or with end, whichever comes
// first, and reports its end once, with that time.
type claimed struct {
	say      teller
	ctx      context.Context
	stop     func() bool
	reported chan struct{} // closed when the context's end was reported

	mu   sync.Mutex // guards the fields below
	r    report
	over bool
	at   time.Duration // of the newest report
}

// claim reports that a claim begins.
func claim(say teller, r report, ctx context.Context) *claimed {
	c := &claimed{say: say, ctx: ctx, r: r, at: now(), reported: make(chan struct{})}
	c.tell(acquired, c.at, "")
	c.stop = context.AfterFunc(ctx, func() {
		c.finish(now(), context.Cause(ctx).Error()) // read the time before anything else
		close(c.reported)
	})
	return c
}

// tell sends a report. The caller holds c.mu, or no other goroutine knows c yet.
func (c *claimed) tell(what what, at time.Duration, why string) {
	r := c.r
	r.What, r.At, r.Why = what, at, why
	c.say(r)
}

// share reports that a writer is only a reader from now on, unless the claim has
// ended.
func (c *claimed) share() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.ctx.Err() != nil {
		return
	}
	c.r.Reader, c.at = true, now()
	c.tell(shared, c.at, "")
}

func (c *claimed) finish(at time.Duration, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.over = true
		c.tell(ended, max(at, c.at), why)
	}
}

// end ends the claim, and waits until its end is reported.
func (c *claimed) end() {
	c.finish(now(), "")
	if !c.stop() {
		<-c.reported
	}
}
