package lock

import (
	"context"
	"log/slog"

	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/sentinel"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Errors. The first three are causes of the Context of Held, Permits and MultiHeld, as
// are zk.ErrSessionExpired, zk.ErrLeaseLapsed and zk.ErrClosed. An error that is equal
// to one of package recipes means the same for the holds of all recipes.
var (
	// ErrReleased: Release was called.
	ErrReleased = recipes.ErrReleased
	// ErrDetached: Detach was called. It wraps ErrReleased.
	ErrDetached = recipes.ErrDetached
	// ErrDeleted: somebody deleted the holder's node.
	ErrDeleted = recipes.ErrDeleted
	// ErrHeld: TryAcquire found another contender ahead.
	ErrHeld = recipes.ErrHeld
	// ErrNotHeld: a multi with Held.Check came after the lock was lost.
	ErrNotHeld = recipes.ErrNotHeld
	// ErrLost: the lock was lost before the function given to Do had returned. It
	// wraps recipes.ErrLost.
	ErrLost = sentinel.In("lock was lost", recipes.ErrLost)
	// ErrForeign: the directory has a contender that would not see our node. The error
	// names the contender's node.
	ErrForeign = recipes.ErrForeign
	// ErrSequenceExhausted: the directory's counter of sequential nodes is at its end.
	// The directory must be deleted and created again. The error names it.
	ErrSequenceExhausted = recipes.ErrSequenceExhausted
)

// Config says how contender nodes look. Every zero value is a good default.
type Config struct {
	Dialect recipes.Dialect // the form of the nodes' names; default Curator's
	Data    []byte          // the data of the contender's node, for people and programs that look; waiters log that of the holder

	// ACL is that of the nodes, and of parents that are missing. All contenders need
	// READ. The default is open to everybody.
	ACL []zk.ACL

	// Logger gets a line
	//
	//   - when an Acquire has waited for three seconds (at Info): behind whom, and how
	//     many are ahead;
	//   - when the lock or the permits are granted or released (at Debug; a grant after a
	//     wait of three seconds at Info);
	//   - when they are lost, with the reason (at Warn);
	//   - when the function of a Do goes on for three seconds after that (at Warn), and
	//     when it has returned then (at Info).
	//
	// Each lock of a Multi logs to its own Logger. Default: that of the client.
	// docs/logs.md lists each line.
	Logger *slog.Logger
}

// journal returns the journal of the holds in a directory.
func (c Config) journal(client *zk.Client, recipe, dir string) journal.Journal {
	return journal.New(client, c.Logger, recipe, dir, journal.Words{Granted: lines.Granted, Released: lines.Released})
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

	memory memory
}

// New returns the lock in dir. It does no I/O. If dir or a parent is missing later,
// Acquire creates it as a container, which the server removes after use.
//
// Without a client, or with an unknown Dialect, every method returns
// zk.ErrBadArguments. So does every method that gets something with a nil context. The
// same holds for all constructors of this package.
func New(c *zk.Client, dir string, cfg Config) *Lock {
	return newLock(c, dir, contend.Lock, cfg)
}

func newLock(c *zk.Client, dir string, kind contend.Kind, cfg Config) *Lock {
	l := &Lock{c: c, dir: dir, kind: kind, bad: unusable(c, cfg), log: cfg.journal(c, "lock", dir)}
	l.queue = contend.New(c, dir, kind, cfg.Dialect, cfg.Data, cfg.ACL).Telling(&l.memory).Labelled(label.Of("lock", dir))
	return l
}

// unusable returns an error if the client or the Config cannot be used.
func unusable(c *zk.Client, cfg Config) error {
	if err := refused.Client(c); err != nil {
		return err
	}
	return cfg.Dialect.Validate()
}

// wrap adds the directory to an error, and the missing right if there is one.
func wrap(dir string, err error) error { return show.Error("lock", dir, refused.Explain(err)) }

// usable returns an error if a call of l cannot begin: l was not made by New or
// NewReadWrite, it has no client or an unknown dialect, or ctx is nil.
func (l *Lock) usable(ctx context.Context, op string) error {
	if l == nil { // of a zero ReadWrite
		l = &Lock{}
	}
	if err := refused.Unusable(ctx, l.c, l.bad, "lock.New or NewReadWrite"); err != nil {
		return wrap(l.dir, refused.AtOnce(op, l.dir, err))
	}
	return nil
}

// Acquire waits until the lock is granted. When ctx ends, it returns at once, in
// every state of the connection, with an error that wraps the cause of ctx. If the
// contender was in the queue by then, the error is a *recipes.WaitError: it names
// the contenders ahead, as far as they were known.
//
// It also returns ErrForeign, ErrSequenceExhausted, zk.ErrNoAuth, zk.ErrClosed or
// another refusal of the server. It returns zk.ErrLeaseLapsed if replies take too long
// for a lease, and zk.ErrBadArguments if zk.Config.TouchDelay leaves no lease (see
// zk.Session.Guard). On any error the contender's node is deleted, now or in the
// background. If the node may still be there, the error has OutcomeUnknown.
func (l *Lock) Acquire(ctx context.Context) (*Held, error) {
	return l.acquire(ctx, (*contend.Queue).Acquire)
}

// TryAcquire is Acquire that does not wait for others. If a contender is ahead, it
// returns ErrHeld in a *recipes.WaitError that names the contender.
func (l *Lock) TryAcquire(ctx context.Context) (*Held, error) {
	return l.acquire(ctx, (*contend.Queue).TryAcquire)
}

func (l *Lock) acquire(ctx context.Context, get func(*contend.Queue, context.Context) (*contend.Grant, error)) (*Held, error) {
	if err := l.usable(ctx, "acquire"); err != nil {
		return nil, err
	}
	if l.kind == contend.Write && l.queue.SharedUnder(ctx) {
		return nil, wrap(l.dir, refused.AtOnce("acquire", l.dir, ErrUpgrade))
	}
	defer l.memory.over(l.memory.begins())
	wait := l.log.Wait(ctx)
	g, err := get(l.queue.Logging(wait), ctx)
	wait.Over(err)
	if err != nil {
		return nil, wrap(l.dir, err)
	}
	h := &Held{g: g, log: l.log.Grant(g.Context(), wait, journal.Grant{Session: g.Session(), Node: g.Path(), Token: g.Token()})}
	l.memory.keep(h)
	return h, nil
}

// Do acquires the lock, runs f and releases the lock. The context of f ends with
// ctx, and with the lock.
//
// Do returns the error of f. It joins ErrLost to it if the lock was lost before f
// had returned, and an error of the release. If f panics, Do releases the lock and
// the panic continues. If f is nil, Do returns an error and does not acquire.
func (l *Lock) Do(ctx context.Context, f func(ctx context.Context, h *Held) error) error {
	if err := l.usable(ctx, "do"); err != nil {
		return err
	}
	if f == nil {
		return wrap(l.dir, refused.AtOnce("do", l.dir, refused.ErrFunction))
	}
	h, err := l.Acquire(ctx)
	if err != nil {
		return err
	}
	return do(ctx, l.dir, h, h.g.Session().Timeout(), h.log.Late(), f)
}

// Contender is a holder of the lock or a waiter: its node, data, session, token, and
// the time when it joined.
type Contender struct {
	recipes.Contender
	Holder  bool // no contender is ahead that it waits for
	Shared  bool // it is a reader
	Revoked bool // it was asked to release; the request has replaced its data
}

// Contenders returns the contenders in the order of the queue, as the client's
// server sees it. The first holds the lock, or is about to. In a read-write lock all
// readers before the first writer do. A contender whose node may not be read has its
// Err.
func (l *Lock) Contenders(ctx context.Context) ([]Contender, error) {
	if err := l.usable(ctx, "contenders"); err != nil {
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

// Context ends when the lock may be lost, before another contender can get it. Its
// cause is ErrReleased, ErrDetached, ErrDeleted, zk.ErrSessionExpired,
// zk.ErrLeaseLapsed or zk.ErrClosed. It has the values of Acquire's context, but not its deadline.
//
// A program may pass it to the Acquire of another lock and then release this one,
// any number of times, and no chain of contexts stays in memory. A context that is
// derived from it stays in memory as long as the other lock is held.
func (h *Held) Context() context.Context { return h.g.Context() }

// Token is the fencing token. It is higher than the token of every holder before.
// Tokens of one ensemble can be compared.
func (h *Held) Token() int64 { return h.g.Token() }

// Path is the path of the holder's node.
func (h *Held) Path() string { return h.g.Path() }

// Check returns an op for Multi of the same client. The Multi then does its other
// ops only if the lock is still held, and otherwise fails with ErrNotHeld. After Detach
// it always fails. An op that Check returned before Detach says only that the node is
// there: finish what uses it first.
func (h *Held) Check() zk.Op { return h.g.Check() }

// Release ends the Context and then deletes the holder's node, so that the next
// contender gets the lock. It is idempotent, and deletes no other node.
//
// If it returns nil, the node is known to be gone. If ctx ends before that is known,
// the client goes on to delete the node in the background. The error then has
// OutcomeUnknown and wraps zk.ErrUnconfirmed.
func (h *Held) Release(ctx context.Context) error {
	err := h.g.Release(ctx)
	h.log.Ended()
	return err
}

// String shows the node, the token and whether the lock is held.
func (h *Held) String() string {
	return show.Hold(h.Context(), h.Path(), "token", h.Token(), "held")
}
