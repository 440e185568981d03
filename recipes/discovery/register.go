package discovery

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/sentinel"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// Errors of a Registration. All can be the Err of a Status. The first two can also be
// the cause of its Context, like zk.ErrSessionExpired, zk.ErrLeaseLapsed and
// zk.ErrClosed.
var (
	// ErrUnregistered: Unregister was called. It wraps recipes.ErrReleased.
	ErrUnregistered = sentinel.In("unregistered", recipes.ErrReleased)
	// ErrDeleted: the node of the instance was deleted. It is created again, unless
	// Config.ReportDeleted ends the registration. It can also be the cause after the
	// session has ended: the server may report the deletion of the node first.
	ErrDeleted = recipes.ErrDeleted
	// ErrIDTaken: another session's node is at the path of the instance. The error is
	// a *recipes.TakenError.
	ErrIDTaken = recipes.ErrIDTaken
)

// Registration registers one instance and keeps it registered. Its methods may be
// called by many goroutines.
type Registration struct {
	d       *Discovery
	path    string
	turn    xsync.Mutex // held while a call registers or unregisters
	updates xsync.Mutex // held while a call updates; taken before turn

	mu       sync.Mutex // leaf lock; guards the fields below
	inst     Instance
	draining bool
	node     *presence.Node // of a dynamic instance
	static   Status         // of a persistent one
	serving  serving
}

// Registration returns a Registration of i, which is not registered yet. It fills in
// the defaults of Instance, and does no I/O. Its errors are *InvalidError, joined, or
// zk.ErrBadArguments (see New).
func (d *Discovery) Registration(i Instance) (*Registration, error) {
	if err := d.usable(context.Background(), "register", zk.Join(zk.Join(d.base, i.Name), i.ID)); err != nil {
		return nil, err
	}
	i = i.clone()
	i.ID = cmp.Or(i.ID, protect.NewGUID())
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
	}, nil
}

// Register registers an instance. It calls Registration, and Register of the result.
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

// Register returns nil when the server has the node of the instance, created by this
// Registration. From then on the instance stays registered until Unregister. A lost
// connection changes nothing on the server as long as the session lives. After the
// session has expired, or another client has deleted the node, the node is created
// again with the newest data.
//
// If another session's node is at the path, Register waits for Config.WaitOut: the
// node may be left from a crash of this process. If it stays, or another one comes,
// Register returns ErrIDTaken.
//
// Register returns at once when the server refuses. A *recipes.RightError, which wraps
// zk.ErrNoAuth, names the missing right. (Serve retries slowly instead. So does a
// registered instance that is refused in a later session.) It also returns at once if
// zk.Config.TouchDelay leaves no lease (zk.ErrBadArguments). While replies take too long
// for a lease, it waits. After an error the
// instance is not registered. A node that was created meanwhile is deleted, at once or
// in the background. There is one exception: ctx ends while Register waits for another
// call that registers or unregisters this instance. Then that call decides.
//
// A persistent instance (Static, Permanent) replaces the data of the persistent node
// at its path, if there is one. It is not created again when another client deletes
// it. After an error it is as it was before the call, or Unregistered if a write may
// have taken effect.
func (r *Registration) Register(ctx context.Context) error {
	if err := r.usable(ctx, "register"); err != nil {
		return err
	}
	if err := r.takeTurn(ctx); err != nil {
		return r.wrap(refused.AtOnce("register", r.path, err))
	}
	defer r.turn.Unlock()
	node, err := r.start(ctx)
	if err != nil || node == nil {
		return r.wrap(err)
	}
	last := node.Status() // Statuses may yield nothing if ctx has ended
	if last.State == presence.Registered {
		return nil
	}
	for last = range node.Statuses(ctx) {
		if last.State == presence.Registered {
			return nil
		}
		// The node would retry slowly after a refusal. But the caller waits, and can
		// get the error now.
		if refused.Waiter(last.Err) {
			break
		}
	}
	why := last.Err
	if last.State != presence.Ended && !refused.Waiter(why) {
		why = errors.Join(ctxerr.Of(ctx), why)
	}
	_ = r.leave(ctx, node) // a node that may be left is deleted in the background
	return r.wrap(why)
}

// usable returns an error if a call of r cannot begin: r was not made by
// Discovery.Registration, or ctx is nil.
func (r *Registration) usable(ctx context.Context, op string) error {
	var c *zk.Client
	if r.d != nil {
		c = r.d.c
	}
	if err := refused.Unusable(ctx, c, nil, "Discovery.Registration"); err != nil {
		return r.wrap(refused.AtOnce(op, r.path, err))
	}
	return nil
}

// takeTurn waits for the turn. If the turn is free it takes it, also if ctx has ended:
// such a call must still unregister the instance, or pass its node to the janitor.
func (r *Registration) takeTurn(ctx context.Context) error {
	if r.turn.TryLock() {
		return nil
	}
	return r.turn.Lock(ctx)
}

