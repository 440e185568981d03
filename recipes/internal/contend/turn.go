package contend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Priorities and hand-over. A candidate cannot get past a node with a lower
// sequence, and must not: a candidate of another library would not know of it. So
// a candidate comes first because those before it stand aside. Each of them, when
// its turn has come and before Campaign returns, looks at the queue behind it, and
// goes to its end.
//
// Standing aside is one transaction that creates the new node and deletes the old
// one. With two requests there is a moment with two nodes or with none:
//
//   - Two nodes: if the connection is lost in that moment, the old node is still
//     first and blocks everybody until the session ends.
//   - No node: the candidate is out of the queue. If the create is then refused,
//     it stays out.
//
// Only at a hard quota, where the server refuses the transaction, a candidate uses
// two requests: first the delete, and then the create, until there is room for it.

// Turn is what a contender sees when its turn has come.
type Turn struct {
	Own    string   // the name of its node
	Behind []string // the names of those behind it, in their order
	Next   string   // the name that the last leader has left: of one of those, of our own, or of a node that is gone
}

// asks reports whether the contender has to look for others to let pass before it
// takes its turn. That can be so even if it is first from the start: when the
// reply to the create was lost, others may have queued behind the node before we
// knew of it.
func (p *place) asks() bool { return p.crowded && p.q.kind == Latch }

// AcquireInTurn is Acquire that asks, whenever our turn has come and we are not
// alone, whether to stand aside. It does so by going to the end of the queue,
// unless it has done that too often already: see patience.
func (q *Queue) AcquireInTurn(ctx context.Context, choose func(Turn) Choice) (*Grant, error) {
	var asides patience
	var again pace.Retries // when our node is deleted at each turn
	for {
		began := time.Now()
		g, err := q.Acquire(ctx)
		if err == nil {
			g, err = g.takeTurn(ctx, choose, &asides)
		}
		switch {
		case err == nil:
			return g, nil
		case !errors.Is(err, errAgain):
			return nil, err
		}
		again.Since(began)
		if err := again.Soon(ctx, context.Background()); err != nil {
			return nil, err
		}
	}
}

