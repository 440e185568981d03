package lock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/work"
	"github.com/zookit/zookit/zk"
)

// ErrDuplicate says that two locks of a Multi are in one directory, and would wait
// for each other. That is so even if they use two clients of the same ensemble.
var ErrDuplicate = errors.New("same directory twice: one of the two locks would wait for the other")

// errNilLock: NewMulti was given a nil lock.
var errNilLock = fmt.Errorf("%w: nil lock given to NewMulti", zk.ErrBadArguments)

// Multi is several locks that are held together, or not at all. It acquires them one
// after the other, sorted by directory and not in the order in which they are given.
// So two Multis that share some locks cannot wait for each other in a circle, as long
// as all clients use the same names for the directories.
type Multi struct {
	locks []*Lock
	order []int // indices, sorted by directory
}

// NewMulti returns a lock that consists of all locks. Each may be a plain lock or a
// side of a read-write lock. They may use different clients. It does no I/O.
func NewMulti(locks ...*Lock) *Multi {
	m := &Multi{locks: slices.Clone(locks), order: make([]int, len(locks))}
	for i := range locks {
		m.order[i] = i
	}
	if !slices.Contains(locks, nil) { // Acquire refuses a nil lock
		slices.SortStableFunc(m.order, func(a, b int) int { return strings.Compare(locks[a].dir, locks[b].dir) })
	}
	return m
}

// Acquire waits until all the locks are granted. If it loses a lock while it waits
// for another, it releases all of them and starts again. When ctx ends, it returns
// at once. On any error it releases what it had, now or in the background. If a node
// may still be there, the error has OutcomeUnknown. Its errors are those of
// Lock.Acquire, and ErrDuplicate.
func (m *Multi) Acquire(ctx context.Context) (*MultiHeld, error) {
	return m.acquire(ctx, (*Lock).Acquire)
}

// TryAcquire is Acquire that does not wait for others. It returns ErrHeld if another
// contender is ahead in one of the locks.
func (m *Multi) TryAcquire(ctx context.Context) (*MultiHeld, error) {
	return m.acquire(ctx, (*Lock).TryAcquire)
}

// errLostOne says that one lock was lost before all were granted.
var errLostOne = errors.New("one of the locks was lost")

func (m *Multi) acquire(ctx context.Context, get func(*Lock, context.Context) (*Held, error)) (*MultiHeld, error) {
	if err := m.possible(ctx); err != nil {
		return nil, err
	}
	if err := ctxerr.Of(ctx); err != nil {
		return nil, wrap("", refused.AtOnce("acquire", "", err))
	}
	var again pace.Retries               // when a lock is lost over and over
	doubt := pace.Doubt{Call: "acquire"} // of the attempts before
	for {
		began := time.Now()
		h, err := m.attempt(ctx, get)
		if err == nil || !errors.Is(err, errLostOne) {
			return h, doubt.Of(err)
		}
		doubt.Note(err)
		again.Since(began)
		if err := again.Soon(ctx, context.Background()); err != nil {
			return nil, wrap("", err)
		}
	}
}

// possible returns an error if ctx is nil or a lock cannot be used, and ErrDuplicate if two of
// one client are in one directory.
func (m *Multi) possible(ctx context.Context) error {
	if err := refused.Context(ctx); err != nil {
		return wrap("", refused.AtOnce("acquire", "", err))
	}
	type place struct {
		c   *zk.Client
		dir string
	}
	seen := make(map[place]bool, len(m.locks))
	for _, l := range m.locks {
		if l == nil {
			return wrap("", refused.AtOnce("acquire", "", errNilLock))
		}
		if err := l.usable(ctx, "acquire"); err != nil {
			return err
		}
		p := place{l.c, l.dir}
		if seen[p] {
			return wrap(l.dir, refused.AtOnce("acquire", l.dir, ErrDuplicate))
		}
		seen[p] = true
	}
	return nil
}

// meets returns ErrDuplicate if l is in the directory of a part that is held already
// by another client: l would wait for that part for ever. Two ensembles can have
// directories of the same name. So meets checks whether l's ensemble has the node of
// the part, whose name is unique.
func (h *MultiHeld) meets(ctx context.Context, l *Lock) error {
	for _, part := range h.parts {
		if part == nil || zk.Parent(part.Path()) != l.dir {
			continue
		}
		err := l.c.Sync(ctx, l.dir)
		there := false
		if err == nil {
			_, there, err = l.c.Exists(ctx, part.Path())
		}
		if err == nil && there {
			err = ErrDuplicate
		}
		if err != nil {
			return wrap(l.dir, err)
		}
	}
	return nil
}

