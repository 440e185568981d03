package contend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// Priorities and hand-over. A candidate cannot get past a node with a lower
// sequence, and must not: a candidate of another library would not know of it. So
// a candidate comes first because those before it stand aside. Each of them, when
// its turn has come and before it leads, looks at the queue behind it, and goes to
// its end.
//
// Standing aside is one transaction that creates the new node and deletes the old
// one. With two requests there is a moment with two nodes or with none:
//
//   - Two nodes: if the connection is lost in that moment, the old node is still
//     first and blocks everybody until the session ends.
//   - No node: the candidate is out of the queue. If the create is then refused,
//     it stays out.
//
// At a hard quota the server refuses the transaction. Only then a candidate uses
// two requests: it deletes its node, and retries the create until there is room.

// Turn is what a contender sees when its turn has come.
type Turn struct {
	Own    string   // the name of its node
	Behind []string // the names of the contenders behind it, in their order

	// Next is the name of the successor that the last leader has named. That node may
	// be behind, may be our own, or may be gone.
	Next string
}

// asks reports whether the contender has to check, before it takes its turn, whether
// it must stand aside for others. That can be so even if it is first from the start:
// when the reply to the create was lost, others may have joined behind the node
// before we found it.
func (n *contenderNode) asks() bool { return n.crowded && n.q.kind == Latch }

// AcquireInTurn is Acquire that calls choose whenever our turn has come and we are
// not alone. If choose says so, it stands aside: it goes to the end of the queue. It
// does not if it has done that too often in a row: see patience.
func (q *Queue) AcquireInTurn(ctx context.Context, choose func(Turn) Choice) (*Grant, error) {
	return q.acquire(ctx, true, &turns{choose: choose})
}

// turns decides at each of our turns whether to take it. A nil turns takes all.
type turns struct {
	choose func(Turn) Choice
	asides patience
}

// errAside says that we must stand aside. Our node is still in the queue.
var errAside = errors.New("stand aside")

// take returns nil if we take our turn, and errAside if we must let others pass. It
// is called before the grant. The grant waits for a lease, and after some reconnects
// that takes more than a quarter of the session timeout (zk.Session.Guard). Nobody
// would lead while a candidate that stands aside waits for one.
func (t *turns) take(ctx context.Context, n *contenderNode) error {
	if t == nil || !n.asks() {
		return nil
	}
	if turn, ok := n.foretold(); ok && !t.asides.allows(t.choose(turn)) {
		return nil
	}
	// What was read beforehand is not enough to stand aside. When a session
	// expires, the server deletes all its nodes, and the leader's node may come
	// first. The candidate that we would let pass may be of the same session, and
	// gone too.
	turn, err := n.turnNow(ctx)
	if err != nil {
		return err
	}
	choice := t.choose(turn)
	if !t.asides.allows(choice) {
		return nil
	}
	t.asides.spend(choice, n.s.Timeout())
	return errAside
}

// foretold returns our turn if we had read it beforehand.
func (n *contenderNode) foretold() (Turn, bool) {
	f := n.foreseen
	if f == nil {
		return Turn{}, false
	}
	t, err := n.turn(f.names, f.named)
	return t, err == nil
}

// turnNow reads the queue and the directory's data in one round trip.
func (n *contenderNode) turnNow(ctx context.Context) (Turn, error) {
	dir := n.q.c.Pipeline().Get(ctx, n.q.dir)
	names, err := n.list(ctx)
	if err != nil {
		return Turn{}, err
	}
	node, err := dir.Wait(ctx)
	if err != nil {
		node, err = n.q.c.Get(ctx, n.q.dir)
	}
	if err != nil {
		return Turn{}, err
	}
	return n.turn(names, node.Data)
}

// turn makes our Turn from the names in the queue and the data of the directory. It
// returns errGone if our node is not in the queue.
func (n *contenderNode) turn(names []string, named []byte) (Turn, error) {
	queue, i, err := n.among(names)
	if err != nil {
		return Turn{}, err
	}
	if i < 0 {
		return Turn{}, errGone
	}
	t := Turn{Own: n.name, Next: designated(named)}
	for _, e := range queue[i+1:] {
		t.Behind = append(t.Behind, e.name)
	}
	return t, nil
}

// toTheEnd replaces our node by one at the end of the queue, and lists the queue.
// On an error neither node is left behind, or the janitor deletes it.
func (n *contenderNode) toTheEnd(ctx context.Context) (*contenderNode, []string, error) {
	next, err := n.moveBack(ctx)
	switch {
	case err == nil:
		names, err := next.list(ctx) // withdraws on an error
		return next, names, err
	case errors.Is(err, zk.ErrQuotaExceeded):
		// A quota counts the nodes as they are before a transaction: the node that
		// it deletes makes no room for the one that it creates.
		doubt := pace.Doubt{Call: "acquire"}
		doubt.Note(n.withdraw(ctx, err))
		next, names, err := n.q.joinWithRoom(ctx)
		if doubt.Open() && errors.Is(err, errGone) {
			err = errAgain // our old node may be left
		}
		return next, names, doubt.Of(err)
	case !errors.Is(err, errAgain):
		err = n.withdraw(ctx, err)
	}
	return nil, nil, err
}

