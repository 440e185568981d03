package lock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// ErrBadPermits: no such number of permits can be asked for. It is below 1, or more
// than one transaction can grant (then the error wraps zk.ErrTooLarge and names the
// most), or above 1 in kazoo's layout.
var ErrBadPermits = errors.New("bad number of permits")

// Semaphore gives out a limited number of permits, any number of them at once
// and in the order in which they were asked for. It may be used by many
// goroutines.
//
// Who asks queues with a ticket, and only the first in the queue is served: it
// waits until there is room for all that it wants, and those behind it wait, so
// that a big request is not starved by small ones. Its ticket then becomes its
// leases in one transaction, which also fails if the limit was changed since it
// was read. So there are never more leases than the limit said when the last of
// them was granted, and never a part of what was asked for. Every child of the
// directory of leases counts, whoever made it.
type Semaphore struct {
	c      *zk.Client
	dir    string
	leases string // the directory of leases
	cfg    Config
	queue  *contend.Queue
	log    journal.Journal
	bad    error        // why it cannot be used
	want   atomic.Int64 // the limit that we insist on; 0: none
}

// NewSemaphore returns the semaphore in dir. It does no I/O.
//
// A limit above 0 is insisted on: it is stored if there is none, and if another
// is stored, Acquire and TryAcquire return ErrLimitMismatch. With 0 the stored
// one is taken, whatever it is, and ErrNoLimit returned if there is none; that
// is for limits that are changed while running, with SetLimit, and what a
// semaphore does that has called SetLimit itself.
//
// In Curator's dialect the layout is that of its InterProcessSemaphoreV2, the
// limit a SharedCount at dir. In kazoo's, of its Semaphore, one permit at a time
// can be asked for. The two do not see each other's leases.
func NewSemaphore(c *zk.Client, dir string, limit int, cfg Config) *Semaphore {
	cfg.Data, cfg.ACL = bytes.Clone(cfg.Data), slices.Clone(cfg.ACL)
	s := &Semaphore{c: c, dir: dir, leases: zk.Join(dir, "leases"), cfg: cfg, bad: unusable(c, cfg), log: cfg.journal("semaphore", dir)}
	locks := zk.Join(dir, "locks")
	if cfg.Dialect == recipes.Kazoo {
		s.leases, locks = dir, dir+"-__lock__"
	}
	s.queue = contend.New(c, locks, contend.Lock, cfg.Dialect, cfg.Data, cfg.ACL)
	s.want.Store(int64(limit))
	return s
}

// usable is that of a Lock.
func (s *Semaphore) usable(op string) error {
	if s.bad == nil {
		return nil
	}
	return s.wrap(refused.AtOnce(op, s.dir, s.bad))
}

func (s *Semaphore) wrap(err error) error { return wrap(s.dir, err) }

// Acquire waits until n permits are ours, all at once. It returns at once when
// ctx ends, in every state of the connection, with ctx's cause wrapped. On any
// error its nodes are deleted, now or in the background.
//
// More permits than the limit are ErrOverLimit, at once; also when the limit is
// lowered below n while it waits, wherever it stands in the queue. So it is with
// ErrLimitMismatch for a semaphore that insists on a limit. It returns ErrBadPermits, ErrBadLimit,
// ErrLimitMismatch, ErrNoLimit, ErrForeign, ErrSequenceExhausted, zk.ErrNoAuth,
// zk.ErrClosed or whatever else the server refuses with.
func (s *Semaphore) Acquire(ctx context.Context, n int) (*Permits, error) {
	return s.acquire(ctx, n, true)
}

// TryAcquire is Acquire that does not wait for others: it returns ErrHeld if
// there is no room for n, in a FullError, or if somebody is ahead in the queue,
// which may be one that is just being served, in a *recipes.WaitError.
func (s *Semaphore) TryAcquire(ctx context.Context, n int) (*Permits, error) {
	return s.acquire(ctx, n, false)
}

func (s *Semaphore) acquire(ctx context.Context, n int, wait bool) (*Permits, error) {
	if err := s.usable("acquire"); err != nil {
		return nil, err
	}
	if err := s.valid(n); err != nil {
		return nil, s.wrap(refused.AtOnce("acquire", s.dir, err))
	}
	check := s.full
	if wait {
		check = s.over
	}
	if err := check(ctx, n); err != nil {
		return nil, s.wrap(contend.Because(ctx, err))
	}
	defer s.log.Wait("permits", n)()
	var again pace.Retries
	for {
		began := time.Now()
		ticket, err := s.enqueue(ctx, n, wait)
		if err != nil {
			return nil, s.wrap(err)
		}
		g, err := s.serve(ctx, ticket, n, wait)
		switch {
		case err == nil:
			return &Permits{g: g, log: s.log.Grant(g.Context(), "permits", n, "node", g.Path(), "token", g.Token())}, nil
		case !errors.Is(err, errQueueAgain):
			return nil, s.wrap(contend.Because(ctx, err))
		}
		again.Since(began)
		if err := again.Soon(ctx, context.Background()); err != nil {
			return nil, s.wrap(err)
		}
	}
}

