package mirror

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/observe"
	"github.com/zookit/zookit/zk"
)

// Why a copy is stale, beside the errors of the server.
var (
	// ErrLoading: the directory has not been read completely since Run began.
	ErrLoading = errors.New("not loaded yet")
	// ErrDisconnected: the connection was lost, and the directory has not been read
	// again completely.
	ErrDisconnected = errors.New("connection lost")
)

// Config says what Run mirrors. Root and Depth must be set.
type Config struct {
	Root     string
	Depth    int           // 1: the children of Root; 2: its grandchildren
	Parallel int           // number of concurrent reads; default 32
	Retry    time.Duration // pause before a failed read is retried; default 10 s
	Logger   *slog.Logger  // default: that of the client
	Recipe   string        // the first word of each log line; default "mirror"
}

// Entry is one node. If Err is set, the node exists and cannot be read. Stat is
// then set if the server shows it; servers since 3.8.4 and 3.9.2 do not without
// READ.
//
// A directory below Root has an Entry, without a Stat, only while it cannot be
// listed. The copy keeps its known children.
type Entry struct {
	Path string
	Data []byte
	Stat zk.Stat
	Err  error
}

// Status says whether the copy is up to date. Since is when the client noticed the
// gap, up to a third of the session timeout after the gap began.
type Status struct {
	Stale bool
	Since time.Time // of Stale
	Why   error     // of Stale
}

// Batch is a set of changes: first the entries that are gone, then those that are
// new or different. A node that was deleted and created again can be in both.
type Batch struct {
	Gone   []string
	Set    []Entry
	Zxid   int64 // of the newest change that the copy is known to contain
	Gap    bool  // the nodes in Gone were deleted during a gap, at an unknown time
	Status Status
}

// Run mirrors until ctx ends. It passes each change to apply, in order, on one
// goroutine. The first Batch whose Status is not stale completes the first load. An
// outage alone never puts a node into Gone. A Root that does not exist counts as
// empty, and Run waits for it to be created.
//
// Run returns the cause of ctx, zk.ErrClosed, or zk.ErrInvalidPath. Before it
// returns, it removes its watches and waits for its goroutines.
func Run(ctx context.Context, c *zk.Client, cfg Config, apply func(Batch)) error {
	if err := zk.ValidatePath(cfg.Root); err != nil {
		return err
	}
	cfg.Parallel = cmp.Or(cfg.Parallel, 32)
	cfg.Retry = cmp.Or(cfg.Retry, 10*time.Second)
	cfg.Logger = observe.Logger(c, cfg.Logger)
	cfg.Recipe = cmp.Or(cfg.Recipe, "mirror")
	m := &mirror{
		c: c, cfg: cfg, label: label.Of(cfg.Recipe, cfg.Root), log: lines.New(cfg.Logger, cfg.Recipe), hooks: observe.Of(c), apply: apply,
		id: lastID.Add(1), inbox: newInbox(), known: map[string]*node{}, failed: map[string]error{},
		status: Status{Stale: true, Since: time.Now(), Why: ErrLoading},
	}
	m.observed(false, ErrLoading)
	var why error
	defer func() { m.observed(true, why) }() // also if apply panics
	why = m.run(ctx)
	return why
}

// lastID is the number of the newest copy of this process.
var lastID atomic.Uint64

// observed calls the hooks with the status of the copy.
func (m *mirror) observed(ended bool, why error) {
	m.hooks.CacheChanged(recipes.CacheChanged{
		Recipe: m.cfg.Recipe, Path: m.cfg.Root, Copy: m.id, Stale: m.status.Stale, Ended: ended, Err: why,
	})
}

// mirror is owned by the goroutine of Run, except for inbox and shots.
type mirror struct {
	id    uint64 // for the hooks
	c     *zk.Client
	cfg   Config
	hooks *observe.Hooks
	apply func(Batch)

	known  map[string]*node
	failed map[string]error // why a path could not be read; retried periodically
	status Status           // as last reported
	zxid   int64

	label    label.Label // of the goroutines
	log      lines.Log
	troubles lines.Troubles // of rounds, and of reads of Root

	sub     *zk.Subscription // nil at first, after its loss, and with oneShot
	oneShot bool             // the server has no recursive watch

	inbox *inbox
	shots shots
	wg    sync.WaitGroup // all goroutines that Run starts
}

