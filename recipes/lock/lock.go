package lock

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/sentinel"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Errors. The first two are causes of the Context of Held, Permits and MultiHeld,
// beside zk.ErrSessionExpired, zk.ErrLeaseLapsed and zk.ErrClosed. What is equal
// to an error of package recipes says the same of the holds of all recipes.
var (
	// ErrReleased: Release was called.
	ErrReleased = recipes.ErrReleased
	// ErrDeleted: somebody deleted the holder's node.
	ErrDeleted = recipes.ErrDeleted
	// ErrHeld: TryAcquire found another contender ahead.
	ErrHeld = recipes.ErrHeld
	// ErrNotHeld: a multi with Held.Check came after the lock was lost.
	ErrNotHeld = recipes.ErrNotHeld
	// ErrLost: the lock was lost before the function given to Do had returned. It
	// wraps recipes.ErrLost.
	ErrLost = sentinel.In("lock was lost", recipes.ErrLost)
	// ErrForeign: a contender that would not see ours is in the directory. The
	// error names its node.
	ErrForeign = recipes.ErrForeign
	// ErrSequenceExhausted: the directory has counted to the end of its numbers
	// and must be deleted and made anew. The error names it.
	ErrSequenceExhausted = recipes.ErrSequenceExhausted
)

// Config says how contenders look. Every zero value is a good default.
type Config struct {
	Dialect recipes.Dialect // whose names to use; default Curator's
	Data    []byte          // what the contender's node holds, for whoever looks
	ACL     []zk.ACL        // of the nodes and of parents that are missing: all contenders need READ; default open to everybody
	// Logger gets a line when an Acquire has waited for a second (at Info), when the
	// lock or the permits are granted and when they are released (at Debug), and when
	// they are lost, with the reason (at Warn). The locks of a Multi log for
	// themselves. Default: discard.
	Logger *slog.Logger
}

// journal returns what logs the holds of a directory.
func (c Config) journal(recipe, dir string) journal.Journal {
	logger := c.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return journal.Journal{
		Logger: logger, Recipe: recipe, Dir: dir, Words: journal.Words{Granted: "granted", Released: "released"},
	}
}

// Lock is a mutex in a directory of its own. It may be used by many goroutines;
// each Acquire contends for itself.
type Lock struct {
	c     *zk.Client
	dir   string
	kind  contend.Kind
	queue *contend.Queue
	log   journal.Journal
	bad   error // why it cannot be used
}

// New returns the lock in dir. It does no I/O; dir and its parents are created
// when they are missed, as containers that the server removes after use. Without a
// client, or with a Dialect that there is not, every method returns
// zk.ErrBadArguments. So it is with all constructors of this package.
func New(c *zk.Client, dir string, cfg Config) *Lock {
	return newLock(c, dir, contend.Lock, cfg)
}

func newLock(c *zk.Client, dir string, kind contend.Kind, cfg Config) *Lock {
	return &Lock{
		c: c, dir: dir, kind: kind, bad: unusable(c, cfg), log: cfg.journal("lock", dir),
		queue: contend.New(c, dir, kind, cfg.Dialect, cfg.Data, cfg.ACL),
	}
}

// unusable returns why nothing can be done with a client and a Config.
func unusable(c *zk.Client, cfg Config) error {
	if err := refused.Client(c); err != nil {
		return err
	}
	return cfg.Dialect.Validate()
}

// wrap names the directory in an error, and the right that is missing if there is one.
func wrap(dir string, err error) error { return fmt.Errorf("lock: %s: %w", dir, refused.Explain(err)) }

// usable returns an error if l can only be refused: it has no client, or a dialect
// that there is not.
func (l *Lock) usable(op string) error {
	if l.bad == nil {
		return nil
	}
	return fmt.Errorf("lock: %s: %w", l.dir, refused.AtOnce(op, l.dir, l.bad))
}

// Acquire waits until the lock is ours. It returns at once when ctx ends, in
// every state of the connection, with ctx's cause wrapped. On any error the
// contender's node is deleted, now or in the background. If it was in the queue
// when ctx ended, the error holds a *recipes.WaitError, which says who was ahead as
// far as was known.
//
// It returns ErrForeign, ErrSequenceExhausted, zk.ErrNoAuth, zk.ErrClosed or
// whatever else the server refuses with.
func (l *Lock) Acquire(ctx context.Context) (*Held, error) {
	return l.acquire(ctx, l.queue.Acquire)
}

