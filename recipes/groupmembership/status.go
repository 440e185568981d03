package groupmembership

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// State says whether a membership is registered on the server.
type State uint8

// The states of a Membership.
const (
	// Unregistered: the node is not there, or not for certain. The member is
	// working on that.
	Unregistered State = iota
	// Registered: the node is there, and this client's session owns it.
	Registered
	// Ended: the member does nothing any more.
	Ended
)

// String returns the state's name.
func (s State) String() string { return presence.State(s).String() }

// Status is the state of a Membership at one time.
type Status struct {
	State State
	Since time.Time // when State was entered
	// Err is why the member is not registered, nil at the start.
	//
	// Of Unregistered: zk.ErrLeaseLapsed, zk.ErrSessionExpired, ErrDeleted, the
	// server's refusal (a *recipes.RightError if a right is missing), or a
	// *recipes.TakenError of the node that the member waits for.
	//
	// Of Ended: ErrLeft, zk.ErrClosed, ErrDeleted, a *recipes.TakenError, or why
	// the request was invalid, such as zk.ErrTooLarge.
	Err error

	// The newest registration, which lasts while State is Registered.
	Path    string      // of its node
	Czxid   int64       // of its node; a later registration has a higher one
	Session *zk.Session // which owns the node
	// Context ends with the registration, with the reason as its cause. It is nil
	// before the first registration.
	Context context.Context
}

func statusOf(s presence.Status) Status {
	return Status{
		State: State(s.State), Since: s.Since, Err: s.Err,
		Path: s.Path, Czxid: s.Czxid, Session: s.Session, Context: s.Context,
	}
}

// String returns the state, since when, and the node or the reason. It is one line.
func (s Status) String() string {
	return show.Registration(s.State.String(), Unregistered.String(), s.Since, s.Path, s.Context, s.Err)
}

// Status returns the status of each member that this Group has joined or maintains, by
// its id, from memory. A member that has ended is not among them. It makes no request,
// and knows nothing of the members of other processes: Members lists all of them.
func (g *Group) Status() map[string]Status {
	prefix, all := zk.Join(g.dir, ""), map[string]Status{}
	for _, n := range g.keeper.Nodes() {
		if s := n.Status(); s.State != presence.Ended {
			all[strings.TrimPrefix(n.Base(), prefix)] = statusOf(s)
		}
	}
	return all
}

// Ready returns nil while the member is registered and the Context of the registration
// lives. Otherwise its error names the state, and wraps the reason if there is one.
func (s Status) Ready() error {
	state, why := s.State, s.Err
	if state == Registered {
		if s.Context == nil || s.Context.Err() == nil {
			return nil
		}
		state, why = Unregistered, context.Cause(s.Context) // the clock says so before State does
	}
	if why == nil {
		return fmt.Errorf("groupmembership: the member is %v", state)
	}
	return fmt.Errorf("groupmembership: the member is %v: %w", state, why)
}