// start begins to register the instance, unless that has begun. It registers a
// persistent instance itself. The caller has the turn.
func (r *Registration) start(ctx context.Context) (*presence.Node, error) {
	r.clear(ctx)
	r.mu.Lock()
	node := r.node
	r.mu.Unlock()
	if node != nil {
		return node, nil
	}
	if err := ctxerr.Of(ctx); err != nil {
		return nil, refused.AtOnce("register", r.path, err)
	}
	// Under the lock. So an Update comes either before this, and is in data, or after
	// it, and finds the node.
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
		RefusedPause: d.cfg.RefusedPause, Spread: max(0, d.cfg.Spread), Left: ErrUnregistered, Logger: d.cfg.Logger, Hooks: d.hooks, Recipe: "discovery",
	}
}

// clear drops a node that has ended by itself. Its Status has given the reason. The
// caller has the turn.
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

// Instance returns the instance as it is registered, or would be by Register.
func (r *Registration) Instance() Instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.inst.clone()
	i.Disabled = i.Disabled || r.draining
	return i
}

// Status returns the state of the node now. While Serve runs, an instance that is not
// registered is Unregistered and not Ended. Err is then the error of the last failed
// check, nil before the first.
func (r *Registration) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.presentLocked()
	if r.serving.running > 0 && s.State == Ended && errors.Is(s.Err, ErrUnregistered) {
		return Status{State: Unregistered, Since: r.serving.since, Err: r.serving.why}
	}
	return s
}

// present returns the state of the node, whether or not Serve runs.
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
	if err := r.usable(ctx, "update"); err != nil {
		return err
	}
	if change == nil {
		return r.wrap(refused.AtOnce("update", r.path, refused.ErrFunction))
	}
	return r.update(ctx, func(i *Instance, _ *bool) { change(i) })
}

func (r *Registration) update(ctx context.Context, change func(i *Instance, draining *bool)) error {
	// One at a time: the last update that is made must be the last that is stored.
	if err := lockUpdate(ctx, r.path, &r.updates); err != nil {
		return r.wrap(err)
	}
	defer r.updates.Unlock()
	if r.Instance().Type.persistent() {
		// Nothing else keeps the update from writing after an Unregister.
		if err := lockUpdate(ctx, r.path, &r.turn); err != nil {
			return r.wrap(err)
		}
		defer r.turn.Unlock()
	}
	r.mu.Lock()
	old, wasDraining := r.inst, r.draining
	r.mu.Unlock()
	next, draining := old.clone(), wasDraining
	change(&next, &draining)
	next = next.clone() // change may have put memory of the caller into it
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
		return nil // meanwhile; the next Register stores the data
	}
	if err != nil && (zk.OutcomeOf(err) == zk.OutcomeNotSent || refused.By(err) || refused.ForNow(err)) {
		r.mu.Lock()
		r.inst, r.draining = old, wasDraining
		r.mu.Unlock()
	}
	return r.wrap(err)
}

// Unregister deletes the node. It returns nil when the node is gone, and none will be
// created until Register is called again. If ctx ends before that is known, the error
// has OutcomeUnknown and wraps zk.ErrUnconfirmed. The node of a dynamic instance is
// then deleted in the background. Unregister is idempotent.
func (r *Registration) Unregister(ctx context.Context) error {
	r.mu.Lock()
	node := r.node
	r.mu.Unlock()
	if node != nil {
		// Without the turn: the call that has it may be waiting for this node.
		err := node.Leave(ctx)
		r.mu.Lock()
		if r.node == node {
			r.node, r.draining = nil, false
		}
		r.mu.Unlock()
		return r.wrap(err)
	}
	if err := r.takeTurn(ctx); err != nil {
		return r.wrap(err)
	}
	defer r.turn.Unlock()
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

// Drain disables the instance, so that providers do not choose it any more. Then it
// waits, and unregisters the instance, also if the disabling failed or ctx ended.
func (r *Registration) Drain(ctx context.Context, wait time.Duration) error {
	if r.present().State == Ended {
		return r.Unregister(ctx) // there is nothing to disable
	}
	err := r.update(ctx, func(_ *Instance, draining *bool) { *draining = true })
	if err == nil {
		err = xsync.Pause(ctx, wait)
	}
	return oneline.Join(err, r.Unregister(ctx)) // Unregister ends draining too
}

func (r *Registration) wrap(err error) error {
	if err == nil {
		return nil
	}
	return show.Error("discovery", r.path, err)
}

// lockUpdate locks m for an update. Its error says that nothing was recorded.
func lockUpdate(ctx context.Context, path string, m *xsync.Mutex) error {
	if err := m.Lock(ctx); err != nil {
		return refused.AtOnce("update", path, err)
	}
	return nil
}
