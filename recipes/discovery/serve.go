package discovery

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/work"
	"github.com/zookit/zookit/zk"
)

// ErrCheckTimeout: a health check took longer than Gate.Timeout.
var ErrCheckTimeout = errors.New("health check timed out")

// Gate says while what Serve keeps the instance registered. Every zero value is a
// good default.
type Gate struct {
	// Check returns nil if the instance can serve. Without a Check it always can. Check
	// must return when its context ends. Two calls never overlap.
	Check    func(ctx context.Context) error
	Every    time.Duration // between two checks; default 5 s
	Timeout  time.Duration // of a check; default Every
	Failures int           // in a row, before the instance is taken out; default 1
	// Drain is how long the instance is Disabled before it is unregistered, when ctx
	// ends. Default: it is unregistered at once.
	Drain time.Duration
	// TakeOut unregisters the instance before the time Drain, instead of disabling it.
	// It is for consumers that ignore "enabled".
	TakeOut bool
}

// Serve keeps the instance registered while its check passes, until ctx ends. Then it
// drains and unregisters the instance, which takes at most Gate.Drain and a session
// timeout. It does so too if ctx has ended before the call. It returns the cause of ctx,
// joined with the error of the end, if any.
//
// Serve registers the instance after the first check that passes. A failed check takes
// the instance out; with Failures above 1, that many in a row do. That takes at most
// Every and Timeout for each of them. The next check that passes brings the instance
// back. The client registers in the background (see Register): an outage stops no
// check. While Serve runs, the Status of an instance that is taken out is
// Unregistered, with the error of the check.
//
// Serve ends early with ErrIDTaken, with zk.ErrClosed as soon as the client is closed,
// with ErrDeleted if Config.ReportDeleted is set, or with what is wrong with the
// instance.
func (r *Registration) Serve(ctx context.Context, g Gate) error {
	if err := r.usable(ctx, "serve"); err != nil {
		return err
	}
	g.Every = cmp.Or(g.Every, 5*time.Second)
	g.Timeout = cmp.Or(g.Timeout, g.Every)
	g.Failures = cmp.Or(g.Failures, 1)
	if err := r.takeTurn(ctx); err != nil {
		return oneline.Join(r.wrap(err), r.retire(ctx, g))
	}
	r.clear(ctx)
	r.turn.Unlock()
	r.beginServing()
	defer r.endServing()
	serving, end := context.WithCancelCause(ctx)
	var closing sync.WaitGroup
	defer closing.Wait()
	defer end(nil)
	closing.Go(func() {
		label.Of("discovery", r.path).Set()
		for s := range r.d.c.States(serving) {
			if s == zk.StateClosed {
				end(zk.ErrClosed)
			}
		}
	})
	p := &prober{g: g, late: work.Late{
		Log: r.d.log, Still: lines.CheckStillRuns, Returned: lines.CheckReturned,
		Attrs: []slog.Attr{slog.String("path", r.path)},
	}}
	defer p.join() // after the instance is unregistered: a check may ignore its context
	err := r.follow(serving, g, p)
	switch {
	case ctx.Err() != nil:
		return oneline.Join(r.wrap(ctxerr.Of(ctx)), r.retire(ctx, g))
	case serving.Err() != nil:
		return r.wrap(context.Cause(serving))
	}
	return err
}