// takeTurn stands aside for as long as choose and our patience say so. On an
// error the grant is given up.
func (g *Grant) takeTurn(ctx context.Context, choose func(Turn) Choice, asides *patience) (*Grant, error) {
	for g.p.asks() {
		if t, ok := g.p.foretold(); ok && g.ctx.Err() == nil && !asides.allows(choose(t)) {
			return g, nil
		}
		// Nobody stands aside without a look: one that goes with its leader's
		// session may have gone after it.
		t, err := g.turnNow(ctx)
		if err != nil {
			return nil, err
		}
		choice := choose(t)
		switch {
		case asides.allows(choice):
			asides.spend(choice, g.p.s.Timeout())
			g, err = g.requeue(ctx)
		case g.ctx.Err() != nil:
			// Looking took longer than the lease. We are still first: with
			// another lease look again, since others may have come.
			g, err = g.Renew(ctx)
		default:
			return g, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return g, nil
}

// foretold returns our turn if it was known beforehand. It does so once: a caller
// that looks again wants to see what is new.
func (p *place) foretold() (Turn, bool) {
	f := p.foreseen
	if p.foreseen = nil; f == nil {
		return Turn{}, false
	}
	t, err := p.turn(f.names, f.named)
	return t, err == nil
}

// turnNow reads the queue and the directory's data in one round trip. On an
// error the grant is given up.
func (g *Grant) turnNow(ctx context.Context) (Turn, error) {
	p := g.p
	dir := p.q.c.Pipeline().Get(ctx, p.q.dir)
	names, err := p.list(ctx)
	if err != nil { // it has withdrawn the node
		g.retire()
		return Turn{}, err
	}
	node, err := dir.Wait(ctx)
	if err != nil {
		node, err = p.q.c.Get(ctx, p.q.dir)
	}
	var t Turn
	if err == nil {
		t, err = p.turn(names, node.Data)
	}
	if err != nil {
		g.retire()
		p.withdraw(ctx)
	}
	return t, err
}

// turn is ours in such a queue, with such data of the directory. errGone: we are
// not in it.
func (p *place) turn(names []string, named []byte) (Turn, error) {
	queue, i, err := p.among(names)
	if err != nil {
		return Turn{}, err
	}
	if i < 0 {
		return Turn{}, errGone
	}
	t := Turn{Own: p.name, Next: designated(named)}
	for _, e := range queue[i+1:] {
		t.Behind = append(t.Behind, e.name)
	}
	return t, nil
}

// retire ends a grant that was not returned to a caller; its node stays.
func (g *Grant) retire() {
	g.finishContext(ErrReleased)
	g.set(passed)
	g.owner.Wait()
}

// requeue goes to the end of the queue and waits there.
func (g *Grant) requeue(ctx context.Context) (*Grant, error) {
	g.retire()
	p, names, err := g.p.toTheEnd(ctx)
	if err != nil {
		return nil, err
	}
	next, err := p.contend(ctx, names, true)
	if err != nil && !errors.Is(err, errGone) {
		p.withdraw(ctx)
	}
	return next, err
}

// toTheEnd replaces our node by one at the end of the queue, and lists the queue.
// On an error neither is left behind, or the janitor has it.
func (p *place) toTheEnd(ctx context.Context) (*place, []string, error) {
	next, err := p.moveBack(ctx)
	switch {
	case err == nil:
		names, err := next.list(ctx) // withdraws on an error
		return next, names, err
	case errors.Is(err, zk.ErrQuotaExceeded):
		// A quota counts the nodes as they are before a transaction: the node that
		// it deletes makes no room for the one that it creates.
		p.withdraw(ctx)
		return p.q.joinWithRoom(ctx)
	case !errors.Is(err, errGone):
		p.withdraw(ctx)
	}
	return nil, nil, err
}

// joinWithRoom is join that waits until the quota has room for our node.
func (q *Queue) joinWithRoom(ctx context.Context) (*place, []string, error) {
	var again pace.Retries
	for {
		p, names, err := q.join(ctx)
		if !errors.Is(err, zk.ErrQuotaExceeded) {
			return p, names, err
		}
		if end := again.Soon(ctx, context.Background()); end != nil {
			return nil, nil, fmt.Errorf("%w: %w", end, err)
		}
	}
}

// moveBack replaces our node by one at the end of the queue. errGone: ours was
// gone already. On another error ours may be there, and the new one is not, or
// the janitor has it.
func (p *place) moveBack(ctx context.Context) (*place, error) {
	q, guid := p.q, zk.NewGUID()
	// The create comes first. Where a server applies a transaction op by op, a list
	// in the middle shows us twice. Who reads it waits for the first of the two
	// nodes, and gets the event of its end.
	ops := []zk.Op{
		zk.CreateOp(zk.Join(q.dir, q.d.prefix(guid)), q.data, zk.EphemeralSequential, q.createOptions(p.s)...),
		zk.DeleteOp(p.path, zk.AnyVersion),
	}
	var made zk.Created
	var again pace.Retries
	for {
		results, err := q.c.Multi(ctx, ops...)
		if err == nil {
			made.Path = results[0].Path
		} else if zk.OutcomeOf(err) == zk.OutcomeUnknown {
			made, err = q.resolve(ctx, p.s, guid, err)
		}
		switch {
		case err == nil:
		case errors.Is(err, errRepeat):
			if err := again.Soon(ctx, p.s.Context()); err != nil {
				return nil, err
			}
			continue
		case refused.ForNow(err):
			if err := again.Later(ctx, p.s.Context()); err != nil {
				return nil, err
			}
			continue
		case errors.Is(err, zk.ErrNoNode), errors.Is(err, zk.ErrSessionExpired):
			return nil, errGone
		default:
			return nil, err
		}
		break
	}
	next, err := q.placeOf(ctx, p.s, made.Path)
	if err != nil {
		return nil, err
	}
	next.crowded = true
	// The results of a multi do not tell a node's czxid.
	stat, ok, err := q.c.Exists(ctx, next.path)
	switch {
	case err != nil:
		next.withdraw(ctx)
		return nil, err
	case !ok || stat.EphemeralOwner != p.s.ID():
		return nil, errGone
	}
	next.czxid = stat.Czxid
	return next, nil
}

// The name of the successor is in the directory's data. A node for it would look
// like one more contender to Curator. It need not be deleted: the name that it
// holds does not come again.
const designation = "next="

func designated(data []byte) string {
	if name, ok := bytes.CutPrefix(data, []byte(designation)); ok {
		return string(name)
	}
	return ""
}

// Designate names the contender that those before it shall let pass. It fails
// with gone if that one is not in the queue any more, with ErrNotHeld if we are
// not, and with ErrForeign if the directory holds data of somebody else.
func (g *Grant) Designate(ctx context.Context, name string, gone error) error {
	q := g.p.q
	var again pace.Retries
	for {
		dir, err := q.c.Get(ctx, q.dir)
		if err != nil {
			return err
		}
		if len(dir.Data) > 0 && designated(dir.Data) == "" {
			return fmt.Errorf("%w: data of %s", ErrForeign, q.dir)
		}
		_, err = q.c.Multi(ctx, g.Check(),
			q.c.Bind(zk.CheckOp(zk.Join(q.dir, name), zk.AnyVersion), gone),
			zk.SetOp(q.dir, []byte(designation+name), zk.Version(dir.Stat.Version)))
		switch {
		case err == nil:
			return nil
		case errors.Is(err, zk.ErrBadVersion): // of our own lost try, or of who led before
		case zk.OutcomeOf(err) == zk.OutcomeRejected || ctx.Err() != nil || errors.Is(err, zk.ErrClosed):
			return err
		}
		// Lost with its connection, or overtaken: to name the same one twice is to
		// name it once.
		if end := again.Soon(ctx, g.p.s.Context()); end != nil {
			return err
		}
	}
}

// ranked are the names of our own candidates. Curator orders by what comes after
// the last `latch-`, and looks for its own nodes by what comes first, so that it
// reads and respects these as it does its own; the node's data stays the ID alone,
// as its view of participants has it, and one listing shows all priorities.
var ranked = regexp.MustCompile(`^_c_[0-9a-f-]{36}-z(-?\d{1,10})-latch-`)

// Ranked returns the queue with a priority in the names of its nodes. Kazoo's
// names have no room for one and stay as they are.
func (q *Queue) Ranked(priority int32) *Queue {
	r := *q
	if r.d.own == curatorLatch {
		r.d.prefix = func(guid string) string { return fmt.Sprintf("_c_%s-z%d-latch-", guid, priority) }
	}
	return &r
}

// Priority returns the priority in a node's name. false: it is a contender that
// stands aside for nobody.
func Priority(name string) (int32, bool) {
	m := ranked.FindStringSubmatch(name)
	if m == nil {
		return 0, false
	}
	p, err := strconv.ParseInt(m[1], 10, 32)
	return int32(p), err == nil
}
