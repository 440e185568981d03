package acceptance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// duel is one holder of a lock, which is to be cut off, and one waiter at another
// server.
type duel struct {
	name   string
	quorum bool // lease of both

	holder, waiter *zk.Client
	held           *lock.Held
	begun          time.Duration // the holder's claim
	ended          time.Duration // its context; valid after over
	over           chan struct{}

	stop  context.CancelFunc // of the waiter
	claim *lock.Held         // the waiter's; it, taken and err are valid after done
	taken time.Duration
	err   error
	done  chan struct{}
}

// newDuel lets one client acquire a lock, and another client wait for it.
func newDuel(ctx context.Context, name, holderAt, waiterAt string, quorum bool) (_ *duel, err error) {
	d := &duel{name: name, quorum: quorum, over: make(chan struct{}), done: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("acceptance: %s: %w", name, err), d.close())
		}
	}()
	if d.holder, err = connect(ctx, holderAt, quorum); err != nil {
		return nil, err
	}
	if d.waiter, err = connect(ctx, waiterAt, quorum); err != nil {
		return nil, err
	}
	if d.held, err = lock.New(d.holder, name, lock.Config{}).Acquire(ctx); err != nil {
		return nil, err
	}
	d.begun = now()
	context.AfterFunc(d.held.Context(), func() {
		d.ended = now()
		close(d.over)
	})
	var waiting context.Context
	waiting, d.stop = context.WithCancel(context.Background())
	l := lock.New(d.waiter, name, lock.Config{})
	go func() { // joined by close
		d.claim, d.err = l.Acquire(waiting)
		d.taken = now()
		close(d.done)
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		queue, err := l.Contenders(ctx)
		if err != nil {
			return nil, err
		}
		if len(queue) == 2 {
			return d, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// settle waits until the holder has lost the lock and the waiter has it.
func (d *duel) settle(ctx context.Context) error {
	for _, ch := range []chan struct{}{d.over, d.done} {
		select {
		case <-ch:
		case <-ctx.Done():
			return fmt.Errorf("acceptance: %s: holder's context: %v, waiter's lock: %w", d.name, d.held.Context().Err(), context.Cause(ctx))
		}
	}
	return d.err
}

// margin is the time between the two claims; negative if they overlapped.
func (d *duel) margin() time.Duration { return d.taken - d.ended }

// claims returns the history of the duel. For the control it returns the history
// that would have resulted if the holder had ignored its context until the waiter
// had the lock.
func (d *duel) claims(ignore bool) *history {
	h := &history{}
	end := d.ended
	if ignore {
		end = d.taken + 1
	}
	h.add(event{at: d.begun, name: d.name, owner: 1, token: d.held.Token(), acquired: true})
	h.add(event{at: end, name: d.name, owner: 1, token: d.held.Token()})
	h.add(event{at: d.taken, name: d.name, owner: 2, token: d.claim.Token(), acquired: true})
	return h
}

// close releases the lock and closes both clients. They must be able to reach a
// server again.
func (d *duel) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	if d.stop != nil {
		d.stop()
		<-d.done
	}
	if d.claim != nil {
		errs = append(errs, d.claim.Release(ctx))
	}
	if d.held != nil {
		errs = append(errs, d.held.Release(ctx))
	}
	for _, c := range []*zk.Client{d.holder, d.waiter} {
		if c != nil {
			errs = append(errs, c.Close(ctx))
		}
	}
	return errors.Join(errs...)
}

// others returns the connect string of every member but one.
func others(e ensemble.Ensemble, but int) string {
	list := ""
	for m := range e.Size() {
		if m == but {
			continue
		}
		if list != "" {
			list += ","
		}
		list += e.DirectAddr(m)
	}
	return list
}
