package lock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// ErrBadPermits says that a request cannot have that number of permits. The number is
// below 1, or above 1 in kazoo's layout, or more than one transaction can grant. In
// the last case the error wraps zk.ErrTooLarge and names the highest number.
var ErrBadPermits = errors.New("bad number of permits")

// Semaphore grants a limited number of permits. A request can have several permits,
// and requests are served in their order. It may be used by many goroutines.
//
// Each request waits in the queue as one ticket, and only the first ticket is served.
// It waits until there is room for all its permits. The requests behind it wait, so
// that small requests do not starve a big one.
//
// One transaction then replaces the ticket by one lease for each permit. It fails if
// the limit has changed since it was read. So there are never more leases than the
// limit allowed when the last of them was granted, and no request gets a part of its
// permits. Every child of the directory of leases counts, even if another program
// has created it.
type Semaphore struct {
	c      *zk.Client
	dir    string
	leases string // the directory of leases
	cfg    Config
	queue  *contend.Queue
	log    journal.Journal
	label  label.Label  // of the goroutines
	bad    error        // why it cannot be used
	want   atomic.Int64 // the limit that the semaphore insists on; 0: none
}

// NewSemaphore returns the semaphore in dir. It does no I/O.
//
// With a limit above 0 the semaphore insists on that limit. It stores the limit if
// there is none. If another limit is stored, Acquire and TryAcquire return
// ErrLimitMismatch.
//
// With the limit 0 the semaphore uses the stored limit. Acquire and TryAcquire return
// ErrNoLimit if there is none. Use 0 if SetLimit changes the limit at run time. A
// semaphore behaves like this too after its own SetLimit.
//
// In Curator's dialect the layout is that of InterProcessSemaphoreV2, and the limit
// is a SharedCount at dir. In kazoo's dialect the layout is that of kazoo's Semaphore,
// and a request can have one permit only. The two do not see each other's leases.
func NewSemaphore(c *zk.Client, dir string, limit int, cfg Config) *Semaphore {
	cfg.Data, cfg.ACL = bytes.Clone(cfg.Data), slices.Clone(cfg.ACL)
	s := &Semaphore{c: c, dir: dir, leases: zk.Join(dir, "leases"), cfg: cfg, bad: unusable(c, cfg), log: cfg.journal(c, "semaphore", dir)}
	locks := zk.Join(dir, "locks")
	if cfg.Dialect == recipes.Kazoo {
		s.leases, locks = dir, dir+"-__lock__"
	}
	s.label = label.Of("semaphore", dir)
	s.queue = contend.New(c, locks, contend.Lock, cfg.Dialect, cfg.Data, cfg.ACL).Labelled(s.label)
	s.want.Store(int64(limit))
	return s
}

// usable returns an error if a call of s cannot begin; see Lock.usable.
func (s *Semaphore) usable(ctx context.Context, op string) error {
	if err := refused.Unusable(ctx, s.c, s.bad, "lock.NewSemaphore"); err != nil {
		return s.wrap(refused.AtOnce(op, s.dir, err))
	}
	return nil
}

func (s *Semaphore) wrap(err error) error { return wrap(s.dir, err) }

// Acquire waits until n permits are granted, all at once. When ctx ends, it returns
// at once, in every state of the connection, with an error that wraps the cause of
// ctx. On any error its nodes are deleted, now or in the background. If a node may
// still be there, or if Acquire may have stored the limit, the error has
// OutcomeUnknown.
//
// If n is more than the limit, it returns ErrOverLimit at once. It does so too when
// the limit is lowered below n while it waits, at any position in the queue. A
// semaphore that insists on a limit returns ErrLimitMismatch in the same way. Other
// errors are ErrBadPermits, ErrBadLimit, ErrNoLimit, ErrForeign,
// ErrSequenceExhausted, zk.ErrNoAuth, zk.ErrClosed and other refusals of the server,
// and zk.ErrLeaseLapsed and zk.ErrBadArguments as those of Lock.Acquire.
func (s *Semaphore) Acquire(ctx context.Context, n int) (*Permits, error) {
	return s.acquire(ctx, n, true)
}

