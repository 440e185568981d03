package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Config says how instances are written and read. Every zero value is a good
// default.
type Config struct {
	ACL []zk.ACL // of nodes and of parents that are missing: an instance must have READ on its own; default open to everybody
	// WriteEnabled writes "enabled" also when it is true. Default: only when it
	// is false, since readers from before that field may refuse it.
	WriteEnabled bool
	// WaitOut is how long another session's node under the ID of an instance is
	// given to go. Default twice the session timeout, and at least 20 s.
	WaitOut time.Duration
	// ReportDeleted ends a registration with ErrDeleted when somebody deletes its
	// node, and Serve with it. Default: it is created again. A persistent one is not
	// watched.
	ReportDeleted bool
	// KeepParents leaves missing parents to somebody else: registering is tried
	// slowly until they are there, and Register returns zk.ErrNoNode. Default: they
	// are created, as containers, which the server removes after use.
	KeepParents bool
	// BackOff makes the policy for pauses between tries that failed. Default:
	// exponential, 100 ms to 10 s. A policy that ends goes on with the longest
	// pause that it has returned, or with 10 s.
	BackOff func() backoff.BackOff
	// RefusedPause is the time between tries after the server has refused one, for
	// instance with zk.ErrNoAuth. Default 30 s.
	RefusedPause time.Duration
	// Spread is how long an instance waits, at random and at the most, before it is
	// registered again in a new session, after the server has ended the one before:
	// so that thousands whose sessions expired together do not come back at one
	// instant. Default a second; below zero: not at all.
	Spread time.Duration

	Parallel int // reads that are made at the same time; default 32
	// Grace is how long a Cache keeps instances that are gone after an outage, or
	// go in this time. It begins with the end of the outage: then all of them may
	// have expired, and most come back. Providers choose them only where there is no
	// other, and the first call that is reported as failed drops one. What no session
	// has kept is not kept either: somebody has deleted it. Default a minute; below
	// zero: not at all.
	Grace  time.Duration
	Logger *slog.Logger // default: discard
}

// Discovery is the services below one path. It may be used by many goroutines.
type Discovery struct {
	c      *zk.Client
	base   string
	cfg    Config
	keeper *presence.Keeper
	bad    error // why it cannot be used
}

// New returns the services below base. It does no I/O. Without a client, or with a
// Config that cannot be, every method returns zk.ErrBadArguments.
func New(c *zk.Client, base string, cfg Config) *Discovery {
	bad := refused.Client(c)
	if bad == nil && (cfg.WaitOut < 0 || cfg.RefusedPause < 0 || cfg.Parallel < 0) {
		bad = fmt.Errorf("%w: Config with WaitOut %v, RefusedPause %v, Parallel %d: none may be negative",
			zk.ErrBadArguments, cfg.WaitOut, cfg.RefusedPause, cfg.Parallel)
	}
	cfg.ACL = slices.Clone(cfg.ACL)
	cfg.BackOff = pace.Endless(cfg.BackOff)
	cfg.Parallel = cmp.Or(cfg.Parallel, 32)
	cfg.Spread = cmp.Or(cfg.Spread, time.Second)
	cfg.Grace = cmp.Or(cfg.Grace, time.Minute)
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	return &Discovery{c: c, base: base, cfg: cfg, keeper: presence.NewKeeper(c), bad: bad}
}

// usable returns an error if d can only be refused.
func (d *Discovery) usable(op, path string) error {
	if d.bad == nil {
		return nil
	}
	return fmt.Errorf("discovery: %w", refused.AtOnce(op, path, d.bad))
}

// Bad is a node that shows no instance: what is in it is none (a *DecodeError),
// or it could not be read. If Path is that of the service, none of the service's
// nodes could be listed.
type Bad struct {
	Path string
	Err  error
}

// Names returns the names of all services, sorted: also of those whose last
// instance has gone, until the server removes the empty directory.
func (d *Discovery) Names(ctx context.Context) ([]string, error) {
	if err := d.usable("list", d.base); err != nil {
		return nil, err
	}
	return d.list(ctx, d.base)
}

func (d *Discovery) list(ctx context.Context, dir string) ([]string, error) {
	names, _, err := d.c.Children(ctx, dir)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// Query reads the instances of a service, Disabled ones too, sorted by their
// paths. A node that does not decode or that the server does not show is in bad,
// and hides no other. A service that does not exist has none.
//
// The reads are not one transaction: an instance that comes or goes meanwhile is
// there or not. Who asks often should keep a Cache.
func (d *Discovery) Query(ctx context.Context, name string) (instances []*Instance, bad []Bad, err error) {
	if err := validName(name); err != nil {
		return nil, nil, &InvalidError{Field: "name", Value: name, Err: err}
	}
	dir := zk.Join(d.base, name)
	if err := d.usable("query", dir); err != nil {
		return nil, nil, err
	}
	ids, err := d.list(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	type read struct {
		i   *Instance
		err error
	}
	reads := make([]read, len(ids))
	var wg sync.WaitGroup
	room := make(chan struct{}, d.cfg.Parallel)
	for n, id := range ids {
		room <- struct{}{} // a slot comes free: every read returns when ctx ends
		wg.Go(func() {
			defer func() { <-room }()
			reads[n].i, reads[n].err = d.read(ctx, zk.Join(dir, id))
		})
	}
	wg.Wait()
	for n, r := range reads {
		switch {
		case r.err == nil:
			instances = append(instances, r.i)
		case errors.Is(r.err, zk.ErrNoNode): // went meanwhile
		case isRefused(r.err):
			bad = append(bad, Bad{Path: zk.Join(dir, ids[n]), Err: r.err})
		default:
			return nil, nil, fmt.Errorf("discovery: %w", r.err)
		}
	}
	return instances, bad, nil
}

// Instance reads one instance by its ID. It returns zk.ErrNoNode, or a
// *DecodeError. A DynamicSequential one is not found by its ID.
func (d *Discovery) Instance(ctx context.Context, name, id string) (*Instance, error) {
	for field, v := range map[string]string{"name": name, "id": id} {
		if err := validName(v); err != nil {
			return nil, &InvalidError{Field: field, Value: v, Err: err}
		}
	}
	path := zk.Join(zk.Join(d.base, name), id)
	if err := d.usable("get", path); err != nil {
		return nil, err
	}
	i, err := d.read(ctx, path)
	if _, ok := errors.AsType[*DecodeError](err); err != nil && !ok {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	return i, err
}

func (d *Discovery) read(ctx context.Context, path string) (*Instance, error) {
	n, err := d.c.Get(ctx, path)
	if err != nil {
		return nil, err
	}
	return decode(path, n.Data, n.Stat)
}

// isRefused reports whether a read of one node failed for what that node is, and
// not for what became of the connection.
func isRefused(err error) bool {
	_, decoding := errors.AsType[*DecodeError](err)
	return decoding || refused.By(err) || errors.Is(err, zk.ErrReplyTooLarge)
}
