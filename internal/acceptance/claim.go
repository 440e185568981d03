package acceptance

import (
	"context"
	"sync"
	"time"
)

// claimed is a claim that goes on: it ends with its context, or with end, and is
// reported once, with the time of whichever came first.
type claimed struct {
	say      teller
	ctx      context.Context
	stop     func() bool
	reported chan struct{} // closed when the context's end was reported

	mu   sync.Mutex // guards what follows
	r    report
	over bool
	at   time.Duration // of the newest report
}

// claim reports that a claim begins.
func claim(say teller, r report, ctx context.Context) *claimed {
	c := &claimed{say: say, ctx: ctx, r: r, at: now(), reported: make(chan struct{})}
	c.tell(acquired, c.at, "")
	c.stop = context.AfterFunc(ctx, func() {
		c.finish(now(), context.Cause(ctx).Error()) // the time first of all
		close(c.reported)
	})
	return c
}

// tell reports. The caller holds c.mu, or nobody else knows c yet.
func (c *claimed) tell(what what, at time.Duration, why string) {
	r := c.r
	r.What, r.At, r.Why = what, at, why
	c.say(r)
}

// share reports that a writer is only a reader from now on, unless the claim is
// over.
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
