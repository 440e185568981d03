package zk

import (
	"context"
	"errors"
	"iter"

	"github.com/zookit/zookit/internal/proto"
)

// FollowData yields the present state of a node and then each newer one. It may skip
// states, but always reaches the latest. nil stands for a node that does not exist.
//
// It goes on over reconnects and expired sessions. When ctx ends, or on an error for
// which a retry does not help, it yields the error and stops.
func (c *Client) FollowData(ctx context.Context, path string) iter.Seq2[*Node, error] {
	return follow(ctx, c, proto.OpGetData, path, takeNodeW)
}

// FollowChildren is FollowData for the list of a node's children.
func (c *Client) FollowChildren(ctx context.Context, path string) iter.Seq2[*Listing, error] {
	return follow(ctx, c, proto.OpGetChildren2, path, takeListingW)
}

// follow reads, yields, and waits for the watch that the read has set. If there is
// no node, it waits for the watch of an exists.
func follow[R any](ctx context.Context, c *Client, op proto.OpCode, path string, take taker[Watched[R]]) iter.Seq2[*R, error] {
	return func(yield func(*R, error) bool) {
		var pause func() error // made at the first need
		for {
			r, err := run(ctx, c, c.readCall(op, path, true), take)
			v, w := &r.Value, r.Watch
			if errors.Is(err, ErrNoNode) {
				var there bool
				_, there, w, err = c.ExistsW(ctx, path)
				v = nil
				if there {
					w.Stop() // the node was created between the two reads: get it
					if pause == nil {
						pause = c.pauses(ctx)
					}
					err = pause()
					if err == nil {
						continue
					}
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			pause = nil
			if !yield(v, nil) {
				w.Stop()
				return
			}
			_, err = w.Wait(ctx)
			w.Stop()
			// An expired session, or a watch that was not restored, does not end the
			// follower. The next read sets another watch.
			if err != nil && !errors.Is(err, ErrSessionExpired) && !errors.Is(err, ErrWatchLost) {
				yield(nil, err)
				return
			}
		}
	}
}
