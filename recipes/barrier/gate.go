package barrier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"

	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Barrier is a gate, closed while its node exists. It may be used by many
// goroutines.
type Barrier struct {
	c    *zk.Client
	path string
	cfg  Config
	log  journal.Journal
	bad  error // why it cannot be used
}

// New returns the gate at path. It does no I/O. Raise creates missing parents.
// Without a client every method returns zk.ErrBadArguments.
func New(c *zk.Client, path string, cfg Config) *Barrier {
	cfg.Data, cfg.ACL = bytes.Clone(cfg.Data), slices.Clone(cfg.ACL)
	return &Barrier{c: c, path: path, cfg: cfg, bad: refused.Client(c), log: journalOf(c, cfg.Logger, path).WithoutHooks()}
}

// Raise closes the gate. It returns nil if the gate is closed already. The gate stays
// closed until any client calls Lower, or with Config.Ephemeral until this client's
// session ends.
//
// It returns ErrRaised if the gate is closed by a node of the other kind (ephemeral
// or not) or of another session, because that node opens the gate at another time.
//
// If a reply is lost, Raise sends the request again, which undoes a Lower that came
// in between. If ctx ends before a reply, the error has OutcomeUnknown: the gate may
// have been closed.
func (b *Barrier) Raise(ctx context.Context) error { return b.run(ctx, "raise", lines.Raised, b.raise) }

func (b *Barrier) raise(ctx context.Context) error {
	doubt := pace.Doubt{Call: "raise"}
	return doubt.Of(b.raiseSurely(ctx, &doubt))
}

// raiseSurely creates the node, and notes each try in doubt.
func (b *Barrier) raiseSurely(ctx context.Context, doubt *pace.Doubt) error {
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
		doubt.Note(err)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, zk.ErrNodeExists):
			if ok, err := b.raised(ctx, s); ok || err != nil {
				return err
			}
			// The gate has been lowered since the create. Retry.
		case errors.Is(err, zk.ErrNoNode):
			if err := recipes.EnsurePath(ctx, b.c, zk.Parent(b.path), b.cfg.ACL...); err != nil {
				return err
			}
		case ctx.Err() == nil && (openEnded(err) || errors.Is(err, zk.ErrSessionExpired)):
			// Retry, in the next session if this one is over.
		default:
			return giveUp(ctx, err)
		}
		if again.Soon(ctx, s.Context()) != nil {
			return giveUp(ctx, err)
		}
	}
}

// raised reports whether a node closes the gate. It returns ErrRaised if that is not
// a node as we would create it.
func (b *Barrier) raised(ctx context.Context, s *zk.Session) (bool, error) {
	stat, ok, err := b.c.Exists(ctx, b.path)
	var want int64 // the owner
	if b.cfg.Ephemeral {
		want = s.ID()
	}
	if err == nil && ok && stat.EphemeralOwner != want {
		err = raisedBy(stat.EphemeralOwner)
	}
	return ok, err
}

// raisedBy returns ErrRaised for a node with that owner.
func raisedBy(owner int64) error {
	if owner == 0 || owner == math.MinInt64 { // MinInt64: a container
		return fmt.Errorf("%w: it is not ephemeral, and stays until somebody calls Lower", ErrRaised)
	}
	return fmt.Errorf("%w: it belongs to session 0x%x, and goes with that", ErrRaised, uint64(owner))
}

// Lower opens the gate, even if another client has closed it. It returns nil if the
// gate is open already. If a reply is lost, Lower sends the request again, which
// undoes a Raise that came in between. If ctx ends before a reply, the error has
// OutcomeUnknown: the gate may have been opened.
func (b *Barrier) Lower(ctx context.Context) error {
	return b.run(ctx, "lower", lines.Lowered, b.lower)
}

func (b *Barrier) lower(ctx context.Context) error {
	return deleteSurely(ctx, b.c, b.path)
}

// Wait returns nil when the gate was open at some moment since the call. It does not
// miss a Raise that had returned before the call, even one of another client. It
// returns the cause of ctx when ctx ends, and zk.ErrClosed, zk.ErrNoAuth or another
// refusal of the server. It leaves no watch behind.
func (b *Barrier) Wait(ctx context.Context) error {
	return b.run(ctx, "wait", lines.Open, func(ctx context.Context) error {
		wait := b.log.Wait(ctx)
		err := b.wait(ctx)
		wait.Over(err)
		return err
	})
}

func (b *Barrier) wait(ctx context.Context) error {
	for {
		var open bool
		var w *zk.Watch
		err := caughtUp(ctx, b.c, b.path, func() (err error) {
			w.Stop() // from the last read, whose session was over
			_, open, w, err = b.c.ExistsW(ctx, b.path)
			open = !open
			return err
		})
		if err != nil || open {
			w.Stop()
			return err
		}
		if err := notice.Await(ctx, w); err != nil {
			return err
		}
	}
}

// run runs call, and logs done if it succeeds.
func (b *Barrier) run(ctx context.Context, op string, done lines.Line, call func(context.Context) error) error {
	err := refused.Unusable(ctx, b.c, b.bad, "barrier.New")
	if err != nil {
		err = refused.AtOnce(op, b.path, err)
	} else {
		err = call(ctx)
	}
	if err != nil {
		return show.Error("barrier", b.path, refused.Explain(err))
	}
	b.log.Line(slog.LevelDebug, done, slog.String("dir", b.path))
	return nil
}

// caughtUp runs read after a sync, so that the client's server has caught up with
// the leader. Both must happen in one session: a new session may begin on a server
// that lags behind, which shows a gate before it was closed, or a directory before
// members joined. So if the session ends before read is done, caughtUp starts again.
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

// deleteSurely deletes a node. It retries while it is not known whether the delete
// happened. Only a caller for which it does no harm if the second delete hits a newer
// node may use it.
func deleteSurely(ctx context.Context, c *zk.Client, path string) error {
	doubt := pace.Doubt{Call: "lower"}
	var again pace.Retries
	for {
		err := c.Delete(ctx, path, zk.AnyVersion)
		doubt.Note(err)
		switch {
		case err == nil, errors.Is(err, zk.ErrNoNode):
			return nil
		case ctx.Err() == nil && (openEnded(err) || errors.Is(err, zk.ErrSessionExpired)):
		default:
			return doubt.Of(giveUp(ctx, err))
		}
		if again.Soon(ctx, context.Background()) != nil {
			return doubt.Of(giveUp(ctx, err))
		}
	}
}
