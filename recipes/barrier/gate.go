package barrier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Barrier is a gate, closed while its node exists. It may be used by many
// goroutines.
type Barrier struct {
	c    *zk.Client
	path string
	cfg  Config
	log  journal.Journal
}

// New returns the gate at path. It does no I/O; parents are created when Raise
// misses them. Without a client every method returns zk.ErrBadArguments.
func New(c *zk.Client, path string, cfg Config) *Barrier {
	cfg.Data, cfg.ACL = bytes.Clone(cfg.Data), slices.Clone(cfg.ACL)
	return &Barrier{c: c, path: path, cfg: cfg, log: journalOf(cfg.Logger, path)}
}

// Raise closes the gate; nil if it is closed already. It stays closed until
// Lower, by whomever, or with Config.Ephemeral until the client's session ends.
//
// It returns ErrRaised if the gate is closed by a node of the other kind, or of
// another session, since that opens it at another time. When a reply is lost it
// asks again; a Lower that came between is then undone. If ctx ends meanwhile,
// an error with OutcomeUnknown says that the gate may have been closed.
func (b *Barrier) Raise(ctx context.Context) error { return b.run(ctx, "raise", "raised", b.raise) }

func (b *Barrier) raise(ctx context.Context) error {
	mode := zk.Persistent
	if b.cfg.Ephemeral {
		mode = zk.Ephemeral
	}
	var again pace.Retries
	for {
		s, err := b.c.AwaitSession(ctx)
		if err != nil {
			return err
		}
		opts := options(b.cfg.ACL)
		if b.cfg.Ephemeral {
			opts = options(b.cfg.ACL, zk.InSession(s))
		}
		_, err = b.c.Create(ctx, b.path, b.cfg.Data, mode, opts...)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, zk.ErrNodeExists):
			if ok, err := b.raised(ctx, s); ok || err != nil {
				return err
			}
			// Lowered since: again.
		case errors.Is(err, zk.ErrNoNode):
			if err := recipes.EnsurePath(ctx, b.c, zk.Parent(b.path), b.cfg.ACL...); err != nil {
				return err
			}
		case ctx.Err() == nil && (openEnded(err) || errors.Is(err, zk.ErrSessionExpired)):
			// Again; in the next session if that one is over.
		default:
			return giveUp(ctx, err)
		}
		if again.Soon(ctx, s.Context()) != nil {
			return giveUp(ctx, err)
		}
	}
}

// raised reports whether the node that is there is as good as ours.
func (b *Barrier) raised(ctx context.Context, s *zk.Session) (bool, error) {
	stat, ok, err := b.c.Exists(ctx, b.path)
	var want int64 // the owner
	if b.cfg.Ephemeral {
		want = s.ID()
	}
	if err == nil && ok && stat.EphemeralOwner != want {
		err = fmt.Errorf("%w, of session %#x", ErrRaised, stat.EphemeralOwner)
	}
	return ok, err
}

// Lower opens the gate, whoever closed it; nil if it is open already. When a
// reply is lost it asks again, so that a Raise that came between is undone. If
// ctx ends meanwhile, an error with OutcomeUnknown says that the gate may have
// been opened.
func (b *Barrier) Lower(ctx context.Context) error { return b.run(ctx, "lower", "lowered", b.lower) }

func (b *Barrier) lower(ctx context.Context) error {
	return deleteSurely(ctx, b.c, b.path)
}

// Wait returns nil when the gate was open at some instant since the call. A
// Raise that had returned before the call is not missed, also when it was made
// by another client. It returns the cause of ctx when that ends, zk.ErrClosed,
// zk.ErrNoAuth or whatever else the server refuses with, and leaves no watch.
func (b *Barrier) Wait(ctx context.Context) error {
	defer b.log.Wait()()
	return b.run(ctx, "wait", "open", b.wait)
}

func (b *Barrier) wait(ctx context.Context) error {
	for {
		var open bool
		var w *zk.Watch
		err := caughtUp(ctx, b.c, b.path, func() (err error) {
			w.Stop() // of a look that did not count
			_, open, w, err = b.c.ExistsW(ctx, b.path)
			open = !open
			return err
		})
		if err != nil || open {
			w.Stop()
			return err
		}
		if err := over(ctx, w); err != nil {
			return err
		}
	}
}

// over waits for the end of a watch and takes it back if ctx ends first. nil
// says no more than that it is time to look again: the node changed, or the
// watch ended with its session or could not be restored.
func over(ctx context.Context, w *zk.Watch) error {
	defer w.Stop()
	_, err := w.Wait(ctx)
	if errors.Is(err, zk.ErrSessionExpired) || errors.Is(err, zk.ErrWatchLost) {
		return nil
	}
	return err
}

// run makes one of the calls, and logs what it has done.
func (b *Barrier) run(ctx context.Context, op, done string, call func(context.Context) error) error {
	err := refused.Client(b.c)
	if err != nil {
		err = refused.AtOnce(op, b.path, err)
	} else {
		err = call(ctx)
	}
	if err != nil {
		return fmt.Errorf("barrier: %s: %w", b.path, refused.Explain(err))
	}
	b.log.Logger.Debug("barrier: "+done, "dir", b.path)
	return nil
}

// caughtUp runs read when the client's server has caught up with the leader. A
// new session may begin on a server that lags, and would see a gate that is not
// closed yet, or members that have not come yet. So all must happen in one
// session; if that ends meanwhile, it begins again.
func caughtUp(ctx context.Context, c *zk.Client, path string, read func() error) error {
	for {
		s, err := c.AwaitSession(ctx)
		if err != nil {
			return err
		}
		if err := c.Sync(ctx, path); err != nil {
			return err
		}
		if err := read(); err != nil || s.Context().Err() == nil {
			return err
		}
	}
}

// deleteSurely deletes a node. It asks again while it is open what became of the
// request, which is harmless where a second delete may hit what came since.
func deleteSurely(ctx context.Context, c *zk.Client, path string) error {
	var again pace.Retries
	for {
		err := c.Delete(ctx, path, zk.AnyVersion)
		switch {
		case err == nil, errors.Is(err, zk.ErrNoNode):
			return nil
		case ctx.Err() == nil && (openEnded(err) || errors.Is(err, zk.ErrSessionExpired)):
		default:
			return giveUp(ctx, err)
		}
		if again.Soon(ctx, context.Background()) != nil {
			return giveUp(ctx, err)
		}
	}
}