// TryAcquire is Acquire that does not wait for others. If there is no room for n, it
// returns ErrHeld in a *FullError. If a request is ahead in the queue, perhaps one
// that is just being served, it returns ErrHeld in a *recipes.WaitError.
func (s *Semaphore) TryAcquire(ctx context.Context, n int) (*Permits, error) {
	return s.acquire(ctx, n, false)
}

func (s *Semaphore) acquire(ctx context.Context, n int, wait bool) (p *Permits, err error) {
	if err := s.usable(ctx, "acquire"); err != nil {
		return nil, err
	}
	if err := s.valid(n); err != nil {
		return nil, s.wrap(refused.AtOnce("acquire", s.dir, err))
	}
	check := s.full
	if wait {
		check = s.over
	}
	doubt := pace.Doubt{Call: "acquire"} // of the limit, if it was stored, and of the tickets before
	if err := check(ctx, n, &doubt); err != nil {
		return nil, s.wrap(doubt.Of(contend.Because(ctx, err)))
	}
	waiting := s.log.Wait(ctx, slog.Int("permits", n))
	defer func() { waiting.Over(err) }()
	queue := s.queue.Logging(waiting)
	var again pace.Retries
	for {
		began := time.Now()
		ticket, err := s.enqueue(ctx, queue, n, wait, &doubt)
		if err != nil {
			return nil, s.wrap(doubt.Of(err))
		}
		g, err := s.serve(ctx, ticket, n, wait, waiting, &doubt)
		switch {
		case err == nil:
			return &Permits{g: g, log: s.log.Grant(g.Context(), waiting, journal.Grant{Session: g.Session(), Node: g.Path(), Token: g.Token(), Attrs: []slog.Attr{slog.Int("permits", n)}})}, nil
		case !errors.Is(err, errQueueAgain):
			return nil, s.wrap(doubt.Of(contend.Because(ctx, err)))
		}
		doubt.Note(err)
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
		return fmt.Errorf("%w: %d: want 1 to %d, or 0 for the one that is stored", ErrBadLimit, want, math.MaxInt32)
	case n < 1:
		return fmt.Errorf("%w: %d: want at least 1", ErrBadPermits, n)
	case n > 1 && s.cfg.Dialect == recipes.Kazoo:
		return fmt.Errorf("%w: %d: a request in the kazoo dialect has one permit", ErrBadPermits, n)
	}
	if err := zk.ValidatePath(s.dir); err != nil {
		return err
	}
	return s.grantable(n)
}

