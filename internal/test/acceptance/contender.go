package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// lockNames are the locks that the contenders acquire: the first one in seven of
// eight tries.
var lockNames = []string{"one", "two"}

const (
	locksDir = "/locks"
	storeDir = "/store" // a node for each lock, which only its holder may write
)

// contender tries to get a lock, holds it, and starts again.
type contender struct {
	who    int
	client int // the number of its client
	c      *zk.Client
	store  string // address, of a writer
	rnd    *rand.Rand
	tell   teller
	pulse  *pulse
}

// run contends until ctx ends.
func (k *contender) run(ctx context.Context) {
	for ctx.Err() == nil {
		k.try(ctx)
		k.say(report{What: idle})
		pause(ctx, time.Duration(k.rnd.IntN(10))*time.Millisecond)
	}
}

// pause waits for d or until ctx ends. The caller asks ctx itself.
func pause(ctx context.Context, d time.Duration) {
	_ = xsync.Pause(ctx, d)
}

func (k *contender) say(r report) {
	if r.At == 0 {
		r.At = now()
	}
	r.Who, r.Client = k.who, k.client
	if s := k.c.Session(); s != nil {
		r.Session = s.ID()
	}
	k.tell(r)
}

// try is one attempt, in one of the ways in which the lock can be used.
func (k *contender) try(ctx context.Context) {
	name := lockNames[0]
	if k.rnd.IntN(8) == 0 {
		name = lockNames[1]
	}
	var cfg lock.Config
	if k.rnd.IntN(3) == 0 {
		cfg.Data = fmt.Appendf(nil, "contender %d", k.who)
	}
	l := lock.New(k.c, locksDir+"/"+name, cfg)
	k.say(report{What: tries, Name: name})

	patience := 20 * time.Second
	if k.rnd.IntN(5) == 0 { // gives up at random
		patience = time.Duration(1+k.rnd.IntN(400)) * time.Millisecond
	}
	tryCtx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := now()
	var h *lock.Held
	var err error
	switch way := k.rnd.IntN(20); {
	case way < 3:
		h, err = l.TryAcquire(tryCtx)
	case way < 6:
		held := false
		err = l.Do(tryCtx, func(ctx context.Context, h *lock.Held) error {
			held = true
			k.hold(ctx, name, h)
			return nil
		})
		if held {
			return
		}
	default:
		h, err = l.Acquire(tryCtx)
	}
	if err != nil {
		k.gaveUp(tryCtx, start, patience, err)
		return
	}
	k.hold(h.Context(), name, h)
	k.release(h)
}

// late is how long after the end of its context a call may return on a busy
// machine.
const late = time.Second

// inTime checks that a call returned soon after its context had ended.
func (k *contender) inTime(what string, start, patience time.Duration, err error) {
	took := now() - start
	if stood := k.pulse.lost(start); took > patience+late+stood {
		k.say(report{What: broken, Why: fmt.Sprintf("%s with %v to live took %v, %v of it without a processor: %v", what, patience, took, stood, err)})
	}
}

// gaveUp checks that a failed try had a permitted reason: its context ended,
// another contender holds the lock, or the network failed.
func (k *contender) gaveUp(ctx context.Context, start, patience time.Duration, err error) {
	k.inTime("acquire", start, patience, err)
	op, isOp := errors.AsType[*zk.OpError](err)
	switch {
	case errors.Is(err, lock.ErrHeld):
		k.say(report{What: gaveUp, Why: "held by another"})
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		k.say(report{What: gaveUp, Why: "the caller's context ended"})
	case isOp && op.Outcome != zk.OutcomeRejected:
		k.say(report{What: gaveUp, Why: "the connection was lost"})
	default:
		k.say(report{What: broken, Why: "unexpected error: " + err.Error()})
	}
}

// hold makes one claim. Its end is recorded when its context ends, and at the
// latest before hold releases the lock.
func (k *contender) hold(ctx context.Context, name string, h *lock.Held) {
	length := time.Duration(k.rnd.IntN(10)) * time.Millisecond
	if k.rnd.IntN(50) == 0 {
		length = time.Duration(500+k.rnd.IntN(4000)) * time.Millisecond
	}
	defer claim(k.say, report{Name: name, Token: h.Token(), Hold: length}, h.Context()).end()
	k.write(ctx, name, h)
	pause(ctx, length)
	if k.rnd.IntN(4) == 0 {
		k.write(ctx, name, h)
	}
}

// write makes a guarded write. Its time limit does not end with the claim, so it
// can come too late, and Check must then refuse it.
func (k *contender) write(ctx context.Context, name string, h *lock.Held) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	results, err := k.c.Multi(ctx, h.Check(), zk.SetOp(storeDir+"/"+name, fmt.Append(nil, h.Token()), zk.AnyVersion))
	if err == nil {
		made := results[1].Stat
		k.say(report{What: wrote, Name: name, Token: h.Token(), Version: made.Version, Zxid: made.Mzxid})
	} else if zk.OutcomeOf(err) == zk.OutcomeRejected && !errors.Is(err, lock.ErrNotHeld) {
		k.say(report{What: broken, Why: "guarded write: " + err.Error()})
	}
}

// releaser is an acquired lock, permit or term.
type releaser interface {
	Context() context.Context
	Release(ctx context.Context) error
}

// release releases the lock, sometimes twice, sometimes with a short time limit.
// What it cannot do then, the client does in the background.
func (k *contender) release(h releaser) {
	patience := 10 * time.Second
	if k.rnd.IntN(8) == 0 {
		patience = time.Duration(k.rnd.IntN(3)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := now()
	err := h.Release(ctx)
	if k.rnd.IntN(8) == 0 {
		err = h.Release(ctx)
	}
	k.inTime("release", start, patience, err)
	if err != nil && !errors.Is(err, zk.ErrUnconfirmed) {
		k.say(report{What: broken, Why: "release: " + err.Error()})
	}
	if cause := context.Cause(h.Context()); cause == nil {
		k.say(report{What: broken, Why: "the context outlived Release"})
	}
}