// TryAcquire is Acquire that does not wait for others: it returns ErrHeld if a
// contender is ahead, in a *recipes.WaitError that says who.
func (l *Lock) TryAcquire(ctx context.Context) (*Held, error) {
	return l.acquire(ctx, l.queue.TryAcquire)
}

func (l *Lock) acquire(ctx context.Context, get func(context.Context) (*contend.Grant, error)) (*Held, error) {
	if err := l.usable("acquire"); err != nil {
		return nil, err
	}
	if l.kind == contend.Write && l.queue.SharedUnder(ctx) {
		return nil, fmt.Errorf("lock: %s: %w", l.dir, refused.AtOnce("acquire", l.dir, ErrUpgrade))
	}
	done := l.log.Wait()
	g, err := get(ctx)
	done()
	if err != nil {
		return nil, wrap(l.dir, err)
	}
	return &Held{g: g, log: l.log.Grant(g.Context(), "node", g.Path(), "token", g.Token())}, nil
}

// Do acquires the lock, runs f and releases the lock. f's context ends with
// ctx, and with the lock. What f returns is returned; ErrLost is joined to it if
// the lock was lost before f had returned, and so is an error of the release. If f
// panics, Do releases the lock and the panic continues. A nil f is refused before
// anything is acquired.
func (l *Lock) Do(ctx context.Context, f func(ctx context.Context, h *Held) error) error {
	if f == nil {
		return fmt.Errorf("lock: %s: %w", l.dir, refused.AtOnce("do", l.dir, refused.ErrFunction))
	}
	h, err := l.Acquire(ctx)
	if err != nil {
		return err
	}
	return do(ctx, l.dir, h, h.g.Session().Timeout(), f)
}

// Contender is one who holds the lock or waits for it: its node, data, session,
// token, and since when it contends.
type Contender struct {
	recipes.Contender
	Holder  bool // nobody is ahead for whom it waits
	Shared  bool // a reader
	Revoked bool // was asked to let go; its data is lost with that
}

// Contenders returns who is in the queue, in its order, as the client's server
// sees it. The first holds the lock, or is about to; of a read-write lock all
// readers before the first writer. One whose node may not be read has its Err.
func (l *Lock) Contenders(ctx context.Context) ([]Contender, error) {
	if err := l.usable("contenders"); err != nil {
		return nil, err
	}
	list, err := l.queue.Contenders(ctx)
	if err != nil {
		return nil, wrap(l.dir, err)
	}
	out := make([]Contender, len(list))
	readers := true // so far
	for i, c := range list {
		shared := contend.IsShared(c.Path)
		readers = readers && shared
		out[i] = Contender{Contender: c, Holder: i == 0 || readers, Shared: shared, Revoked: contend.IsRevoked(c)}
	}
	return out, nil
}

// Held is the lock while it is held. Its methods may be called by many
// goroutines.
type Held struct {
	g   *contend.Grant
	log *journal.Hold
}

// Context ends when the lock may be lost, before anybody else can have it. Its
// cause is ErrReleased, ErrDeleted, zk.ErrSessionExpired, zk.ErrLeaseLapsed or
// zk.ErrClosed. It has the values of Acquire's context, not its deadline.
//
// It may be given to the Acquire of another lock, and this one released then, any
// number of times: no chain of contexts is kept. A context that is derived from it
// is kept for as long as the other lock is held.
func (h *Held) Context() context.Context { return h.g.Context() }

// Token is the fencing token: it is higher than that of every holder before, and
// comparable within one ensemble's data.
func (h *Held) Token() int64 { return h.g.Token() }

// Path is the holder's node.
func (h *Held) Path() string { return h.g.Path() }

// Check is an op for Multi of the same client: with it the other ops are done
// only if the lock is still held, and else the Multi fails with ErrNotHeld.
func (h *Held) Check() zk.Op { return h.g.Check() }

// Release ends the context and then gives the lock to the next. It is
// idempotent, and deletes nothing but the holder's own node. nil says that the
// node is gone for certain. When ctx ends before that is known, the deleting
// goes on in the background, and the error has OutcomeUnknown and wraps
// zk.ErrUnconfirmed.
func (h *Held) Release(ctx context.Context) error {
	err := h.g.Release(ctx)
	h.log.Ended()
	return err
}

// String shows the node, the token and whether the lock is held.
func (h *Held) String() string {
	return show.Hold(h.Context(), h.Path(), "token", h.Token(), "held")
}
