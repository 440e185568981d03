package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/sentinel"
	"github.com/zookit/zookit/zk"
)

// Errors of a Registration. All are reasons in a Status; the first two are causes
// of its Context too, beside zk.ErrSessionExpired, zk.ErrLeaseLapsed and
// zk.ErrClosed.
var (
	// ErrUnregistered: Unregister was called. It wraps recipes.ErrReleased.
	ErrUnregistered = sentinel.In("unregistered", recipes.ErrReleased)
	// ErrDeleted: the node of the instance was deleted. It is created again, unless
	// Config.ReportDeleted ends the registration. As a cause it may be the end of the
	// session too: the server may report that of the node first.
	ErrDeleted = recipes.ErrDeleted
	// ErrIDTaken: the node of somebody else stands where ours should. The error
	// is a *recipes.TakenError then.
	ErrIDTaken = recipes.ErrIDTaken
)

// Registration is one instance that is registered, or can be. Its methods may be
// called by many goroutines.
type Registration struct {
	d       *Discovery
	path    string
	turn    chan struct{} // cap 1: who registers or unregisters; not a mutex, since it waits
	updates chan struct{} // cap 1: who updates; taken before turn

	mu       sync.Mutex // leaf lock; guards what follows
	inst     Instance
	draining bool
	node     *presence.Node // of a dynamic instance
	static   Status         // of a persistent one
	serving  serving
}

// Registration returns an instance that can be registered. It fills in what
// Instance says are defaults, and does no I/O. Its errors are *InvalidError,
// joined; or zk.ErrBadArguments, see New.
func (d *Discovery) Registration(i Instance) (*Registration, error) {
	if err := d.usable("register", zk.Join(zk.Join(d.base, i.Name), i.ID)); err != nil {
		return nil, err
	}
	i = i.clone()
	i.ID = cmp.Or(i.ID, zk.NewGUID())
	i.Type = cmp.Or(i.Type, Dynamic)
	if i.Registered.IsZero() {
		i.Registered = time.Now()
	}
	if err := i.validate(); err != nil {
		return nil, err
	}
	i.Path = zk.Join(zk.Join(d.base, i.Name), i.ID)
	i.Stat = zk.Stat{}
	return &Registration{
		d: d, path: i.Path, inst: i, static: Status{State: Ended, Err: ErrUnregistered},
		turn: make(chan struct{}, 1), updates: make(chan struct{}, 1),
	}, nil
}