// node is what the copy knows of a node: the children of a directory, or the last
// reported version of a leaf.
type node struct {
	children     map[string]struct{} // their paths; nil if there is none
	listed       bool                // a directory that the server has listed
	czxid, mzxid int64
	reported     bool // its Entry was reported last, and not its absence
}

func (m *mirror) run(ctx context.Context) error {
	inner, stop := context.WithCancel(ctx)
	defer m.wg.Wait()
	defer m.shots.stop()
	defer m.unsubscribe()
	defer stop()
	m.wg.Go(func() {
		m.label.Set()
		for s := range m.c.States(inner) {
			m.inbox.state(s)
		}
	})
	retry := time.NewTimer(m.cfg.Retry)
	defer retry.Stop()
	for {
		select {
		case <-m.inbox.wake.C():
		case <-retry.C:
			// The paths of a failed round are in the inbox already.
			m.inbox.add(slices.Collect(maps.Keys(m.failed))...)
			retry.Reset(m.cfg.Retry)
		case <-ctx.Done():
			return ctxerr.Of(ctx)
		}
		if err := m.turn(ctx); err != nil {
			return err
		}
	}
}

// turn handles the work in the inbox and reports the result.
func (m *mirror) turn(ctx context.Context) error {
	work, roundCtx, end := m.inbox.take(ctx)
	defer end()
	switch {
	case work.closed:
		return zk.ErrClosed
	case work.lost:
		m.unsubscribe()
	}
	if work.all {
		m.outdated(work.since)
	}
	everything := work.all || work.crowded
	if work.offline || !everything && len(work.paths) == 0 {
		return nil
	}
	r := round{m: m, ctx: roundCtx}
	err := r.read(work.paths, everything)
	switch {
	case ctx.Err() != nil:
		return ctxerr.Of(ctx)
	case errors.Is(err, zk.ErrClosed):
		return zk.ErrClosed
	case err != nil && roundCtx.Err() != nil:
		// The gap has ended the round. The error may be that of a single read,
		// because its connection was lost, instead of errGap.
		m.inbox.giveBack(work)
		return nil
	case err != nil:
		// For example, the server has refused the credentials. The copy stays as it
		// is. The mirror retries at the next change, or after Retry.
		m.cannotRead(err)
		m.inbox.giveBack(work)
		m.report(Batch{Status: m.stale(err)})
		return nil
	}
	c := commit{m: m}
	c.take(&r)
	m.inbox.bound(len(m.known))
	status := m.status
	why := m.failed[m.cfg.Root]
	if why != nil {
		m.cannotRead(why)
		status = m.stale(why)
	} else {
		m.troubles.Over(m.log, lines.ReadsAgain, slog.String("path", m.cfg.Root))
	}
	if why == nil && !m.inbox.gapped() {
		status = Status{}
	}
	m.report(Batch{Gone: c.gone, Set: c.set, Gap: work.all, Status: status})
	return nil
}

// cannotRead logs why the copy cannot be brought up to date.
func (m *mirror) cannotRead(why error) {
	m.troubles.Failed(m.log, lines.CannotRead, lines.StillCannotRead, why, slog.String("path", m.cfg.Root))
}

// outdated reports a gap, unless the copy is stale already.
func (m *mirror) outdated(since time.Time) {
	if !m.status.Stale {
		m.report(Batch{Status: Status{Stale: true, Since: since, Why: ErrDisconnected}})
	}
}

// stale returns a stale Status with a reason. If the copy is stale already, Since
// stays.
func (m *mirror) stale(why error) Status {
	if m.status.Stale {
		return Status{Stale: true, Since: m.status.Since, Why: why}
	}
	return Status{Stale: true, Since: time.Now(), Why: why}
}

// report passes a batch to apply, unless it contains nothing new.
func (m *mirror) report(b Batch) {
	if len(b.Set) == 0 && len(b.Gone) == 0 && sameStatus(b.Status, m.status) {
		return
	}
	turned := b.Status.Stale != m.status.Stale
	m.status = b.Status
	b.Zxid = m.zxid
	m.apply(b)
	if turned {
		m.observed(false, b.Status.Why)
	}
}

func sameStatus(a, b Status) bool {
	return a.Stale == b.Stale && (a.Why == b.Why || a.Why != nil && b.Why != nil && a.Why.Error() == b.Why.Error())
}
