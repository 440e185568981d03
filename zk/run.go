package zk

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/link"
)

// runner runs calls on the goroutines of their callers, and adds nothing to the state
// of the client.
type runner struct{ c *core }

// maxCuts is how often a read may lose its connection because its reply came in
// too slowly. Then the read fails: another server would be no faster.
const maxCuts = 2

// do runs a call to its end. If alive, the caller takes the call's result and frees
// the call. If not, the call was abandoned: complete frees it, and the caller must
// not touch it.
//
// As long as ctx lasts, do submits a call again in two cases: it is a read and its
// connection was lost, or the server was throttled and did not run it. It never
// repeats a write whose reply was lost, because the write may have changed
// something. A throttled write is submitted again in its own session or not at all.
func (r runner) do(ctx context.Context, cl *call) (alive bool, err error) {
	if ctx == nil {
		ctx, cl.err = context.Background(), errNilContext // submit refuses the call
	}
	cl.await()
	if r.c.hooks != nil {
		return r.c.hooks.observed(ctx, r, cl)
	}
	return r.unobserved(ctx, cl)
}

// unobserved is do without the hooks.
func (r runner) unobserved(ctx context.Context, cl *call) (alive bool, err error) {
	alive, err = r.repeat(ctx, cl)
	if alive && cl.from.root != "" && cl.isAbsent() {
		err = r.findChroot(ctx, cl)
	}
	return alive, err
}

// repeat is do without the hooks, and without the look at the chroot.
func (r runner) repeat(ctx context.Context, cl *call) (alive bool, err error) {
	var pause func() error // made at the first need
	for {
		alive, err = r.try(ctx, cl)
		switch {
		case err == nil || !alive:
			return alive, err
		case cl.req.Cuts >= maxCuts: // its reply came in too slowly each time
			return true, err
		case cl.lost && cl.op.read && ctx.Err() == nil:
		case errors.Is(err, ErrThrottled), cl.op.read && replyWithoutVerdict(cl):
			if pause == nil {
				pause = r.c.cfg.pauses(ctx)
			}
			if pause() != nil {
				return true, err
			}
		default:
			return true, err
		}
		cl.again()
	}
}

// replyWithoutVerdict reports whether the server answered, but left the outcome
// open.
func replyWithoutVerdict(cl *call) bool {
	code, ok := cl.err.(Code)
	return ok && cl.outcome == OutcomeUnknown && !code.verdict()
}

// try submits a call and waits for its result.
func (r runner) try(ctx context.Context, cl *call) (alive bool, err error) {
	writes, err := r.submit(ctx, cl)
	if err != nil {
		return true, err
	}
	if writes != nil {
		writes.Write()
	}
	if ctx.Done() == nil {
		<-cl.done // cheaper than a select
		return true, cl.failure()
	}
	select {
	case <-cl.done:
	case <-ctx.Done():
		e := cl.opError(OutcomeUnknown, ctxerr.Of(ctx)) // made now, because an abandoned call must not be touched
		withdrawn, abandoned := r.c.Abandon(cl)
		switch {
		case withdrawn:
			e.Outcome = OutcomeNotSent
			return true, e
		case abandoned:
			return false, e
		}
		<-cl.done
	}
	return true, cl.failure()
}

// submit queues a call. If it returns a link, the caller has that link's write
// token and must call Write. An error says that the call was not sent.
func (r runner) submit(ctx context.Context, cl *call) (writes *link.Link, err error) {
	if cl.err != nil {
		return nil, r.refused(cl, cl.err)
	}
	if r.c.cfg.Compat.lacks(cl.op) {
		return nil, r.refused(cl, compatError(r.c.cfg.Compat, cl.op))
	}
	if cl.registers() {
		if err := r.checkWatchedPath(cl.reg.Path); err != nil {
			return nil, r.refused(cl, err)
		}
	}
	if n := len(cl.req.Frame) - proto.FrameHeader; n > r.c.cfg.MaxRequestSize {
		return nil, r.refused(cl, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, n, r.c.cfg.MaxRequestSize))
	}
	if err := ctxerr.Of(ctx); err != nil {
		return nil, r.refused(cl, err)
	}
	proto.EndFrame(cl.req.Frame, 0)
	writes, waits, err := r.c.Admit(cl)
	if waits {
		writes, err = r.c.WaitForRoom(ctx, cl)
	}
	if err != nil {
		return nil, r.refused(cl, err)
	}
	return writes, nil
}

// refused reports a call that did not enter the queue.
func (r runner) refused(cl *call, err error) error {
	cl.outcome, cl.err = OutcomeNotSent, err
	if cl.pipe != nil {
		cl.pipe.breakOff(err)
	}
	return cl.failure()
}
