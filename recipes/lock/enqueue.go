package lock

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// followAfter is how long a request waits in the queue before it looks at the
// limit again and watches it. A request that is served sooner costs no watch.
const followAfter = 100 * time.Millisecond

// enqueue returns the first ticket of the queue. A request that waits there fails
// as soon as the limit has become one by which it can never be served: it would
// hold its place for nothing, and its caller would learn that only at its turn.
func (s *Semaphore) enqueue(ctx context.Context, n int, wait bool) (*contend.Grant, error) {
	if !wait {
		return s.queue.TryAcquire(ctx)
	}
	if n == 1 && s.want.Load() == 0 {
		return s.queue.Acquire(ctx) // every limit has room for one
	}
	waiting, end := contend.Bounded(ctx)
	var follower sync.WaitGroup
	var never error
	follower.Go(func() {
		if never = s.neverServed(waiting, n); never != nil {
			end(never)
		}
	})
	ticket, err := s.queue.Acquire(waiting)
	end(nil)
	follower.Wait()
	if err != nil && never != nil {
		return nil, never
	}
	return ticket, err // if it came at the same instant, serve looks at the limit
}

// neverServed follows the limit until no request of n permits can be served, and
// returns why. It returns nil when ctx ends.
func (s *Semaphore) neverServed(ctx context.Context, n int) error {
	if pace.Wait(ctx, followAfter) != nil {
		return nil
	}
	policy := pace.Endless(nil)()
	for {
		_, w, err := s.limit(ctx, n, true)
		if err == nil {
			_, err = w.Wait(ctx)
			w.Stop()
			if !errors.Is(err, zk.ErrClosed) && ctx.Err() == nil {
				policy.Reset()
				continue // it may be another limit, or the watch ended
			}
		}
		_, isOp := errors.AsType[*zk.OpError](err) // of a request, and not about the limit
		switch {
		case ctx.Err() != nil:
			return nil
		case !isOp, refused.By(err), errors.Is(err, zk.ErrClosed):
			return err
		}
		if pace.Wait(ctx, policy.NextBackOff()) != nil {
			return nil
		}
	}
}
