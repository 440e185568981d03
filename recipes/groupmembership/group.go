package groupmembership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/sentinel"
	"github.com/zookit/zookit/zk"
)

// Errors. The first two are causes of Membership.Context, beside
// zk.ErrSessionExpired, zk.ErrLeaseLapsed and zk.ErrClosed.
var (
	// ErrLeft: Leave was called. It wraps recipes.ErrReleased.
	ErrLeft = sentinel.In("left the group", recipes.ErrReleased)
	// ErrDeleted: the member's node was deleted. As the cause of a Context it may
	// be the end of the session too, of which the server can tell in this way
	// first. With Config.ReportDeleted it ends the membership.
	ErrDeleted = recipes.ErrDeleted
	// ErrIDTaken: another session's node is there under the id. The error is a
	// *recipes.TakenError, which names the node and its owner.
	ErrIDTaken = recipes.ErrIDTaken
)

// Config says how a member behaves. Every zero value is a good default.
type Config struct {
	// ACL is of members' nodes and of parents that are missing. A member must have
	// READ on its own node. Default: open to everybody.
	ACL []zk.ACL
	// WaitOut is how long another session's node under the id is given to go.
	// Default twice the session timeout, and at least 20 s.
	WaitOut time.Duration
	// ReportDeleted ends a membership with ErrDeleted when somebody deletes its
	// node. Default: it is created again.
	ReportDeleted bool
	// KeepParents leaves missing parents to somebody else. Default: they are
	// created, as containers, which the server removes after use.
	KeepParents bool
	// BackOff makes the policy for pauses between tries that failed. Default:
	// exponential, 100 ms to 10 s. A policy that ends goes on with the longest
	// pause that it has returned, or with 10 s.
	BackOff func() backoff.BackOff
	// RefusedPause is the time between tries after the server has refused one, for
	// instance with zk.ErrNoAuth. Default 30 s.
	RefusedPause time.Duration
	Logger       *slog.Logger // default: discard
}

// Group is the members of a directory. It may be used by many goroutines.
type Group struct {
	c      *zk.Client
	dir    string
	cfg    presence.Config
	keeper *presence.Keeper
}

// New returns the group in dir. It does no I/O. Use one Group for a directory and
// a client: it knows which ids are its own.
func New(c *zk.Client, dir string, cfg Config) *Group {
	return &Group{c: c, dir: dir, keeper: presence.NewKeeper(c), cfg: presence.Config{
		ACL: slices.Clone(cfg.ACL), WaitOut: cfg.WaitOut, ReportDeleted: cfg.ReportDeleted, KeepParents: cfg.KeepParents,
		BackOff: cfg.BackOff, RefusedPause: cfg.RefusedPause, Logger: cfg.Logger, Left: ErrLeft,
	}}
}

func (g *Group) wrap(err error) error { return fmt.Errorf("groupmembership: %s: %w", g.dir, err) }

// start begins to keep a member's node.
func (g *Group) start(ctx context.Context, id string, data []byte) (*presence.Node, error) {
	if id == "" || strings.Contains(id, "/") {
		return nil, g.wrap(fmt.Errorf("%w: member id %q is not one name", zk.ErrInvalidPath, id))
	}
	n, err := g.keeper.Start(ctx, zk.Join(g.dir, id), data, g.cfg)
	if err != nil {
		return nil, g.wrap(err)
	}
	return n, nil
}

// Join makes us a member under id, with data, and returns when the server has
// confirmed it. While another session's node is there under the id it waits, for
// Config.WaitOut at most, and then returns ErrIDTaken; at once if this Group has a
// member of that id. It returns at once when ctx ends, with its cause wrapped, or
// when the server refuses (zk.ErrNoAuth, zk.ErrQuotaExceeded, zk.ErrAuthFailed), and for
// zk.ErrInvalidPath, zk.ErrTooLarge and zk.ErrClosed.
//
// On an error we are no member, and no node is left; or, if the error wraps
// zk.ErrUnconfirmed too, what may be there is deleted in the background.
//
// The Membership is kept until Leave; ctx bounds the joining alone, and gives its
// values to Membership.Context.
func (g *Group) Join(ctx context.Context, id string, data []byte) (*Membership, error) {
	n, err := g.start(ctx, id, data)
	if err != nil {
		return nil, err
	}
	for s := range n.Statuses(ctx) {
		if s.State == presence.Registered {
			return &Membership{g: g, n: n, id: id}, nil
		}
		// Whatever the server refuses would be tried again, slowly. Here somebody
		// waits who can be told.
		if s.State == presence.Ended || refused.Waiter(s.Err) {
			err = s.Err
			break
		}
	}
	if err == nil {
		err = ctxerr.Of(ctx)
	}
	return nil, g.wrap(errors.Join(err, n.Leave(ctx)))
}

// Maintain keeps us a member under id until ctx ends: it joins, joins again after
// the loss of a session, and leaves. Everything that may mend is tried again, what
// the server refuses slowly and with a line in the log. While it runs, Find
// returns the Membership, for Update and States.
//
// It returns the cause of ctx when that has ended, and otherwise why there is
// nothing to maintain any more: ErrIDTaken, ErrDeleted with Config.ReportDeleted,
// zk.ErrNoAuth when Config.ACL does not let us read our own node, zk.ErrClosed, zk.ErrInvalidPath, zk.ErrTooLarge. If it could not confirm within
// a session timeout that our node is gone, the error wraps zk.ErrUnconfirmed too,
// and the node is deleted in the background.
func (g *Group) Maintain(ctx context.Context, id string, data []byte) error {
	n, err := g.start(ctx, id, data)
	if err != nil {
		return err
	}
	for s := range n.Statuses(ctx) {
		if s.State == presence.Ended {
			err = s.Err
		}
	}
	if err == nil {
		err = ctxerr.Of(ctx)
	}
	// Without ctx, which has ended: the others should not have to wait for the
	// session's end to see that we are gone.
	limit := 10 * time.Second
	if s := g.c.Session(); s != nil {
		limit = s.Timeout()
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return g.wrap(errors.Join(err, n.Leave(leaving)))
}

// Find returns the Membership under id that this Group joined or maintains; false
// if there is none, or it has ended. It may be about to join only.
func (g *Group) Find(id string) (*Membership, bool) {
	if n := g.keeper.Find(zk.Join(g.dir, id)); n != nil {
		return &Membership{g: g, n: n, id: id}, true
	}
	return nil, false
}