// Register registers an instance: it is Registration and the Register of that.
func (d *Discovery) Register(ctx context.Context, i Instance) (*Registration, error) {
	r, err := d.Registration(i)
	if err != nil {
		return nil, err
	}
	if err := r.Register(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Register returns nil when the node of the instance is there, and is ours. From
// then on it is kept: a lost connection changes nothing on the server as long as
// the session lives; after an expired session, or when somebody deletes it, it
// is made again with the newest data, until Unregister.
//
// The node of another session at our path is waited out for Config.WaitOut: it may
// be what a crash of this very process has left. If it stays, or another comes, that is ErrIDTaken.
//
// Register returns at once when the server refuses: a *recipes.RightError, in
// which is zk.ErrNoAuth, names the right that is missing. (Once registered, an
// instance whose registering is refused in a later session is tried again slowly;
// so it is by Serve.) After an error the instance is not registered; a node that
// was created meanwhile is deleted, now or in the background.
//
// A persistent instance (Static, Permanent) replaces the data of the persistent
// node at its path, if there is one, and is not made again when somebody deletes
// it.
func (r *Registration) Register(ctx context.Context) error {
	if err := enter(ctx, r.turn); err != nil {
		return r.wrap(err)
	}
	defer func() { <-r.turn }()
	node, err := r.start(ctx)
	if err != nil || node == nil {
		return r.wrap(err)
	}
	var last presence.Status
	for last = range node.Statuses(ctx) {
		if last.State == presence.Registered {
			return nil
		}
		// Whatever the server refuses would be tried again, slowly. Here somebody
		// waits who can be told.
		if refused.Waiter(last.Err) {
			break
		}
	}
	why := last.Err
	if last.State != presence.Ended && !refused.Waiter(why) {
		why = errors.Join(ctxerr.Of(ctx), why)
	}
	_ = r.leave(ctx, node) // what it cannot confirm is deleted in the background
	return r.wrap(why)
}

// start makes sure that the instance is being registered. Of a persistent one it
// does all there is to do. The caller has the turn.
func (r *Registration) start(ctx context.Context) (*presence.Node, error) {
	r.clear(ctx)
	r.mu.Lock()
	node := r.node
	r.mu.Unlock()
	if node != nil {
		return node, nil
	}
	// Under the lock, so that an Update comes either before and is in data, or
	// after and finds the node.
	r.mu.Lock()
	data, err := r.encode()
	persistent := r.inst.Type.persistent()
	if err == nil && !persistent {
		keeper := r.d.keeper
		if r.inst.Type == DynamicSequential {
			keeper = presence.NewKeeper(r.d.c) // several may start from one path
		}
		r.node, err = keeper.Start(ctx, r.path, data, r.d.keeping(r.inst.Type))
	}
	node = r.node
	r.mu.Unlock()
	if err == nil && persistent {
		err = refused.Explain(r.put(ctx, data, true))
	}
	return node, err
}

// keeping says how the node of an instance is kept.
func (d *Discovery) keeping(typ ServiceType) presence.Config {
	return presence.Config{
		Sequential: typ == DynamicSequential, ACL: d.cfg.ACL, KeepParents: d.cfg.KeepParents,
		ReportDeleted: d.cfg.ReportDeleted, WaitOut: d.cfg.WaitOut, BackOff: d.cfg.BackOff,
		RefusedPause: d.cfg.RefusedPause, Spread: max(0, d.cfg.Spread), Left: ErrUnregistered, Logger: d.cfg.Logger,
	}
}

// clear drops a node that has ended by itself, and has said why. The caller has
// the turn.
func (r *Registration) clear(ctx context.Context) {
	r.mu.Lock()
	node := r.node
	r.mu.Unlock()
	if node != nil && node.Status().State == presence.Ended {
		_ = r.leave(ctx, node)
	}
}

// leave ends a node. The caller has the turn.
func (r *Registration) leave(ctx context.Context, node *presence.Node) error {
	r.mu.Lock()
	r.node = nil
	r.draining = false
	r.mu.Unlock()
	return node.Leave(ctx)
}

// encode returns the newest data. The caller holds r.mu.
func (r *Registration) encode() ([]byte, error) {
	i := r.inst
	i.Disabled = i.Disabled || r.draining
	return i.encode(r.d.cfg.WriteEnabled)
}

// Instance returns the instance as it is registered, or would be.
func (r *Registration) Instance() Instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.inst.clone()
	i.Disabled = i.Disabled || r.draining
	return i
}

// Status returns what is known of the node now. While Serve runs, an instance that
// is not registered is Unregistered and not Ended; Err is then the error of the
// check that keeps it out, nil before the first.
func (r *Registration) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.presentLocked()
	if r.serving.running > 0 && s.State == Ended && errors.Is(s.Err, ErrUnregistered) {
		return Status{State: Unregistered, Since: r.serving.since, Err: r.serving.why}
	}
	return s
}

// present returns what is known of the node, without a look at Serve.
func (r *Registration) present() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.presentLocked()
}

// presentLocked is present. The caller holds r.mu.
func (r *Registration) presentLocked() Status {
	switch {
	case r.inst.Type.persistent():
		return r.static
	case r.node == nil:
		return Status{State: Ended, Err: ErrUnregistered}
	}
	return statusOf(r.node.Status())
}

// Update lets change alter the instance; its Name, ID and Type stay. It returns nil
// when the altered instance, or a newer one, is on the server. The node's data is
// replaced, so that observers see a change of the node and no delete. While the
// instance is not registered, Update stores nothing: it records the change for the
// next Register.
//
// Updates of a Registration run one at a time. An error with OutcomeNotSent says
// that Update recorded nothing: ctx had ended before the call, or it ended while
// this Update waited for an earlier one. If ctx ends later the error has
// OutcomeUnknown. The altered instance is then the newest. It is stored later, a
// persistent one by the next Update or Register.
//
// If the instance cannot be stored (an *InvalidError, zk.ErrTooLarge, zk.ErrNoAuth,
// or zk.ErrNoNode for a persistent one that was deleted), it stays as it was.
func (r *Registration) Update(ctx context.Context, change func(*Instance)) error {
	if change == nil {
		return r.wrap(refused.AtOnce("update", r.path, refused.ErrFunction))
	}
	return r.update(ctx, func(i *Instance, _ *bool) { change(i) })
}