// follow registers the instance after a check that passes, and takes it out after
// failed ones. It returns nil when ctx ends, or the error that ends Serve early.
func (r *Registration) follow(ctx context.Context, g Gate, p *prober) error {
	var checks, unconfirmed lines.Troubles // while the instance is taken out
	path := slog.String("path", r.path)
	for failures := 0; ; {
		why := p.check(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var err error
		if why == nil {
			failures = 0
			checks.Over(r.d.log, lines.CheckPasses, path)
			unconfirmed.Forget()
			err = r.admit(ctx, g)
		} else if failures++; failures >= g.Failures {
			checks.Failed(r.d.log, lines.CheckFailed, lines.CheckStillFails, why, path)
			err = r.takeOut(ctx, g, why, &unconfirmed)
		}
		if err != nil {
			return err
		}
		if xsync.Pause(ctx, g.Every) != nil {
			return nil
		}
	}
}

// admit begins to register the instance, unless that has begun.
func (r *Registration) admit(ctx context.Context, g Gate) error {
	ctx, cancel := context.WithTimeout(ctx, g.Timeout) // start writes a persistent instance itself
	defer cancel()
	if err := r.turn.Lock(ctx); err != nil {
		return nil // another call registers or unregisters it: the next check tries again
	}
	defer r.turn.Unlock()
	s := r.present()
	if s.State == Ended && !errors.Is(s.Err, ErrUnregistered) {
		return r.wrap(s.Err)
	}
	if s.State == Registered {
		return nil
	}
	_, err := r.start(ctx)
	if ctx.Err() != nil {
		return nil // the next check tries again
	}
	return r.wrap(err)
}

// takeOut unregisters an instance whose check failed with the error why. If the server
// does not confirm it, the client goes on in the background, and the next failed check
// tries again.
func (r *Registration) takeOut(ctx context.Context, g Gate, why error, unconfirmed *lines.Troubles) error {
	r.unfit(why)
	if s := r.present(); s.State == Ended {
		if !errors.Is(s.Err, ErrUnregistered) {
			return r.wrap(s.Err)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	if err := r.Unregister(ctx); err != nil {
		unconfirmed.Failed(r.d.log, lines.NotTakenOut, lines.StillNotOut, err, slog.String("path", r.path))
	} else {
		unconfirmed.Over(r.d.log, lines.TakenOut, slog.String("path", r.path))
	}
	return nil
}

// retire drains and unregisters the instance at the end of Serve.
func (r *Registration) retire(ctx context.Context, g Gate) error {
	patience := 10 * time.Second
	if s := r.d.c.Session(); s != nil {
		patience = s.Timeout()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.Drain+patience)
	defer cancel()
	if g.Drain == 0 || g.TakeOut || r.present().State != Registered {
		err := r.Unregister(ctx)
		if g.TakeOut {
			time.Sleep(g.Drain) // the process must not end before consumers have noticed
		}
		return err
	}
	return r.Drain(ctx, g.Drain)
}

// serving is the state of Serve. While Serve runs, an instance that is not registered,
// or that a check has taken out, is not Ended: the next check may register it.
type serving struct {
	running int       // calls of Serve that run
	since   time.Time // when the first of them began, or the instance was last taken out
	why     error     // of the last failed check; nil before the first
}

func (r *Registration) beginServing() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.serving.running == 0 {
		r.serving = serving{since: time.Now()}
	}
	r.serving.running++
}

func (r *Registration) endServing() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serving.running--
}

// unfit records that the instance is taken out, and why.
func (r *Registration) unfit(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.presentLocked(); s.State != Ended {
		r.serving.since = time.Now()
	}
	r.serving.why = why
}

// prober runs the checks, one at a time.
type prober struct {
	g       Gate
	late    work.Late
	running chan error // gets the result of a check that is not done yet
}

// check runs a check and returns its error, or ErrCheckTimeout. If a check has not
// returned in time, the next call waits for it instead of starting another.
func (p *prober) check(ctx context.Context) error {
	if p.g.Check == nil {
		return nil
	}
	if p.running == nil {
		result := make(chan error, 1)
		p.running = result
		ctx, cancel := context.WithTimeout(ctx, p.g.Timeout)
		go func() { // joined by join
			defer cancel()
			result <- p.late.Run(ctx, func() error {
				err := p.g.Check(ctx)
				if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
					err = ErrCheckTimeout // the same reason in other words
				}
				return err
			})
		}()
	}
	t := time.NewTimer(p.g.Timeout)
	defer t.Stop()
	select {
	case err := <-p.running:
		p.running = nil
		return err
	case <-t.C:
		return ErrCheckTimeout
	case <-ctx.Done():
		return ctxerr.Of(ctx)
	}
}

func (p *prober) join() {
	if p.running != nil {
		<-p.running
	}
}
