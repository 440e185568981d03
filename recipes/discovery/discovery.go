package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/nodes"
	"github.com/zookit/zookit/recipes/internal/observe"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Config says how instances are written and read. Every zero value is a good
// default.
type Config struct {
	// ACL is the ACL of the nodes of instances, and of parents that the client
	// creates. An instance needs READ on its own node. Default: open to everybody.
	ACL []zk.ACL
	// WriteEnabled writes the field "enabled" always. Default: only when it is
	// false, since older readers may refuse a field that they do not know.
	WriteEnabled bool
	// WaitOut is how long a registration waits for another session's node at its
	// path to go. Default twice the session timeout, and at least 20 s.
	WaitOut time.Duration
	// ReportDeleted ends a registration, and its Serve, with ErrDeleted when another
	// client deletes its node. Default: the node is created again. The node of a
	// persistent instance is not watched.
	ReportDeleted bool
	// KeepParents does not create missing parents: Register returns zk.ErrNoNode, and
	// Serve retries slowly until they are there. Default: they are created as
	// containers, which the server removes after use.
	KeepParents bool
	// BackOff makes the policy for the pauses between failed tries. Default:
	// exponential, 100 ms to 10 s. After a policy has ended, its longest pause is
	// used for all further ones, or 10 s if it returned none.
	BackOff func() backoff.BackOff
	// RefusedPause is the pause after a try that the server has refused, for instance
	// with zk.ErrNoAuth. Default 30 s.
	RefusedPause time.Duration
	// Spread is the longest of the random pauses before an instance whose session
	// has expired is registered again. With it, thousands of instances whose sessions
	// expired together do not come back at one instant. Default a second; below zero:
	// no pause.
	Spread time.Duration

	Parallel int // reads that are made at the same time; default 32
	// Grace is how long after the end of an outage a Cache keeps instances whose
	// nodes are gone. In the outage the sessions of all instances may have expired,
	// and most instances come back. Time in a further outage does not count, and one
	// as long as Grace begins it again; shorter ones do not. Default a minute; below
	// zero: none is kept.
	//
	// A Provider chooses such an instance only if there is no other. The first use
	// that is reported as failed drops it. A persistent instance is not kept: no
	// session can have expired, so somebody has deleted it.
	Grace  time.Duration
	Logger *slog.Logger // default: that of the client
}

// Discovery registers, reads and caches the services below one path. It may be used by many goroutines.
type Discovery struct {
	c      *zk.Client
	base   string
	cfg    Config
	keeper *presence.Keeper
	hooks  *observe.Hooks
	log    lines.Log
	bad    error // what is wrong with the arguments of New
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
	cfg.Logger = observe.Logger(c, cfg.Logger)
	log := lines.New(cfg.Logger, "discovery")
	return &Discovery{c: c, hooks: observe.Of(c), log: log, base: base, cfg: cfg, keeper: presence.NewKeeper(c), bad: bad}
}

// usable returns an error if a call of d cannot begin: d was not made by New, its
// arguments were bad, or ctx is nil.
func (d *Discovery) usable(ctx context.Context, op, path string) error {
	if err := refused.Unusable(ctx, d.c, d.bad, "discovery.New"); err != nil {
		return show.Error("discovery", "", refused.AtOnce(op, path, err))
	}
	return nil
}

// Bad is a node from which no instance could be read. Either its data is none (a
// *DecodeError), or the server refused to show it. If Path is the path of the
// service itself, its nodes could not be listed.
type Bad struct {
	Path string
	Err  error
}

// Names returns the names of all services, sorted. A service without an instance
// stays among them until the server removes its empty directory.
func (d *Discovery) Names(ctx context.Context) ([]string, error) {
	if err := d.usable(ctx, "list", d.base); err != nil {
		return nil, err
	}
	return d.list(ctx, d.base)
}

func (d *Discovery) list(ctx context.Context, dir string) ([]string, error) {
	names, _, err := d.c.Children(ctx, dir)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return nil, show.Error("discovery", "", refused.Explain(err))
	}
	slices.Sort(names)
	return names, nil
}

// Query reads the instances of a service, Disabled ones too, sorted by their
// paths. A node that does not decode, or that the server refuses to show, is in
// bad; the other instances are returned. A service that does not exist has none.
//
// The reads are not one transaction: an instance that comes or goes meanwhile may
// be there or not. A program that reads often should keep a Cache.
func (d *Discovery) Query(ctx context.Context, name string) (instances []*Instance, bad []Bad, err error) {
	if err := validName(name); err != nil {
		return nil, nil, &InvalidError{Field: "name", Value: name, Err: err}
	}
	dir := zk.Join(d.base, name)
	if err := d.usable(ctx, "query", dir); err != nil {
		return nil, nil, err
	}
	ids, err := d.list(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	paths := make([]string, len(ids))
	for n, id := range ids {
		paths[n] = zk.Join(dir, id)
	}
	read, err := nodes.Read(ctx, d.c, paths, d.cfg.Parallel)
	if err != nil {
		return nil, nil, show.Error("discovery", "", refused.Explain(err))
	}
	for _, n := range read {
		i, err := (*Instance)(nil), n.Err
		if err == nil {
			i, err = decode(n.Path, n.Data, n.Stat)
		}
		if err != nil {
			bad = append(bad, Bad{Path: n.Path, Err: err})
		} else {
			instances = append(instances, i)
		}
	}
	return instances, bad, nil
}

// Instance reads one instance by its ID. It returns zk.ErrNoNode, or a
// *DecodeError. A DynamicSequential instance is not found by its ID.
func (d *Discovery) Instance(ctx context.Context, name, id string) (*Instance, error) {
	for field, v := range map[string]string{"name": name, "id": id} {
		if err := validName(v); err != nil {
			return nil, &InvalidError{Field: field, Value: v, Err: err}
		}
	}
	path := zk.Join(zk.Join(d.base, name), id)
	if err := d.usable(ctx, "get", path); err != nil {
		return nil, err
	}
	i, err := d.read(ctx, path)
	if _, ok := errors.AsType[*DecodeError](err); err != nil && !ok {
		return nil, show.Error("discovery", "", refused.Explain(err))
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
