package groupmembership

import (
	"context"
	"fmt"
	"iter"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// Membership is one member of the group, from Join to Leave. Many goroutines may
// call its methods.
type Membership struct {
	g  *Group
	n  *presence.Node
	id string
}

// ID returns the member's id.
func (m *Membership) ID() string { return m.id }

// Path returns the path of the member's node.
func (m *Membership) Path() string { return m.n.Status().Path }

// Context returns the context of the newest registration. It ends when the member's
// node may be lost, before the ensemble can have removed the member. Its cause is
// ErrLeft, ErrDeleted, zk.ErrSessionExpired, zk.ErrLeaseLapsed or zk.ErrClosed. It
// has the values of Join's context, but not its deadline.
//
// After its end, Context returns the same context until there is a new registration
// (see States). Before the first registration it returns a context that has ended.
func (m *Membership) Context() context.Context {
	if ctx := m.n.Status().Context; ctx != nil {
		return ctx
	}
	return never
}

// never is the context of a member that was never registered. It has ended.
var never = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// Status returns the present status.
func (m *Membership) Status() Status { return statusOf(m.n.Status()) }

// States yields the present status, and then the latest status after each change. A
// slow reader skips some, but always reaches the latest. States ends when ctx ends,
// or after Ended.
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
// keeps the data before it. If the server may have stored it by a try whose reply was
// lost, the error has OutcomeUnknown, and the member keeps the new data. Update returns
// ErrLeft after Leave, and after the end of the membership the reason of that end.
func (m *Membership) Update(ctx context.Context, data []byte) error {
	if err := m.n.Update(ctx, data); err != nil {
		return m.g.wrap(err)
	}
	return nil
}

// Leave ends the context and then deletes the member's node. It is idempotent. nil
// says that the node is not there, and that none will appear.
//
// If ctx ends before that is known, the client deletes the node in the background.
// The error then has OutcomeUnknown and wraps zk.ErrUnconfirmed. The same holds
// while an earlier session may own a node although the client's clock has ended
// that session.
func (m *Membership) Leave(ctx context.Context) error {
	if err := m.n.Leave(ctx); err != nil {
		return m.g.wrap(err)
	}
	return nil
}

// String returns the node's path and either its czxid as a token, or why the member
// is not registered.
func (m *Membership) String() string {
	s := m.Status()
	if s.State == Registered {
		return show.Hold(s.Context, s.Path, "token", s.Czxid, s.State.String())
	}
	return fmt.Sprintf("%s (%v: %v)", zk.Join(m.g.dir, m.id), s.State, s.Err)
}
