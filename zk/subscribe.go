package zk

import (
	"context"
	"iter"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/zk/internal/watchtable"
)

// Subscription is a persistent watch on the server (3.6 and later): a stream of
// events that does not end with the first. It goes on over reconnects and in the
// session after an expired one.
//
// It yields no event for a change while it was cut off. Instead it yields an
// EventResync, which says that there is a gap. It also does so when the buffer was
// full because the reader was too slow.
type Subscription struct {
	c     *core
	root  chroot                  // of the client that made it
	entry watchtable.Subscription // in the table
	limit int

	// Guarded by core.mu.
	events  []Event
	err     error  // why entry is over
	resyncs uint64 // how many it has yielded or will yield

	more xsync.Wakeup // wakes Events: something was added, or it is over
}

// SubscribeOption changes which events a Subscription yields, or how many wait.
type SubscribeOption func(*Subscription)

// Recursive makes the subscription cover every descendant of the path. It then
// yields creates, deletes and changed data, and no EventChildrenChanged.
func Recursive() SubscribeOption {
	return func(s *Subscription) { s.entry.Mode = watchtable.Recursive }
}

// Buffer sets how many events wait for a slow reader. Default 1024. When there are
// more, one EventResync replaces all of them.
func Buffer(n int) SubscribeOption { return func(s *Subscription) { s.limit = max(1, n) } }

// opAddWatch sets the watch of a Subscription. The body of its reply is an error code.
var opAddWatch = define(operation{code: proto.OpAddWatch, lacking: Compat3_5, read: true, decode: ignoreBody})

// Subscribe sets a persistent watch on path, which need not exist. The subscription
// yields every change after the return of Subscribe, or an EventResync in its
// place. ErrUnimplemented says that the server is older than 3.6; set Config.Compat, so
// that the client does not ask it. Close the
// Subscription when it is no longer needed.
func (c *Client) Subscribe(ctx context.Context, path string, opts ...SubscribeOption) (*Subscription, error) {
	c.calls.made()
	s := &Subscription{c: c.core, root: c.calls.root, limit: 1024}
	s.entry = watchtable.Subscription{Path: c.calls.root.full(path), Mode: watchtable.Persistent, To: subscriber{s}}
	for _, o := range opts {
		o(s)
	}
	cl := c.calls.pathCall(opAddWatch, path)
	cl.req.Frame = proto.AppendInt32(cl.req.Frame, 0) // the mode: watches.writing
	cl.reg = registration{Path: s.entry.Path, Sub: &s.entry}
	if _, err := run(ctx, c, cl, takeNothing); err != nil {
		// The reply may still come and report that the watch is set. Then the
		// table finds the subscription closed, and removes the watch.
		s.Close()
		return nil, err
	}
	return s, nil
}

// Path returns the path that the subscription is on.
func (s *Subscription) Path() string { return s.root.strip(s.entry.Path) }

// Events yields the events in order, and waits for more until ctx ends, the
// subscription is closed, or the subscription cannot go on. It then yields one
// error last: the cause of ctx, ErrClosed or ErrWatchLost. After Subscription.Close
// it yields none. Only one goroutine should read at a time. The next may go on
// where it stopped.
func (s *Subscription) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if ctx == nil {
			yield(Event{}, errNilContext)
			return
		}
		for {
			s.c.Lock()
			events, over, err := s.events, s.entry.Over(), s.err
			if len(events) > 0 {
				s.events = events[1:]
			}
			s.c.Unlock()
			switch {
			case len(events) > 0:
				if !yield(events[0], nil) {
					return
				}
				continue
			case over:
				if err != nil {
					yield(Event{}, err)
				}
				return
			}
			select {
			case <-s.more.C():
			case <-ctx.Done():
				yield(Event{}, ctxerr.Of(ctx))
				return
			}
		}
	}
}

// Close ends the subscription. If nothing else in this client needs its watch on
// the server, the client removes the server's watch in the background. Close is idempotent and
// returns nil.
func (s *Subscription) Close() error {
	s.c.Lock()
	defer s.c.Unlock()
	s.c.watches.table.Unsubscribe(&s.entry)
	return nil
}

// subscriber is how the table reaches a Subscription. The table calls it with
// core.mu locked.
type subscriber struct{ s *Subscription }

func (to subscriber) Push(ev watchtable.Event) {
	s := to.s
	if len(s.events) >= s.limit {
		to.Resync()
		return
	}
	s.events = append(s.events, s.root.eventOf(ev))
	s.more.Wake()
}

// Resync replaces all waiting events by an EventResync. A program that reads again
// needs none of them.
func (to subscriber) Resync() {
	s := to.s
	s.resyncs++
	s.events = append(s.events[:0], Event{Type: EventResync, Path: s.Path()})
	s.more.Wake()
}

// End ends the subscription. It still yields the events that wait.
func (to subscriber) End(why watchtable.Reason) {
	s := to.s
	delete(s.c.watches.subs, s)
	if why != watchtable.Stopped { // Close is no error
		s.err = endErrors[why]
	}
	if why == watchtable.Lost {
		s.c.hooks.unwatched(s.c, s.entry.Path, true)
	}
	s.more.Wake()
}