func (s *Semaphore) valid(n int) error {
	want := s.want.Load()
	switch {
	case want < 0 || want > math.MaxInt32:
		return fmt.Errorf("%w: %d", ErrBadLimit, want)
	case n < 1, n > 1 && s.cfg.Dialect == recipes.Kazoo:
		return fmt.Errorf("%w: %d", ErrBadPermits, n)
	}
	if err := zk.ValidatePath(s.dir); err != nil {
		return err
	}
	return s.grantable(n)
}

// grantable returns ErrBadPermits if no transaction can grant n permits at once.
func (s *Semaphore) grantable(n int) error {
	if n == 1 {
		return nil // as kazoo's always are
	}
	guid := zk.NewGUID() // all are as long as this one
	ticket := zk.Join(s.dir, "locks/_c_"+guid+"-lock-0000000000")
	var opts []zk.CreateOption
	if len(s.cfg.ACL) > 0 {
		opts = append(opts, zk.WithACL(s.cfg.ACL...))
	}
	size := func(n int) (size, limit int) {
		x := s.exchange(opts, slices.Repeat([]string{guid}, n), 0)
		return s.c.MultiSize(append(x.Ops, zk.DeleteOp(ticket, zk.AnyVersion))...)
	}
	one, limit := size(1)
	two, _ := size(2)
	if most := 1 + (limit-one)/(two-one); n > most {
		return fmt.Errorf("%w: %d are more than %d, the most that one transaction of %d bytes (MaxRequestSize) can grant: %w",
			ErrBadPermits, n, most, limit, zk.ErrTooLarge)
	}
	return nil
}

// over returns an error if the limit does not allow n permits at all.
func (s *Semaphore) over(ctx context.Context, n int) error {
	_, _, err := s.limit(ctx, n, false)
	return err
}

// full is over that returns ErrHeld if there is no room for n permits now. It
// takes no ticket. It asks for a sync first: a server that lags behind can show a
// permit that was given back before we were called. Where that cannot be known,
// the ticket has to find out.
func (s *Semaphore) full(ctx context.Context, n int) error {
	sync := s.c.Pipeline().Sync(ctx, s.dir)
	room, err := s.room(ctx, n, false)
	if err != nil {
		return err
	}
	if _, err := sync.Wait(ctx); err == nil && !room.there {
		return room.full(n, ErrHeld)
	}
	return nil
}

// errQueueAgain: the ticket was lost; take another.
var errQueueAgain = errors.New("ticket was lost")

// serve waits, with the first ticket of the queue, until there is room for n
// leases, and exchanges the ticket for them.
func (s *Semaphore) serve(ctx context.Context, ticket *contend.Grant, n int, wait bool) (_ *contend.Grant, err error) {
	defer func() {
		if err != nil && ticket != nil {
			_ = ticket.Release(ctx) // the janitor goes on
		}
	}()
	guids := make([]string, n) // of all tries
	for i := range guids {
		guids[i] = zk.NewGUID()
	}
	var again pace.Retries // of the grant
	for watch := false; ; {
		if ticket.Context().Err() != nil {
			if ticket, err = renew(ctx, ticket); err != nil {
				return nil, err
			}
		}
		room, err := s.room(ctx, n, watch)
		if err != nil {
			return nil, err
		}
		if !room.there {
			switch {
			case !wait:
				return nil, room.full(n, ErrHeld)
			case watch:
				if err = room.wait(ctx, ticket.Context()); err != nil {
					err = room.full(n, err)
				}
			}
			room.stop()
			if err != nil {
				return nil, err
			}
			watch = true
			again.Reset()
			continue
		}
		room.stop()
		if ticket.Context().Err() != nil {
			continue // what was read took longer than the lease
		}
		err = ticket.Exchange(ctx, s.exchange(ticket.CreateOptions(), guids, room.set.version))
		switch {
		case err == nil:
			return ticket, s.confirm(ctx, room.set)
		case ctx.Err() != nil, errors.Is(err, zk.ErrNoAuth): // the latter also of our ticket, which is there then
			return nil, err
		case ticket.Context().Err() != nil, errors.Is(err, contend.ErrNotHeld):
			return nil, errQueueAgain
		case errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNoNode):
			// The limit was changed since we read it, or a directory reaped.
			if err := again.Soon(ctx, ticket.Context()); err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
	}
}