// joinWithRoom is join that waits until the quota has room for our node.
func (q *Queue) joinWithRoom(ctx context.Context) (*contenderNode, []string, error) {
	var again pace.Retries
	for {
		n, names, err := q.join(ctx)
		if !errors.Is(err, zk.ErrQuotaExceeded) {
			return n, names, err
		}
		if end := again.Soon(ctx, context.Background()); end != nil {
			return nil, nil, fmt.Errorf("%w: %w", end, err)
		}
	}
}

// moveBack replaces our node by one at the end of the queue. It returns errGone if
// our node was gone already, and errAgain if the session is over and the server has not
// confirmed that. On another error our node may be there. The new one is not, or the
// janitor deletes it.
func (n *contenderNode) moveBack(ctx context.Context) (*contenderNode, error) {
	q, guid := n.q, protect.NewGUID()
	// The create comes first. A server can apply a transaction op by op, so that a
	// list in the middle shows both nodes. A contender that reads it may wait for our
	// old node, and gets the event of its delete.
	ops := []zk.Op{
		zk.CreateOp(zk.Join(q.dir, q.d.prefix(guid)), q.data, zk.EphemeralSequential, q.createOptions(n.s)...),
		zk.DeleteOp(n.path, zk.AnyVersion),
	}
	var made zk.Created
	var again pace.Retries
	for {
		results, err := q.c.Multi(ctx, ops...)
		if err == nil {
			made.Path = results[0].Path
		} else if zk.OutcomeOf(err) == zk.OutcomeUnknown {
			made, err = q.resolve(ctx, n.s, guid, err)
		}
		switch {
		case err == nil:
		case errors.Is(err, errRepeat):
			if err := again.Soon(ctx, n.s.Context()); err != nil {
				return nil, err
			}
			continue
		case refused.ForNow(err):
			if err := again.Later(ctx, n.s.Context()); err != nil {
				return nil, err
			}
			continue
		case errors.Is(err, zk.ErrSessionExpired) && !n.s.Gone():
			return nil, errAgain
		case errors.Is(err, zk.ErrNoNode), errors.Is(err, zk.ErrSessionExpired):
			return nil, errGone
		default:
			return nil, err
		}
		break
	}
	next, err := q.newNode(ctx, n.s, made.Path)
	if err != nil {
		return nil, err
	}
	next.crowded = true
	// The results of a multi have no czxid.
	stat, ok, err := q.c.Exists(ctx, next.path)
	switch {
	case err != nil:
		return nil, next.withdraw(ctx, err)
	case !ok || stat.EphemeralOwner != n.s.ID():
		return nil, errGone
	}
	next.czxid = stat.Czxid
	return next, nil
}

// The name of the successor is in the directory's data. Curator would take a node
// for it as one more contender. The data need not be cleared, because no other
// node can get the same name.
const designation = "next="

func designated(data []byte) string {
	if name, ok := bytes.CutPrefix(data, []byte(designation)); ok {
		return string(name)
	}
	return ""
}

// Designate names the next leader: the contenders before it stand aside for it. It
// returns gone if the named contender is not in the queue any more, ErrNotHeld if
// our node is not, and ErrForeign if the directory has data of another program. An
// error with OutcomeUnknown says that the name may be stored.
func (g *Grant) Designate(ctx context.Context, name string, gone error) error {
	doubt := pace.Doubt{Call: "hand over"}
	return doubt.Of(g.designate(ctx, name, gone, &doubt))
}

// designate is Designate, and notes each try in doubt.
func (g *Grant) designate(ctx context.Context, name string, gone error, doubt *pace.Doubt) error {
	q := g.node.q
	var again pace.Retries
	for {
		dir, err := q.c.Get(ctx, q.dir)
		if err != nil {
			return err
		}
		if len(dir.Data) > 0 && designated(dir.Data) == "" {
			return fmt.Errorf("%w: the data of %s is not of this package", ErrForeign, q.dir)
		}
		_, err = q.c.Multi(ctx, g.Check(),
			q.c.Bind(zk.CheckOp(zk.Join(q.dir, name), zk.AnyVersion), gone),
			zk.SetOp(q.dir, []byte(designation+name), zk.Version(dir.Stat.Version)))
		doubt.Note(err)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, zk.ErrBadVersion): // our lost try, or the leader before, has set it
		case zk.OutcomeOf(err) == zk.OutcomeRejected || ctx.Err() != nil || errors.Is(err, zk.ErrClosed):
			return err
		}
		// The reply was lost, or the data has changed since the read. To name the same
		// contender again does no harm.
		if end := again.Soon(ctx, g.node.s.Context()); end != nil {
			return err
		}
	}
}

// ranked are the names of this package's candidates, with the priority in the name.
// Curator orders nodes by the part after the last `latch-`, and finds its own by the
// GUID at the beginning, so it reads and respects these names. The node's data is
// the ID alone, which Curator shows in its list of participants. One list shows all
// priorities.
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

// Priority returns the priority in a node's name. It returns false if there is none:
// such a contender stands aside for nobody.
func Priority(name string) (int32, bool) {
	m := ranked.FindStringSubmatch(name)
	if m == nil {
		return 0, false
	}
	p, err := strconv.ParseInt(m[1], 10, 32)
	return int32(p), err == nil
}
