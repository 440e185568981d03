package groupmembership

import (
	"context"
	"time"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
)

// State says whether a membership is registered on the server.
type State uint8

// The states of a Membership.
const (
	// Unregistered: our node is not there, or not for certain. That is being
	// worked on.
	Unregistered State = iota
	// Registered: our node is there, and is ours.
	Registered
	// Ended: nothing is done any more.
	Ended
)

// String returns the state's name.
func (s State) String() string { return presence.State(s).String() }

// Status is what a Membership knows of itself.
type Status struct {
	State State
	Since time.Time // when State was entered
	// Err is why the member is not registered, nil at the start. Of Unregistered:
	// zk.ErrLeaseLapsed, zk.ErrSessionExpired, ErrDeleted, what the server refused
	// with (a *recipes.RightError where a right is missing), or a
	// *recipes.TakenError of a node that is being waited out. Of Ended: ErrLeft,
	// zk.ErrClosed, ErrDeleted, a *recipes.TakenError, or what is wrong with the
	// request, such as zk.ErrTooLarge.
	Err error

	// The newest registration, which lasts while State is Registered.
	Path    string          // of its node
	Czxid   int64           // of its node; a later registration has a higher one
	Session *zk.Session     // which owns the node
	Context context.Context // ends with the registration, with the reason as its cause; nil before the first
}

func statusOf(s presence.Status) Status {
	return Status{
		State: State(s.State), Since: s.Since, Err: s.Err,
		Path: s.Path, Czxid: s.Czxid, Session: s.Session, Context: s.Context,
	}
}
