package barrier

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/lease"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// Double is a barrier for a number of parties that enter together and leave
// together, round after round. It may be used by many goroutines; each Enter is
// a party of its own.
type Double struct {
	c       *zk.Client
	dir     string
	parties int
	cfg     DoubleConfig
	log     journal.Journal
	bad     error // why it cannot be used
}

// NewDouble returns the barrier in dir, which must be used for nothing else. It does
// no I/O. If dir or a parent is missing later, Enter creates it as a container, which
// the server removes after use. Members need the right to write dir, whose data stays
// as it is. Without a client Enter returns zk.ErrBadArguments.
func NewDouble(c *zk.Client, dir string, parties int, cfg DoubleConfig) *Double {
	cfg.Data, cfg.ACL = bytes.Clone(cfg.Data), slices.Clone(cfg.ACL)
	return &Double{c: c, dir: dir, parties: parties, cfg: cfg, bad: refused.Client(c), log: journalOf(c, cfg.Logger, dir)}
}

// Enter waits until all parties are there, and lets them in together. When ctx ends
// it returns at once, with the cause of ctx. During a round that this party does not
// belong to, Enter waits for the next round.
//
// On an error the party is not in, and its member node is deleted, now or in the
// background. If the node may have been there, so that the other parties may have
// counted this one, the error has OutcomeUnknown. The errors are:
//
//   - ErrTooMany: enough members for a round were there before.
//   - ErrDeleted: somebody deleted the party's node.
//   - zk.ErrSessionExpired: its session ended. Enter does not start again by itself,
//     because the others may have been let in, and have counted this party.
//   - a *PartiesError, at once: the parties are too many for one transaction.
//   - zk.ErrLeaseLapsed: the party was let in, but replies take too long for a lease
//     (zk.Session.Guard). zk.ErrBadArguments: zk.Config.TouchDelay leaves no lease.
//   - zk.ErrClosed, zk.ErrNoAuth, or another refusal of the server.
func (d *Double) Enter(ctx context.Context) (*Entry, error) {
	e, err := d.enter(ctx)
	if err != nil {
		return nil, show.Error("barrier", d.dir, refused.Explain(err))
	}
	return e, nil
}

func (d *Double) enter(ctx context.Context) (e *Entry, err error) {
	err = refused.Unusable(ctx, d.c, d.bad, "barrier.NewDouble")
	if err == nil {
		err = zk.ValidatePath(d.dir)
	}
	if err == nil {
		err = d.possible(nil)
	}
	if err != nil {
		return nil, refused.AtOnce("enter", d.dir, err)
	}
	wait := d.log.Wait(ctx, slog.Int("parties", d.parties))
	defer func() { wait.Over(err) }()
	m, err := d.join(ctx)
	if err != nil {
		return nil, err
	}
	m.waiting = wait
	e, err = m.enter(ctx)
	if err != nil {
		m.withdraw(ctx)
		return nil, m.doubt.Of(err) // the others may have counted our node
	}
	return e, nil
}

// member is our own node.
type member struct {
	d       *Double
	name    string
	node    lease.Node
	own     *zk.Watch     // on the node
	waiting *journal.Wait // its log

	doubt pace.Doubt   // open while our node may be there
	again pace.Retries // of transactions, since the last wait
}

// join creates our node. Its name is a GUID, so that a create whose reply was lost
// can be sent again: if a node of that name is there, it is ours. On an error no node
// is left behind, or the janitor deletes it.
func (d *Double) join(ctx context.Context) (*member, error) {
	var again pace.Retries
	for {
		s, err := d.c.AwaitSession(ctx)
		if err != nil {
			return nil, err
		}
		m := &member{d: d, name: protect.NewGUID(), doubt: pace.Doubt{Call: "enter"}}
		m.node = lease.Node{Client: d.c, Session: s, Path: zk.Join(d.dir, m.name)}
		err = m.create(ctx)
		switch {
		case err == nil:
			return m, nil
		case m.doubt.Open():
			protect.Abandon(d.c, s, m.node.Path)
			return nil, m.doubt.Of(err)
		case errors.Is(err, zk.ErrSessionExpired) && ctx.Err() == nil:
			// The session was over before our node was created, so nobody has counted
			// us. Retry in the next session.
			if again.Soon(ctx, context.Background()) != nil {
				return nil, giveUp(ctx, err)
			}
		default:
			return nil, err
		}
	}
}

// create creates our node. If it fails, m.doubt says whether the node may be there.
func (m *member) create(ctx context.Context) error {
	d := m.d
	var again pace.Retries
	for {
		_, err := d.c.Create(ctx, m.node.Path, d.cfg.Data, zk.Ephemeral, options(d.cfg.ACL, zk.InSession(m.node.Session))...)
		m.doubt.Note(err)
		switch {
		case err == nil, errors.Is(err, zk.ErrNodeExists):
			return nil
		case errors.Is(err, zk.ErrNoNode):
			// There is no directory yet, or the server has removed it. In both cases no
			// earlier create has left a node.
			m.doubt.Settle()
			if err := recipes.EnsurePath(ctx, d.c, d.dir, d.cfg.ACL...); err != nil {
				return err
			}
		case ctx.Err() == nil && openEnded(err) && m.node.Session.Context().Err() == nil:
			// Retry. If the lost create has happened, the retry returns NodeExists.
		default:
			return giveUp(ctx, err)
		}
		if again.Soon(ctx, m.node.Session.Context()) != nil {
			return giveUp(ctx, err)
		}
	}
}

// gone returns the reason why our node is not there.
func (m *member) gone() error {
	if err := m.over(); err != nil {
		return err
	}
	return ErrDeleted
}

// over returns the reason why our session is over, or nil if it is not.
func (m *member) over() error { return context.Cause(m.node.Session.Context()) }

// withdraw deletes our node. If ctx has ended or the delete fails, the janitor does
// it.
func (m *member) withdraw(ctx context.Context) {
	if ctx.Err() == nil && m.over() == nil {
		err := m.d.c.Delete(ctx, m.node.Path, zk.AnyVersion)
		if err == nil || errors.Is(err, zk.ErrNoNode) {
			return
		}
	}
	protect.Abandon(m.d.c, m.node.Session, m.node.Path)
}

// first returns the n members with the lowest czxids, sorted by name. It returns nil
// if the node of a member is gone.
func (d *Double) first(ctx context.Context, members []string, n int) ([]string, error) {
	czxid := make(map[string]int64, len(members))
	for _, name := range members {
		stat, ok, err := d.c.Exists(ctx, zk.Join(d.dir, name))
		if err != nil || !ok {
			return nil, err
		}
		czxid[name] = stat.Czxid
	}
	out := slices.SortedFunc(slices.Values(members), func(a, b string) int {
		return cmp.Compare(czxid[a], czxid[b])
	})[:n]
	slices.Sort(out)
	return out, nil
}