// confirm returns nil if leases that were just granted are in the directory in which
// the limit was read. In Curator's layout they are: the ticket was below it, and the
// grant deleted that. In kazoo's the directory can be deleted and made again between
// the look and the grant, with another limit. Its version is 0 again then, so that
// the grant does not fail. It cannot happen any more once our lease is in it.
func (s *Semaphore) confirm(ctx context.Context, set setting) error {
	if s.cfg.Dialect != recipes.Kazoo {
		return nil
	}
	stat, there, err := s.c.Exists(ctx, s.dir)
	if err == nil && (!there || stat.Czxid != set.czxid) {
		err = errQueueAgain
	}
	return err
}

// renew is for a ticket whose context has ended while nothing was done under it.
// It returns none on an error: it is withdrawn then.
func renew(ctx context.Context, ticket *contend.Grant) (*contend.Grant, error) {
	renewed, err := ticket.Renew(ctx)
	if contend.Again(err) {
		err = errQueueAgain
	}
	return renewed, err
}

// exchange is the transaction of the grant.
func (s *Semaphore) exchange(opts []zk.CreateOption, guids []string, v zk.Version) *contend.Exchange {
	x := &contend.Exchange{Dir: s.leases, Ops: []zk.Op{zk.CheckOp(s.dir, v)}}
	for _, guid := range guids {
		if s.cfg.Dialect == recipes.Kazoo {
			name := strings.ReplaceAll(guid, "-", "")
			x.Marks = append(x.Marks, name)
			x.Ops = append(x.Ops, zk.CreateOp(zk.Join(s.leases, name), s.cfg.Data, zk.Ephemeral, opts...))
			continue
		}
		x.Marks = append(x.Marks, guid)
		x.Ops = append(x.Ops, zk.CreateOp(zk.Join(s.leases, "_c_"+guid+"-lease-"), s.cfg.Data, zk.EphemeralSequential, opts...))
	}
	return x
}

// room is whether there is room for a request, and what fires when that may have
// changed.
type room struct {
	there         bool
	set           setting
	held          int // permits
	limit, leases *zk.Watch
}

// room looks whether there is room for n more leases. The leases can only become
// fewer while we have the first ticket, and the ticket of who made the last was
// gone before ours was the first, so that those that a server shows are no less
// than there are.
func (s *Semaphore) room(ctx context.Context, n int, watch bool) (r room, err error) {
	if r.set, r.limit, err = s.limit(ctx, n, watch); err != nil {
		return r, err
	}
	var again pace.Retries
	for {
		var names []string
		if watch {
			names, _, r.leases, err = s.c.ChildrenW(ctx, s.leases)
		} else {
			names, _, err = s.c.Children(ctx, s.leases)
		}
		if errors.Is(err, zk.ErrNoNode) {
			if err = recipes.EnsurePath(ctx, s.c, s.leases, s.cfg.ACL...); err == nil {
				err = again.Soon(ctx, context.Background())
			}
			if err == nil {
				continue
			}
		}
		if err != nil {
			r.stop()
			return r, err
		}
		r.held, r.there = len(names), len(names)+n <= r.set.limit
		return r, nil
	}
}

// full is err, for which a request of n permits ended that had no room, with what
// was known then.
func (r *room) full(n int, err error) error {
	return &FullError{Wanted: n, Held: r.held, Limit: r.set.limit, Err: err}
}

func (r *room) stop() {
	r.limit.Stop()
	r.leases.Stop()
}

// wait returns when it may be worth to look again.
func (r *room) wait(ctx, ticket context.Context) error {
	select {
	case <-r.limit.C():
	case <-r.leases.C():
	case <-ticket.Done():
	case <-ctx.Done():
		return ctxerr.Of(ctx)
	}
	return nil
}

// Do acquires n permits, runs f and releases them; see Lock.Do.
func (s *Semaphore) Do(ctx context.Context, n int, f func(ctx context.Context, p *Permits) error) error {
	if f == nil {
		return s.wrap(refused.AtOnce("do", s.dir, refused.ErrFunction))
	}
	p, err := s.Acquire(ctx, n)
	if err != nil {
		return err
	}
	return do(ctx, s.dir, p, p.g.Session().Timeout(), f)
}
