package election

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/recipes/internal/work"
	"github.com/zookit/zookit/zk"
)

// HandOverError says that a leadership has ended by HandOver, and that HandOver has
// not seen the named candidate first in the queue. errors.Is finds ErrNotFirst in it.
type HandOverError struct {
	To    string // the ID that was named
	Node  string // the path of the named candidate's node
	First string // the path of the node that was last seen first; "" if there was none

	// Err is the reason: the named node is gone, another stayed first, the context
	// ended, or a read failed.
	Err error
}

// Error names the candidate, the reason, and the node that is first instead.
func (e *HandOverError) Error() string {
	s := fmt.Sprintf("handed over, but %q (%s) was not seen to be first: %v", e.To, e.Node, e.Err)
	if e.First != "" {
		s += "; first is " + e.First
	}
	return s
}

// Is reports whether target is ErrNotFirst.
func (e *HandOverError) Is(target error) bool { return target == ErrNotFirst }

// Unwrap returns Err.
func (e *HandOverError) Unwrap() error { return e.Err }

// HandOver ends the leadership in favour of the waiting candidate whose node has the
// data to, or of the first if there are several. If to is empty, the next candidate
// by priority and order leads. With Run, call HandOver to stop leading and stay a
// candidate, and Resign to leave.
//
// The named candidate does not lead out of turn: the candidates ahead of it queue
// again behind it, one after the other, each in a round trip or two. HandOver waits
// for that. If it returns nil, our node is gone, and the named candidate was seen
// first in the queue: it leads, or is about to.
//
// The end of the leadership also ends the context that Run passes to lead. HandOver
// may be called with that context. It stops only if the context ends for another
// reason, or if the context of Run ends.
//
// We lead no longer after these errors:
//   - ErrNotFirst, in a HandOverError. The named candidate is gone, another one did
//     not stand aside for it, or ctx ended before HandOver saw it first. A candidate
//     that led for a moment only may be gone by the time HandOver lists the queue.
//     HandOver stops waiting when another stays first for two session timeouts.
//   - ErrNotLeader: the leadership had ended before. The error may also wrap one of
//     those below, and that of ctx if ctx has ended with the leadership.
//   - an error of lock.Held's Release: it is not confirmed that our node is gone.
//
// We still lead after these, if the error is not also ErrNotLeader:
//   - ErrNoCandidate.
//   - ErrForeignAhead, which names the node that would not stand aside.
//   - ErrForeign: the directory has data of another program.
//   - zk.ErrNoAuth: the server does not allow us to name the successor.
//   - an error of ctx or of the connection, from before the leadership ended. The
//     server may have stored the name, which then counts when the leadership ends.
func (l *Leadership) HandOver(ctx context.Context, to string) error {
	if err := l.turn.Lock(ctx); err != nil {
		return l.e.wrap(refused.AtOnce("hand over", l.Path(), l.orNotLeader(err)))
	}
	defer l.turn.Unlock()
	if l.Context().Err() != nil {
		err := fmt.Errorf("%w: %w", ErrNotLeader, context.Cause(l.Context()))
		return l.e.wrap(refused.AtOnce("hand over", l.Path(), err))
	}
	successor, err := l.name(ctx, to)
	if err != nil {
		whom := "the next candidate"
		if to != "" {
			whom = strconv.Quote(to)
		}
		return l.e.wrap(fmt.Errorf("hand over to %s: %w", whom, l.orNotLeader(err)))
	}
	after, cancel := l.e.outliving(ctx)
	defer cancel()
	if err := l.giveUp(after, ErrHandedOver); err != nil || successor == "" {
		return err
	}
	first, err := l.e.queue.AwaitFirst(after, successor, 2*l.g.Session().Timeout())
	if err != nil {
		return l.e.wrap(&HandOverError{To: to, Node: zk.Join(l.e.dir, successor), First: first, Err: contend.Because(after, err)})
	}
	return nil
}

// outliving returns a context that ends with ctx, unless ctx ends because of a
// HandOver. HandOver itself ends the context of lead, and must then still delete the
// node. From then on the returned context ends with the context of Run.
func (e *Election) outliving(ctx context.Context) (context.Context, context.CancelFunc) {
	after, end := context.WithCancelCause(context.WithoutCancel(ctx))
	var follower sync.WaitGroup
	follower.Go(func() {
		e.label.Set()
		for c := ctx; c != nil; c = work.Outer(c) {
			select {
			case <-c.Done():
			case <-after.Done():
				return
			}
			if cause := context.Cause(c); !errors.Is(cause, ErrHandedOver) {
				end(cause)
				return
			}
		}
	})
	limited, cancel := after, func() {}
	if deadline, ok := ctx.Deadline(); ok {
		limited, cancel = context.WithDeadline(after, deadline)
	}
	return limited, func() {
		cancel()
		end(nil)
		follower.Wait()
	}
}

// name names the successor in the directory, if that is needed, and returns the name
// of its node. It returns "" if to is empty.
func (l *Leadership) name(ctx context.Context, to string) (string, error) {
	names, err := l.e.queue.Names(ctx)
	if err != nil {
		return "", err
	}
	own := slices.IndexFunc(names, func(name string) bool { return zk.Join(l.e.dir, name) == l.Path() })
	if own < 0 {
		return "", ErrNotLeader
	}
	behind := names[own+1:]
	if to == "" {
		if len(behind) == 0 {
			return "", fmt.Errorf("%w: no other candidate waits", ErrNoCandidate)
		}
		return "", nil // no need to read the candidates' data
	}
	list, err := l.e.queue.Read(ctx, behind)
	if err != nil {
		return "", err
	}
	waiting := candidates(list)
	next := slices.IndexFunc(waiting, func(c Candidate) bool { return string(c.Data) == to })
	if next < 0 {
		return "", noCandidate(waiting)
	}
	if i := slices.IndexFunc(waiting[:next], func(c Candidate) bool { return c.Foreign }); i >= 0 {
		return "", fmt.Errorf("%w: %s", ErrForeignAhead, waiting[i].Path)
	}
	name := waiting[next].Name()
	if next == 0 && waiting[0].Foreign {
		return name, nil // it is next, and being foreign it does not read the name
	}
	return name, l.g.Designate(ctx, name, ErrNoCandidate)
}

// orNotLeader returns err, with which HandOver fails. If the leadership has ended, the
// error is also ErrNotLeader: ctx may be the context of lead, which ends with the
// leadership, and the end of ctx alone would say that we still lead.
func (l *Leadership) orNotLeader(err error) error {
	if errors.Is(err, ErrNotLeader) || l.Context().Err() == nil {
		return err
	}
	return errors.Join(ErrNotLeader, context.Cause(l.Context()), err)
}

// noCandidate returns ErrNoCandidate. If some candidates could not be read, one of
// them may be the one that is meant, and the error says so.
func noCandidate(waiting []Candidate) error {
	if len(waiting) == 0 {
		return fmt.Errorf("%w: no other candidate waits", ErrNoCandidate)
	}
	all := len(waiting)
	unreadable := slices.DeleteFunc(waiting, func(c Candidate) bool { return c.Err == nil })
	if len(unreadable) == 0 {
		return fmt.Errorf("%w: none of the %d that wait has that ID", ErrNoCandidate, all)
	}
	first := unreadable[0]
	return fmt.Errorf("%w among those that may be read; %d may not, the first is %s: %w", ErrNoCandidate, len(unreadable), first.Path, first.Err)
}
