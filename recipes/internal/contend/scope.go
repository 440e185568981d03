package contend

import (
	"context"
	"sync/atomic"
)

// Scope stands between the context of a hold and the context with which the hold
// was acquired. It passes on the values of that one, and not its end.
//
// A hold may be acquired under the context of another hold, and so on: a list is
// walked hand over hand. Then the scope of each hold stands right on the context
// with which the first was acquired, and a walk of many steps keeps no chain of
// holds in memory. That works only if Acquire is given the context of a hold as
// it is. What a program wraps around it, perhaps with a value, has to be kept.
type Scope struct {
	context.Context // the values

	hold  atomic.Pointer[hold]  // nil before there is a hold, and after its release
	outer atomic.Pointer[Scope] // of the hold under which this one is acquired
}

// hold is what a scope knows of its hold.
type hold struct {
	ctx   context.Context
	grant *Grant // nil if the hold is more than one grant
}

type scopeKey struct{}

// Bounded returns a context that ends with ctx or when end is called. A hold that
// is acquired with it has the scope of one that is acquired with ctx.
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
	outer.outer.Store(beyond) // those between have been released
	s.outer.Store(outer)
	return s
}

// Begin says that the hold is there. ctx is its context, which is derived from
// the scope; g is nil if the hold is more than one grant.
func (s *Scope) Begin(ctx context.Context, g *Grant) { s.hold.Store(&hold{ctx: ctx, grant: g}) }

// End says that the hold is over. The scope of a later hold that was acquired
// under this one does not keep it any longer.
func (s *Scope) End() { s.hold.Store(nil) }

// Value finds the scope itself, or a value.
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

// live returns s, or the nearest one around it whose hold is not over.
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
		if g := h.grant; g != nil && g.p.q.c == q.c && g.p.q.dir == q.dir && g.Shared() {
			return true
		}
	}
	return false
}
