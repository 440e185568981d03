package settle

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/doubt"
	"github.com/zookit/zookit/zk"
)

// ErrUnsettled: the connection was lost before the reply to a write, and the state of the
// node does not tell whether the write has run. The error also wraps what was found
// instead: zk.ErrBadVersion, zk.ErrNodeExists or zk.ErrNoNode. So ask for ErrUnsettled before
// those.
var ErrUnsettled = errors.New("it cannot be told whether an earlier try has run")

// settler is one call of a function of this package.
type settler struct {
	ctx   context.Context
	c     *zk.Client
	op    string
	path  string
	pause func() error // nil before the first pause
	doubt doubt.Doubt  // an earlier try of the write may have run
}

func newSettler(ctx context.Context, c *zk.Client, op, path string) *settler {
	return &settler{ctx: ctx, c: c, op: op, path: path, doubt: doubt.Doubt{Call: op}}
}

// unsettled is the error of a call that cannot tell what an earlier try has done. why is
// what it has found.
func (s *settler) unsettled(why error) error {
	return &zk.OpError{Op: s.op, Path: s.path, Outcome: zk.OutcomeUnknown, Err: fmt.Errorf("%w: %w", ErrUnsettled, why)}
}

// retries reports whether a write that failed may be tried again, because it was not sent
// or its outcome is unknown, and the context has not ended.
func (s *settler) retries(err error) bool {
	if s.ctx.Err() != nil || errors.Is(err, zk.ErrClosed) {
		return false
	}
	return zk.SafeToRetry(err) || zk.OutcomeOf(err) == zk.OutcomeUnknown
}

// wait pauses before another try, which is needed because of err.
func (s *settler) wait(err error) error {
	if s.pause == nil {
		s.pause = s.c.Pauses(s.ctx)
	}
	if end := s.pause(); end != nil {
		return s.doubt.Of(fmt.Errorf("%w: %w", end, err))
	}
	return nil
}

// read returns the node as it is after a sync.
func (s *settler) read() (zk.Node, error) {
	return Synced(s.ctx, s.c, s.path, func(p *zk.Pipeline) *zk.Future[zk.Node] { return p.Get(s.ctx, s.path) })
}

// Synced makes a read after a sync, in one round trip: the server of the client first
// catches up with the leader. So the read sees each write that was known to be done when
// Synced was called, by whatever client. read makes the read in the pipeline that it gets.
//
// Synced repeats both when a connection is lost, until ctx ends.
func Synced[R any](ctx context.Context, c *zk.Client, path string, read func(*zk.Pipeline) *zk.Future[R]) (R, error) {
	var pause func() error
	for {
		p := c.Pipeline()
		synced := p.Sync(ctx, path)
		result, err := read(p).Wait(ctx)
		// Without the sync, the read proves nothing.
		if _, e := synced.Wait(ctx); e != nil {
			err = e
		}
		again := zk.SafeToRetry(err) || errors.Is(err, zk.ErrThrottled)
		if err == nil || !again || ctx.Err() != nil {
			return result, err
		}
		if pause == nil {
			pause = c.Pauses(ctx)
		}
		if pause() != nil {
			return result, err
		}
	}
}

// unsent is the error of a call that sent nothing.
func unsent(op, path string, err error) error {
	return &zk.OpError{Op: op, Path: path, Outcome: zk.OutcomeNotSent, Err: err}
}
