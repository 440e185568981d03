package lock

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// followAfter is how long a request waits in the queue before it reads the limit
// again and watches it. A request that is served sooner needs no watch.
const followAfter = 100 * time.Millisecond

// enqueue joins the queue with a ticket, and returns it when it is first. A waiting request
// fails as soon as the limit is too low for it ever to be served. Otherwise its
// caller would learn that only when the ticket is first.
func (s *Semaphore) enqueue(ctx context.Context, queue *contend.Queue, n int, wait bool, doubt *pace.Doubt) (*contend.Grant, error) {
	if !wait {
		return queue.TryAcquire(ctx)
	}
	if n == 1 && s.want.Load() == 0 {
		return queue.Acquire(ctx) // every limit has room for one
	}
	waiting, end := contend.Bounded(ctx)
	var follower sync.WaitGroup
	var never error
	follower.Go(func() {
		s.label.Set()
		if never = s.neverServed(waiting, n, doubt); never != nil {
			end(never)
		}
	})
	ticket, err := queue.Acquire(waiting)
	end(nil)
	follower.Wait()
	if err != nil && never != nil {
		return nil, never
	}
	return ticket, err // serve reads the limit, if never was set at the same moment
}

// neverServed watches the limit until it is too low for a request of n permits, and
// returns the reason. It returns nil when ctx ends.
func (s *Semaphore) neverServed(ctx context.Context, n int, doubt *pace.Doubt) error {
	if xsync.Pause(ctx, followAfter) != nil {
		return nil
	}
	policy := pace.Endless(nil)()
	for {
		_, w, err := s.limit(ctx, n, true, doubt)
		if err == nil {
			if err = notice.Await(ctx, w); err == nil {
				policy.Reset()
				continue // the limit may have changed: read again
			}
		}
		_, isOp := errors.AsType[*zk.OpError](err) // a request failed; not an error of the limit
		switch {
		case ctx.Err() != nil:
			return nil
		case !isOp, refused.By(err), errors.Is(err, zk.ErrClosed):
			return err
		}
		if xsync.Pause(ctx, policy.NextBackOff()) != nil {
			return nil
		}
	}
}
