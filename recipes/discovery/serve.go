package discovery

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/zk"
)

// ErrCheckTimeout: a health check took longer than Gate.Timeout.
var ErrCheckTimeout = errors.New("health check timed out")

// Gate says when Serve has the instance registered. Every zero value is a good
// default.
type Gate struct {
	// Check says whether the instance can serve; nil: it always can. It must
	// return when its context ends; it is never called twice at the same time.
	Check    func(ctx context.Context) error
	Every    time.Duration // between two checks; default 5 s
	Timeout  time.Duration // of a check; default Every
	Failures int           // that many in a row take the instance out; default 1
	// Drain is how long the instance is Disabled before it is unregistered when
	// ctx ends. Default: not at all.
	Drain time.Duration
	// TakeOut unregisters it before that time, instead of disabling it: for
	// consumers that do not look at "enabled".
	TakeOut bool
}

// Serve keeps the instance registered for as long as its check passes, until ctx
// ends; then it drains and unregisters it, which may take as long as Gate.Drain
// and a session timeout more, and returns the cause of ctx, joined with what
// could not be confirmed.
//
// The instance is registered after the first check that passes. A failing one
// takes it out, no later than Every and Timeout after the fact for each of
// Failures; the next that passes brings it back. Registering goes on in the
// background meanwhile (see Register), so that an outage stops no check. While
// Serve runs, the Status of an instance that is taken out is Unregistered, with
// the error of the check.
//
// Serve ends early with ErrIDTaken, with zk.ErrClosed as soon as the client is
// closed, with ErrDeleted if Config.ReportDeleted asks for it, or with what is wrong
// with the instance.
func (r *Registration) Serve(ctx context.Context, g Gate) error {
	g.Every = cmp.Or(g.Every, 5*time.Second)
	g.Timeout = cmp.Or(g.Timeout, g.Every)
	g.Failures = cmp.Or(g.Failures, 1)
	if err := enter(ctx, r.turn); err != nil {
		return r.wrap(err)
	}
	r.clear(ctx)
	<-r.turn
	r.beginServing()
	defer r.endServing()
	serving, end := context.WithCancelCause(ctx)
	var closing sync.WaitGroup
	defer closing.Wait()
	defer end(nil)
	closing.Go(func() {
		for s := range r.d.c.States(serving) {
			if s == zk.StateClosed {
				end(zk.ErrClosed)
			}
		}
	})
	p := &prober{g: g}
	defer p.join() // not before it is unregistered: a check may be deaf to its context
	err := r.follow(serving, g, p)
	switch {
	case ctx.Err() != nil:
		return errors.Join(r.wrap(ctxerr.Of(ctx)), r.retire(ctx, g))
	case serving.Err() != nil:
		return r.wrap(context.Cause(serving))
	}
	return err
}

// follow registers the instance, or takes it out, as its checks say. It returns
// when ctx ends, or why there is nothing to serve any more.
func (r *Registration) follow(ctx context.Context, g Gate, p *prober) error {
	for failures := 0; ; {
		why := p.check(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var err error
		if why == nil {
			failures = 0
			err = r.admit(ctx, g)
		} else if failures++; failures >= g.Failures {
			r.d.cfg.Logger.Warn("discovery: unhealthy", "path", r.path, "why", why)
			err = r.takeOut(ctx, g, why)
		}
		if err != nil {
			return err
		}
		if pace.Wait(ctx, g.Every) != nil {
			return nil
		}
	}
}

// admit sees that the instance is being registered.
func (r *Registration) admit(ctx context.Context, g Gate) error {
	ctx, cancel := context.WithTimeout(ctx, g.Timeout) // for a persistent one, which is written here
	defer cancel()
	if err := enter(ctx, r.turn); err != nil {
		return nil // somebody registers or unregisters it by hand: see next time
	}
	defer func() { <-r.turn }()
	s := r.present()
	if s.State == Ended && !errors.Is(s.Err, ErrUnregistered) {
		return r.wrap(s.Err)
	}
	if s.State == Registered {
		return nil
	}
	_, err := r.start(ctx)
	if ctx.Err() != nil {
		return nil // again with the next check
	}
	return r.wrap(err)
}

// takeOut unregisters an instance that fails its check, which says why. What cannot
// be confirmed now is done in the background, and tried again with the next check.
func (r *Registration) takeOut(ctx context.Context, g Gate, why error) error {
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
		r.d.cfg.Logger.Warn("discovery: not confirmed", "path", r.path, "err", err)
	}
	return nil
}

// retire is the orderly end.
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
			time.Sleep(g.Drain) // what the caller asked for is not to end before
		}
		return err
	}
	return r.Drain(ctx, g.Drain)
}

// serving says, while Serve runs, why the instance is not to be registered. A
// registration that was never begun, or that a check has ended, is then not at its
// end: the next check may begin it again.
type serving struct {
	running int       // how many Serves run
	since   time.Time // when the first began, or the instance was last found to be unfit
	why     error     // of the last check that failed; nil before
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

// unfit notes that the instance is taken out, and why.
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
	running chan error // gets the result of a check that is not done yet
}

// check returns what a check says, or ErrCheckTimeout. One that overstays is
// waited for again at the next call, instead of starting another.
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
			result <- p.g.Check(ctx)
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