func (r *Registration) update(ctx context.Context, change func(i *Instance, draining *bool)) error {
	// One at a time, so that the last to be made is also the last to be stored.
	if err := enterUpdate(ctx, r.path, r.updates); err != nil {
		return r.wrap(err)
	}
	defer func() { <-r.updates }()
	if r.Instance().Type.persistent() {
		// Nothing else keeps it from writing behind an Unregister.
		if err := enterUpdate(ctx, r.path, r.turn); err != nil {
			return r.wrap(err)
		}
		defer func() { <-r.turn }()
	}
	r.mu.Lock()
	old, wasDraining := r.inst, r.draining
	r.mu.Unlock()
	next, draining := old.clone(), wasDraining
	change(&next, &draining)
	next = next.clone() // what change has put there is the caller's
	next.Name, next.ID, next.Type, next.Path, next.Stat = old.Name, old.ID, old.Type, old.Path, old.Stat
	if err := next.validate(); err != nil {
		return err
	}
	r.mu.Lock()
	r.inst, r.draining = next, draining
	data, err := r.encode()
	node, static := r.node, r.static.State == Registered
	r.mu.Unlock()
	switch {
	case err != nil:
	case static:
		err = refused.Explain(r.put(ctx, data, false))
	case node != nil:
		err = node.Update(ctx, data)
	}
	if errors.Is(err, ErrUnregistered) {
		return nil // meanwhile; it is remembered
	}
	if err != nil && (zk.OutcomeOf(err) == zk.OutcomeNotSent || refused.By(err) || refused.ForNow(err)) {
		r.mu.Lock()
		r.inst, r.draining = old, wasDraining
		r.mu.Unlock()
	}
	return r.wrap(err)
}

// Unregister deletes the node. nil says that it is gone and that none will come;
// until Register is called again. When ctx ends before that is known, the node of
// a dynamic instance is deleted in the background; the error has OutcomeUnknown
// and wraps zk.ErrUnconfirmed. It is idempotent.
func (r *Registration) Unregister(ctx context.Context) error {
	r.mu.Lock()
	node := r.node
	r.mu.Unlock()
	if node != nil {
		// Before the turn: whoever has it may be waiting for this very node.
		err := node.Leave(ctx)
		r.mu.Lock()
		if r.node == node {
			r.node, r.draining = nil, false
		}
		r.mu.Unlock()
		return r.wrap(err)
	}
	if err := enter(ctx, r.turn); err != nil {
		return r.wrap(err)
	}
	defer func() { <-r.turn }()
	r.mu.Lock()
	node, static := r.node, r.static.State == Registered || r.static.State == Unregistered
	r.mu.Unlock()
	switch {
	case node != nil: // registered meanwhile
		return r.wrap(r.leave(ctx, node))
	case static:
		return r.wrap(refused.Explain(r.remove(ctx)))
	}
	return nil
}

// Drain disables the instance, so that providers send it nothing new, waits, and
// unregisters it, also when the disabling failed or ctx ended.
func (r *Registration) Drain(ctx context.Context, wait time.Duration) error {
	if r.present().State == Ended {
		return r.Unregister(ctx) // there is nothing to disable
	}
	err := r.update(ctx, func(_ *Instance, draining *bool) { *draining = true })
	if err == nil {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			err = ctxerr.Of(ctx)
		}
	}
	return errors.Join(err, r.Unregister(ctx)) // which ends draining
}

func (r *Registration) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("discovery: %s: %w", r.path, err)
}

// enterUpdate waits for a turn of an update. Its error says that nothing was
// recorded. A select takes either case when both are ready, so it asks ctx first.
func enterUpdate(ctx context.Context, path string, turn chan struct{}) error {
	err := ctxerr.Of(ctx)
	if err == nil {
		err = enter(ctx, turn)
	}
	if err != nil {
		return refused.AtOnce("update", path, err)
	}
	return nil
}

// enter waits for a turn.
func enter(ctx context.Context, turn chan struct{}) error {
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctxerr.Of(ctx)
	}
}
