package contend

import (
	"context"
	"sync/atomic"
)

// Scope is the parent of a hold's context. It passes on the values of the context
// with which the hold was acquired, but not its end.
//
// A program can acquire each hold under the context of the one before, for example
// to walk a list hand over hand. The scope of each hold then has the context with
// which the first hold was acquired as its parent. So a walk of many steps keeps no
// chain of holds in memory. This works only if the program passes the context of a
// hold to Acquire as it is. If the program wraps it, perhaps with a value, the scope
// has to keep the wrapped context.
type Scope struct {
	context.Context // the values

	hold  atomic.Pointer[hold]  // nil before there is a hold, and after its release
	outer atomic.Pointer[Scope] // of the hold under which this one is acquired
}

// hold is the hold that belongs to a scope.
type hold struct {
	ctx   context.Context
	grant *Grant // nil if the hold is more than one grant
}

type scopeKey struct{}

// Bounded returns a context that ends with ctx or when end is called. A hold that is
// acquired with it gets the same scope as a hold that is acquired with ctx.
func Bounded(ctx context.Context) (_ context.Context, end context.CancelCauseFunc) {
	b := &bounded{ctx: ctx}
	b.Context, end = context.WithCancelCause(ctx)
	return b, end
}

type bounded struct {
	context.Context // a child of ctx
	ctx             context.Context
}

// NewScope returns the scope of a hold that is acquired with ctx.
func NewScope(ctx context.Context) *Scope {
	if b, ok := ctx.(*bounded); ok {
		ctx = b.ctx
	}
	outer, h := scopeOf(ctx).live()
	if outer == nil {
		return &Scope{Context: context.WithoutCancel(ctx)}
	}
	s := &Scope{Context: outer.Context}
	if h.ctx != ctx {
		s.Context = context.WithoutCancel(ctx)
	}
	beyond, _ := outer.outer.Load().live()
	outer.outer.Store(beyond) // the holds in between have been released
	s.outer.Store(outer)
	return s
}

// Begin stores the hold in the scope. ctx is the hold's context, which is derived
// from the scope. g is nil if the hold is more than one grant.
func (s *Scope) Begin(ctx context.Context, g *Grant) { s.hold.Store(&hold{ctx: ctx, grant: g}) }

// End removes the hold from the scope. The scope of a later hold that was acquired
// under this one does not keep it in memory any longer.
func (s *Scope) End() { s.hold.Store(nil) }

// Value returns the scope itself for scopeKey, and else the value of its parent.
func (s *Scope) Value(key any) any {
	if key == (scopeKey{}) {
		return s
	}
	return s.Context.Value(key)
}

// scopeOf returns the innermost scope in ctx, or nil.
func scopeOf(ctx context.Context) *Scope {
	s, _ := ctx.Value(scopeKey{}).(*Scope)
	return s
}

// live returns the first scope whose hold is not over: s or one outside of it.
func (s *Scope) live() (*Scope, *hold) {
	for ; s != nil; s = s.outer.Load() {
		if h := s.hold.Load(); h != nil && h.ctx.Err() == nil {
			return s, h
		}
	}
	return nil, nil
}

// SharedUnder reports whether ctx is the context of a grant of this queue that
// others can hold too, or derived from one, and the grant is still there.
func (q *Queue) SharedUnder(ctx context.Context) bool {
	for s, h := scopeOf(ctx).live(); s != nil; s, h = s.outer.Load().live() {
		if g := h.grant; g != nil && g.node.q.c == q.c && g.node.q.dir == q.dir && g.Shared() {
			return true
		}
	}
	return false
}
