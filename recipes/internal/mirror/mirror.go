package mirror

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/zk"
)

// Why a copy is stale, beside errors of the server.
var (
	// ErrLoading: it has not been read completely since Run began.
	ErrLoading = errors.New("not loaded yet")
	// ErrDisconnected: the connection was lost, and what is there has not been
	// read again since.
	ErrDisconnected = errors.New("connection lost")
)

// Config says what is mirrored. Root and Depth must be set.
type Config struct {
	Root     string
	Depth    int           // 1: the children of Root; 2: its grandchildren
	Parallel int           // reads that are made at the same time; default 32
	Retry    time.Duration // after which what could not be read is tried again; default 10 s
	Logger   *slog.Logger  // default: discard
}

// Entry is one node. With Err it is there and cannot be read. Its Stat is there if
// the server shows it: not since 3.8.4 and 3.9.2, where it needs READ. A
// directory below Root has an Entry, with no Stat, only while it cannot be listed;
// what was known of its children stays.
type Entry struct {
	Path string
	Data []byte
	Stat zk.Stat
	Err  error
}

// Status says whether the copy is kept up to date. Since is when that was
// noticed, which is up to a third of the session timeout after the fact.
type Status struct {
	Stale bool
	Since time.Time // of Stale
	Why   error     // of Stale
}

// Batch is what has changed: entries that are gone, and then those that are new
// or different. A node that was made again can be in both.
type Batch struct {
	Gone   []string
	Set    []Entry
	Zxid   int64 // of the newest change that the copy is known to contain
	Gap    bool  // what is Gone went while nobody could see when, and why
	Status Status
}

// Run mirrors until ctx ends, and hands each change to apply, from one
// goroutine, in order. The first Batch whose Status is not stale completes the
// first load. No outage makes a node Gone. A Root that does not exist is an
// empty one, and is waited for.
//
// It returns the cause of ctx, zk.ErrClosed, or zk.ErrInvalidPath. Everything
// that it has started has ended then, and its watches are removed.
func Run(ctx context.Context, c *zk.Client, cfg Config, apply func(Batch)) error {
	if err := zk.ValidatePath(cfg.Root); err != nil {
		return err
	}
	cfg.Parallel = cmp.Or(cfg.Parallel, 32)
	cfg.Retry = cmp.Or(cfg.Retry, 10*time.Second)
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	m := &mirror{
		c: c, cfg: cfg, apply: apply, known: map[string]*node{}, failed: map[string]error{},
		inbox:  newInbox(),
		status: Status{Stale: true, Since: time.Now(), Why: ErrLoading},
	}
	return m.run(ctx)
}

// mirror belongs to the goroutine of Run, but for inbox and shots.
type mirror struct {
	c     *zk.Client
	cfg   Config
	apply func(Batch)

	known  map[string]*node
	failed map[string]error // what could not be read; tried again from time to time
	status Status           // as last told
	zxid   int64

	sub     *zk.Subscription // nil before, when it was lost, and with oneShot
	oneShot bool             // the server has no recursive watch

	inbox *inbox
	shots shots
	wg    sync.WaitGroup // joins all that Run starts
}

// node is what the copy knows of a node: of a directory its children, of a leaf
// which incarnation and change of it was last told.
type node struct {
	children     map[string]struct{} // their paths; nil if there is none
	listed       bool                // of a directory: the server has listed it
	czxid, mzxid int64
	reported     bool // an Entry is out
}

func (m *mirror) run(ctx context.Context) error {
	inner, stop := context.WithCancel(ctx)
	defer m.wg.Wait()
	defer m.shots.stop()
	defer m.unsubscribe()
	defer stop()
	m.wg.Go(func() {
		for s := range m.c.States(inner) {
			m.inbox.state(s)
		}
	})
	retry := time.NewTimer(m.cfg.Retry)
	defer retry.Stop()
	for {
		select {
		case <-m.inbox.wake:
		case <-retry.C:
			// What failed as a whole waits in the inbox.
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

// turn does what the inbox asks for, and tells what came of it.
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
		// The gap has ended the round. A read can say so by its own words: that
		// its connection was lost, when ctx ended before it could be repeated.
		m.inbox.giveBack(work)
		return nil
	case err != nil:
		// Such as a refused credential: what is known stays, and it is tried
		// again with the next change or after Retry.
		m.cfg.Logger.Warn("mirror: cannot read", "root", m.cfg.Root, "err", err)
		m.inbox.giveBack(work)
		m.report(Batch{Status: m.stale(err)})
		return nil
	}
	c := commit{m: m}
	c.take(&r)
	m.inbox.bound(len(m.known))
	status := m.status
	if why := m.failed[m.cfg.Root]; why != nil {
		status = m.stale(why)
	} else if !m.inbox.gapped() {
		status = Status{}
	}
	m.report(Batch{Gone: c.gone, Set: c.set, Gap: work.all, Status: status})
	return nil
}

// outdated tells that there is a gap, unless the copy is stale already.
func (m *mirror) outdated(since time.Time) {
	if !m.status.Stale {
		m.report(Batch{Status: Status{Stale: true, Since: since, Why: ErrDisconnected}})
	}
}

// stale is the status for a reason: since now, if the copy is not stale yet.
func (m *mirror) stale(why error) Status {
	if m.status.Stale {
		return Status{Stale: true, Since: m.status.Since, Why: why}
	}
	return Status{Stale: true, Since: time.Now(), Why: why}
}

// report hands a batch over, unless there is nothing new in it.
func (m *mirror) report(b Batch) {
	if len(b.Set) == 0 && len(b.Gone) == 0 && sameStatus(b.Status, m.status) {
		return
	}
	m.status = b.Status
	b.Zxid = m.zxid
	m.apply(b)
}

func sameStatus(a, b Status) bool {
	return a.Stale == b.Stale && (a.Why == b.Why || a.Why != nil && b.Why != nil && a.Why.Error() == b.Why.Error())
}
