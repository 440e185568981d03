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
	"github.com/zookit/zookit/recipes/internal/observe"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/sentinel"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Errors. The first two are causes of Membership.Context, as are
// zk.ErrSessionExpired, zk.ErrLeaseLapsed and zk.ErrClosed.
var (
	// ErrLeft: Leave was called. It wraps recipes.ErrReleased.
	ErrLeft = sentinel.In("left the group", recipes.ErrReleased)
	// ErrDeleted: the member's node was deleted. As the cause of a Context it can
	// also mean that the session has ended, because the server may report the
	// deletion first. With Config.ReportDeleted it ends the membership.
	ErrDeleted = recipes.ErrDeleted
	// ErrIDTaken: another session owns the node under the id. The error is a
	// *recipes.TakenError, which names the node and its owner.
	ErrIDTaken = recipes.ErrIDTaken
)

// Config says how a member behaves. Every zero value is a good default.
type Config struct {
	// ACL is the ACL of members' nodes and of parents that Join creates. A member
	// must have READ on its own node. Default: open to everyone.
	ACL []zk.ACL
	// WaitOut is how long Join waits for another session's node under the id to be
	// deleted. Default: twice the session timeout, and at least 20 s.
	WaitOut time.Duration
	// ReportDeleted ends a membership with ErrDeleted when someone deletes its
	// node. Default: the node is created again.
	ReportDeleted bool
	// KeepParents says that the caller creates the parents. Default: missing
	// parents are created as containers, which the server removes after use.
	KeepParents bool
	// BackOff makes the policy for pauses after failed tries. Default: exponential,
	// 100 ms to 10 s. When a policy ends, the longest pause that it returned is
	// used from then on, or 10 s if it returned none.
	BackOff func() backoff.BackOff
	// RefusedPause is the pause after the server has refused a try, for example
	// with zk.ErrNoAuth. Default: 30 s.
	RefusedPause time.Duration
	Logger       *slog.Logger // default: that of the client
}

// Group is the group of members in one directory. Many goroutines may use it.
type Group struct {
	c      *zk.Client
	dir    string
	cfg    presence.Config
	keeper *presence.Keeper
	bad    error // why it cannot be used
}

// New returns the group in dir. It does no I/O. Use one Group for each directory
// and client, because a Group knows which ids it has joined itself. Without a
// client, every method returns zk.ErrBadArguments.
func New(c *zk.Client, dir string, cfg Config) *Group {
	return &Group{c: c, dir: dir, bad: refused.Client(c), keeper: presence.NewKeeper(c), cfg: presence.Config{
		ACL: slices.Clone(cfg.ACL), WaitOut: cfg.WaitOut, ReportDeleted: cfg.ReportDeleted, KeepParents: cfg.KeepParents,
		BackOff: cfg.BackOff, RefusedPause: cfg.RefusedPause, Left: ErrLeft,
		Logger: observe.Logger(c, cfg.Logger), Hooks: observe.Of(c), Recipe: "groupmembership",
	}}
}

func (g *Group) wrap(err error) error {
	return show.Error("groupmembership", g.dir, refused.Explain(err))
}

// usable returns an error if a call of g cannot begin: g was not made by New, it has no
// client, or ctx is nil.
func (g *Group) usable(ctx context.Context, op string) error {
	if err := refused.Unusable(ctx, g.c, g.bad, "groupmembership.New"); err != nil {
		return g.wrap(refused.AtOnce(op, g.dir, err))
	}
	return nil
}

// start begins to keep the node of a member.
func (g *Group) start(ctx context.Context, id string, data []byte) (*presence.Node, error) {
	if err := g.usable(ctx, "join"); err != nil {
		return nil, err
	}
	if id == "" || strings.Contains(id, "/") {
		return nil, g.wrap(fmt.Errorf("%w: member id %q must be one path segment, without a slash", zk.ErrInvalidPath, id))
	}
	n, err := g.keeper.Start(ctx, zk.Join(g.dir, id), data, g.cfg)
	if err != nil {
		return nil, g.wrap(err)
	}
	return n, nil
}

// Join joins the group under id, with data, and returns when the server has
// confirmed it.
//
// While another session's node is there under the id, Join waits, up to
// Config.WaitOut, and then returns ErrIDTaken. If this Group already has a member
// with that id, Join returns ErrIDTaken at once. It also returns at once when ctx
// ends, with its cause wrapped; when the server refuses (zk.ErrNoAuth,
// zk.ErrQuotaExceeded, zk.ErrAuthFailed); if zk.Config.TouchDelay leaves no lease
// (zk.ErrBadArguments); and for zk.ErrInvalidPath, zk.ErrTooLarge and zk.ErrClosed. While
// replies take too long for a lease, Join waits.
//
// After an error the caller is no member, and no node is left. If the error wraps
// zk.ErrUnconfirmed, a node may still be there, and the client deletes it in the
// background.
//
// The membership lasts until Leave. ctx limits only the joining, and gives its
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
		// The Node would retry a refusal slowly. The caller of Join is waiting, so
		// report the refusal.
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

// Maintain keeps a member under id until ctx ends. It joins, joins again after the
// loss of a session, and leaves. It retries every error that can pass. After a
// refusal by the server it writes a log line and retries slowly. While Maintain
// runs, Find returns the Membership, for Update and States.
//
// When ctx ends, Maintain returns its cause. Otherwise it returns why the
// membership has ended:
//
//   - ErrIDTaken
//   - ErrDeleted, with Config.ReportDeleted
//   - zk.ErrNoAuth, when Config.ACL does not let the member read its own node
//   - zk.ErrClosed, zk.ErrInvalidPath or zk.ErrTooLarge
//
// If Maintain cannot confirm within a session timeout that the node is deleted, the
// error also wraps zk.ErrUnconfirmed, and the client deletes the node in the
// background.
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
	// Do not use ctx, which has ended. The other members should see that this one
	// has left before its session ends.
	limit := 10 * time.Second
	if s := g.c.Session(); s != nil {
		limit = s.Timeout()
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return g.wrap(errors.Join(err, n.Leave(leaving)))
}

// Find returns the Membership under id that this Group has joined or maintains. It
// returns false if there is none, or if it has ended. The member may still be about
// to join.
func (g *Group) Find(id string) (*Membership, bool) {
	if n := g.keeper.Find(zk.Join(g.dir, id)); n != nil {
		return &Membership{g: g, n: n, id: id}, true
	}
	return nil, false
}
