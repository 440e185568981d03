package groupmembership

import (
	"context"
	"fmt"
	"iter"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Membership is our place in the group. It is kept until Leave. Its methods may be
// called by many goroutines.
type Membership struct {
	g  *Group
	n  *presence.Node
	id string
}

// ID is the member's id.
func (m *Membership) ID() string { return m.id }

// Path is the member's node.
func (m *Membership) Path() string { return m.n.Status().Path }

// Context is that of the newest registration. It ends when our node may be lost,
// before the ensemble can have dropped it; its cause is ErrLeft, ErrDeleted,
// zk.ErrSessionExpired, zk.ErrLeaseLapsed or zk.ErrClosed. It has the values of
// Join's context, not its deadline. After an end, Context returns the same until
// there is a new registration (see States). Before the first it is an ended one.
func (m *Membership) Context() context.Context {
	if ctx := m.n.Status().Context; ctx != nil {
		return ctx
	}
	return never
}

// never is the context of what was never registered.
var never = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// Status returns the present status.
func (m *Membership) Status() Status { return statusOf(m.n.Status()) }

// States yields the present status and then, whenever it has changed, the one that
// it is by then: a slow reader skips some, but always reaches the latest. It ends
// when ctx does, or after Ended.
func (m *Membership) States(ctx context.Context) iter.Seq[Status] {
	return func(yield func(Status) bool) {
		for s := range m.n.Statuses(ctx) {
			if !yield(statusOf(s)) {
				return
			}
		}
	}
}

// Update replaces the data that others see. It returns nil when data, or the data
// of a later Update, is stored, in this session or in the next.
//
// An error with OutcomeNotSent says that Update recorded nothing: ctx had ended
// before the call, or the membership had. If ctx ends later the error has
// OutcomeUnknown. The data is then the newest, and will be stored.
//
// If the server can never store the data (zk.ErrTooLarge, zk.ErrNoAuth), the member
// keeps the data before it. Update returns ErrLeft after Leave, and after the end
// of the membership the reason of that end.
func (m *Membership) Update(ctx context.Context, data []byte) error {
	if err := m.n.Update(ctx, data); err != nil {
		return m.g.wrap(err)
	}
	return nil
}

// Leave ends the context and then deletes our node. It is idempotent. nil says
// that no node of ours is there and none will come. When ctx ends before that is
// known, the deleting goes on in the background, and the error has OutcomeUnknown
// and wraps zk.ErrUnconfirmed; so it does while a session that expired by the
// client's clock alone may still own a node of ours.
func (m *Membership) Leave(ctx context.Context) error {
	if err := m.n.Leave(ctx); err != nil {
		return m.g.wrap(err)
	}
	return nil
}

// String shows the node, its czxid as token, and whether it is registered or why it
// is not.
func (m *Membership) String() string {
	s := m.Status()
	if s.State == Registered {
		return show.Hold(s.Context, s.Path, "token", s.Czxid, s.State.String())
	}
	return fmt.Sprintf("%s (%v: %v)", zk.Join(m.g.dir, m.id), s.State, s.Err)
}