// attempt acquires all, or none.
func (m *Multi) attempt(ctx context.Context, get func(*Lock, context.Context) (*Held, error)) (*MultiHeld, error) {
	work, lost := contend.Bounded(ctx)
	defer lost(nil)
	h := &MultiHeld{parts: make([]*Held, len(m.locks)), order: m.order, scope: contend.NewScope(ctx)}
	for _, i := range m.order {
		err := h.meets(work, m.locks[i])
		var part *Held
		if err == nil {
			part, err = get(m.locks[i], work)
		}
		if err != nil {
			if h.release(ctx) != nil {
				err = pace.Left("acquire", err) // the janitor continues
			}
			return nil, err
		}
		h.parts[i] = part
		defer context.AfterFunc(part.Context(), func() { lost(errLostOne) })()
	}
	h.join()
	if h.ctx.Err() != nil {
		_ = h.Release(ctx)
		return nil, errLostOne
	}
	return h, nil
}

// Do acquires the locks, runs f and releases them; see Lock.Do.
func (m *Multi) Do(ctx context.Context, f func(ctx context.Context, h *MultiHeld) error) error {
	if f == nil {
		return wrap("", refused.AtOnce("do", "", refused.ErrFunction))
	}
	h, err := m.Acquire(ctx)
	if err != nil {
		return err
	}
	timeout, dirs := time.Duration(0), make([]string, len(m.order))
	for n, i := range m.order {
		timeout = max(timeout, h.parts[i].g.Session().Timeout())
		dirs[n] = m.locks[i].dir
	}
	name := strings.Join(dirs, " ")
	var late work.Late // one line for all the locks
	if len(m.order) > 0 {
		late = h.parts[m.order[0]].log.Late()
		late.Attrs = []slog.Attr{slog.String("dir", name)}
	}
	return do(ctx, name, h, timeout, late, f)
}

// MultiHeld is the hold on all the locks of a Multi. Its methods may be called by
// many goroutines.
type MultiHeld struct {
	parts []*Held // in the order given to NewMulti; nil: not acquired yet
	order []int
	scope *contend.Scope
	ctx   *joint
	asked asked
}

// Context ends when any of the locks may be lost, with the cause of that lock's
// Context; see Held.Context.
func (h *MultiHeld) Context() context.Context { return h.ctx }

// Held returns the hold on each lock, in the order in which the locks were given
// to NewMulti. Each has its own token. If one of them is released, the Context of the
// MultiHeld ends.
func (h *MultiHeld) Held() []*Held { return slices.Clone(h.parts) }

// Check returns ops for Multi of the locks' client. The Multi then does its other
// ops only if all the locks are still held, and otherwise fails with ErrNotHeld. If
// the locks use several clients, each op is for the client of its lock.
func (h *MultiHeld) Check() []zk.Op {
	out := make([]zk.Op, len(h.parts))
	for i, part := range h.parts {
		out[i] = part.Check()
	}
	return out
}

// Release ends the Context and then releases all the locks, the last acquired first;
// see Held.Release. It joins the errors of all locks whose release is not confirmed.
func (h *MultiHeld) Release(ctx context.Context) error {
	h.ctx.end(ErrReleased)
	h.ctx.stop()
	h.asked.once.Do(func() { h.asked.c = make(chan struct{}) }) // Revoked starts no watcher any more
	h.asked.watcher.Wait()
	h.scope.End()
	return h.release(ctx)
}

func (h *MultiHeld) release(ctx context.Context) error {
	var errs []error
	for _, i := range slices.Backward(h.order) {
		if h.parts[i] != nil {
			errs = append(errs, h.parts[i].Release(ctx))
		}
	}
	return oneline.Join(errs...)
}

// join makes the context that ends with the first of the parts.
func (h *MultiHeld) join() {
	j := &joint{parts: h.parts}
	j.Context, j.end = context.WithCancelCause(h.scope)
	h.scope.Begin(j, nil)
	for _, part := range h.parts {
		j.stops = append(j.stops, context.AfterFunc(part.Context(), func() { j.Err() }))
	}
	h.ctx = j
}

// joint is a context that ends with the first of several contexts.
type joint struct {
	context.Context
	end   context.CancelCauseFunc
	parts []*Held
	stops []func() bool
}

// Err calls the Err of the parts' contexts first, which check the clock. In a process
// that was stopped, timers are late.
func (j *joint) Err() error {
	for _, part := range j.parts {
		if c := part.Context(); c.Err() != nil {
			j.end(context.Cause(c))
		}
	}
	return j.Context.Err()
}

func (j *joint) stop() {
	for _, stop := range j.stops {
		stop()
	}
}

// String shows each lock as its Held does.
func (h *MultiHeld) String() string {
	parts := make([]string, len(h.parts))
	for i, part := range h.parts {
		parts[i] = part.String()
	}
	return strings.Join(parts, ", ")
}
