package election

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/work"
	"github.com/zookit/zookit/zk"
)

// Run campaigns and calls lead whenever we lead, with a context that ends with the
// leadership and with ctx. Run returns
//
//   - when lead returns while we still lead, or after Resign or Detach, with the error
//     of lead;
//   - when ctx ends;
//   - when a campaign fails and would fail again: the server refuses it, or
//     zk.Config.TouchDelay leaves no lease (zk.ErrBadArguments).
//
// When the leadership is lost, Run waits until lead returns, logs its error, and
// campaigns again after a pause. After HandOver it campaigns again at once. If a
// campaign fails because the connection was lost, or because replies take too long for
// a lease (zk.ErrLeaseLapsed), Run retries it after a pause. The
// pauses grow by Config.BackOff, and begin again after a leadership that has lasted
// longer than a minute. If lead panics, Run resigns and the panic continues.
func (e *Election) Run(ctx context.Context, lead func(ctx context.Context, l *Leadership) error) error {
	if err := e.usable(ctx, "run"); err != nil {
		return err
	}
	if lead == nil {
		return e.wrap(refused.AtOnce("run", e.dir, refused.ErrFunction))
	}
	e.memory.candidates.Add(1) // also during a pause
	defer e.memory.candidates.Add(-1)
	policy := e.cfg.BackOff()
	var troubles lines.Troubles
	for {
		l, err := e.Campaign(ctx)
		switch {
		case err != nil && (ctx.Err() != nil || !transient(err)):
			return err
		case err != nil:
			troubles.Failed(e.log.Log, lines.CampaignFailed, lines.CampaignStillFails, err, slog.String("dir", e.dir))
		default:
			troubles.Forget() // "leads" is logged
			start, lasted := time.Now(), make(chan time.Duration, 1)
			context.AfterFunc(l.Context(), func() { lasted <- time.Since(start) })
			again, err := e.term(ctx, l, lead)
			if !again {
				return err
			}
			if <-lasted > time.Minute { // the leadership has ended: it did not fail at its start
				policy.Reset()
			}
			attrs := []slog.Attr{slog.String("dir", e.dir)}
			if err != nil {
				attrs = append(attrs, slog.Any("lead", oneline.Flat(err))) // what lead returned
			}
			e.log.Line(slog.LevelInfo, lines.WorkReturned, attrs...)
			if errors.Is(context.Cause(l.Context()), ErrHandedOver) {
				continue
			}
		}
		if err := xsync.Pause(ctx, policy.NextBackOff()); err != nil {
			return e.wrap(err)
		}
	}
}

// transient reports whether a campaign failed for a reason that may pass by itself:
//
//   - the replies were too slow for a lease;
//   - the outcome of the last request is unknown, and the client did not refuse it.
//
// The outcome of the whole campaign cannot be used: it is also unknown if the node went
// to the janitor after a refusal.
func transient(err error) bool {
	err = pace.Last(err)
	if errors.Is(err, zk.ErrLeaseLapsed) {
		return true
	}
	_, isOp := errors.AsType[*zk.OpError](err)
	return isOp && zk.OutcomeOf(err) == zk.OutcomeUnknown && !errors.Is(err, zk.ErrClosed) && !errors.Is(err, zk.ErrReplyTooLarge)
}

// term calls lead for one leadership. again says that Run must campaign again,
// because the leadership ended although lead had not returned, resigned or detached it.
func (e *Election) term(ctx context.Context, l *Leadership, lead func(context.Context, *Leadership) error) (again bool, err error) {
	e.memory.candidates.Add(-1) // a leader, and after a loss neither, until lead has returned
	defer e.memory.candidates.Add(1)
	resign := func() error {
		// Wait for at most the session timeout, which begins when lead is done. After
		// that the janitor continues.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.g.Session().Timeout())
		defer cancel()
		return l.Resign(ctx)
	}
	panicked := true
	defer func() {
		if panicked {
			_ = resign()
		}
	}()
	under, stop := work.Under(l.Context(), ctx)
	defer stop()
	err = l.log.Late().Run(under, func() error { return lead(under, l) })
	panicked = false
	why := context.Cause(l.Context())
	again = l.Context().Err() != nil && !errors.Is(why, ErrResigned) && !errors.Is(why, ErrDetached)
	if left := resign(); left != nil {
		err = oneline.Join(err, left)
	}
	return again && ctx.Err() == nil, err
}