// grantable returns ErrBadPermits if no transaction can grant n permits at once.
func (s *Semaphore) grantable(n int) error {
	if n == 1 {
		return nil // always small enough; a request in kazoo's layout has one permit only
	}
	guid := protect.NewGUID() // only its length matters
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

// over returns an error if the limit does not allow n permits at all. If it stores the
// limit, it notes the write in doubt. So does every function that reads the limit.
func (s *Semaphore) over(ctx context.Context, n int, doubt *pace.Doubt) error {
	_, _, err := s.limit(ctx, n, false, doubt)
	return err
}

// full does what over does, and also returns ErrHeld if there is no room for n permits
// now. It creates no ticket. It sends a sync before it reads. Without one, a server that lags
// behind could show a permit that was given back before the call. If the sync fails,
// full returns nil, and the request queues with a ticket to find out.
func (s *Semaphore) full(ctx context.Context, n int, doubt *pace.Doubt) error {
	sync := s.c.Pipeline().Sync(ctx, s.dir)
	room, err := s.room(ctx, n, false, doubt)
	if err != nil {
		return err
	}
	if _, err := sync.Wait(ctx); err == nil && !room.there {
		return room.full(n, ErrHeld)
	}
	return nil
}

// errQueueAgain says that the ticket was lost and that the request must queue again.
var errQueueAgain = errors.New("ticket was lost")

// serve waits, with the first ticket of the queue, until there is room for n
// leases, and exchanges the ticket for them.
func (s *Semaphore) serve(ctx context.Context, ticket *contend.Grant, n int, wait bool, log *journal.Wait, doubt *pace.Doubt) (_ *contend.Grant, err error) {
	defer func() {
		if err != nil && ticket != nil && ticket.Release(ctx) != nil {
			err = pace.Left("acquire", err) // the janitor continues
		}
	}()
	guids := newGUIDs(n)   // every try uses the same
	var again pace.Retries // of the grant
	for watch := false; ; {
		if ticket.Context().Err() != nil {
			if ticket, err = renew(ctx, ticket); err != nil {
				return nil, err
			}
		}
		room, err := s.room(ctx, n, watch, doubt)
		if err != nil {
			return nil, err
		}
		if !room.there {
			switch {
			case !wait:
				return nil, room.full(n, ErrHeld)
			case watch:
				log.Full(ticket.Path(), room.oldest, room.held, room.set.limit)
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
			continue // the reads took longer than the ticket's lease: renew it and read again
		}
		err = ticket.Exchange(ctx, s.exchange(ticket.CreateOptions(), guids, room.set.version))
		switch {
		case err == nil:
			return ticket, s.confirm(ctx, room.set)
		case ctx.Err() != nil, errors.Is(err, zk.ErrNoAuth): // NoAuth first: the error can wrap ErrNotHeld too
			return nil, err
		case ticket.Context().Err() != nil, errors.Is(err, contend.ErrNotHeld):
			return nil, errQueueAgain
		case errors.Is(err, zk.ErrBadVersion), errors.Is(err, zk.ErrNoNode):
			// The limit was changed since we read it, or the server removed a directory.
			if err := again.Soon(ctx, ticket.Context()); err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
	}
}

func newGUIDs(n int) []string {
	guids := make([]string, n)
	for i := range guids {
		guids[i] = protect.NewGUID()
	}
	return guids
}

// confirm returns nil if the leases that were just granted are in the directory from
// which the limit was read.
//
// In Curator's layout they always are: the ticket was below the directory until the
// grant deleted it. In kazoo's layout this can happen:
//  1. We read the limit, in a directory whose version is 0.
//  2. Somebody deletes the directory and creates it again with another limit. Its
//     version is 0 again.
//  3. The grant checks the version only, and so it succeeds.
//
// Once our lease is in the directory it cannot be deleted any more.
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

// renew returns a new grant of a ticket whose context has ended while nothing was
// done under it. On an error the ticket is withdrawn, and renew returns no grant.
func renew(ctx context.Context, ticket *contend.Grant) (*contend.Grant, error) {
	renewed, err := ticket.Renew(ctx)
	if contend.Again(err) {
		err = errQueueAgain
	}
	return renewed, err
}

// exchange returns the transaction that replaces the ticket by leases.
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

// room says whether there is room for a request. Its watches fire when that may have
// changed.
type room struct {
	there         bool
	set           setting
	held          int    // permits
	oldest        string // the oldest lease; "" in kazoo's layout, whose names have no order
	limit, leases *zk.Watch
}

// room checks whether there is room for n more leases. The server that answers may
// lag behind, but it never shows fewer leases than there are. Only the owner of the
// first ticket creates leases, and that is us. The request before us created its
// leases in the transaction that deleted its ticket, which we have seen.
func (s *Semaphore) room(ctx context.Context, n int, watch bool, doubt *pace.Doubt) (r room, err error) {
	if r.set, r.limit, err = s.limit(ctx, n, watch, doubt); err != nil {
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
		r.oldest = s.oldest(names)
		return r, nil
	}
}

// oldest returns the path of the lease that was granted first, or "".
func (s *Semaphore) oldest(names []string) string {
	if len(names) == 0 || s.cfg.Dialect == recipes.Kazoo {
		return ""
	}
	sequence := func(name string) string { return name[max(0, len(name)-10):] }
	return zk.Join(s.leases, slices.MinFunc(names, func(a, b string) int { return strings.Compare(sequence(a), sequence(b)) }))
}

// full returns err in a FullError for a request of n permits that gave up because of
// err.
func (r *room) full(n int, err error) error {
	return &FullError{Wanted: n, Held: r.held, Limit: r.set.limit, Err: err}
}

func (r *room) stop() {
	r.limit.Stop()
	r.leases.Stop()
}

// wait waits until there may be room, or until ctx or the ticket's context ends.
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
	if err := s.usable(ctx, "do"); err != nil {
		return err
	}
	if f == nil {
		return s.wrap(refused.AtOnce("do", s.dir, refused.ErrFunction))
	}
	p, err := s.Acquire(ctx, n)
	if err != nil {
		return err
	}
	return do(ctx, s.dir, p, p.g.Session().Timeout(), p.log.Late(), f)
}
