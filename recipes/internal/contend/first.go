package contend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/zk"
)

// ErrLeft says that the contender is not in the queue any more.
var ErrLeft = errors.New("its node is gone")

// AwaitFirst waits until the contender of that name is first in the queue, and
// then returns nil. In every case it returns the path of the contender that it last
// saw first, "" if it saw none.
//
// It returns ErrLeft if the contender is not in the queue. It gives up when one
// other contender has been first for longer than patience.
func (q *Queue) AwaitFirst(ctx context.Context, name string, patience time.Duration) (first string, err error) {
	var since time.Time // when first became first
	for {
		queue, err := q.entries(ctx)
		if err != nil {
			return first, err
		}
		own := slices.IndexFunc(queue, func(e entry) bool { return e.name == name })
		now := ""
		if len(queue) > 0 {
			now = zk.Join(q.dir, queue[0].name)
		}
		if now != first {
			first, since = now, time.Now()
		}
		switch {
		case own < 0:
			return first, ErrLeft
		case own == 0:
			return first, nil
		case time.Since(since) >= patience:
			return first, fmt.Errorf("another contender has been first for %v", time.Since(since).Round(time.Millisecond))
		}
		if err := q.awaitEnd(ctx, queue[own-1], patience); err != nil {
			return first, err
		}
	}
}

// awaitEnd returns when the node of a contender may be gone, or after atMost.
func (q *Queue) awaitEnd(ctx context.Context, e entry, atMost time.Duration) error {
	_, w, err := q.c.GetW(ctx, zk.Join(q.dir, e.name))
	if errors.Is(err, zk.ErrNoAuth) { // the node may not be read: watch the queue instead
		var names []string
		if names, _, w, err = q.c.ChildrenW(ctx, q.dir); err == nil && !slices.Contains(names, e.name) {
			w.Stop()
			return nil
		}
	}
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	if err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	err = notice.Await(patient, w)
	if patient.Err() != nil {
		return ctxerr.Of(ctx)
	}
	return err
}
