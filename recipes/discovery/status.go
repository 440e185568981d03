package discovery

import (
	"context"
	"fmt"
	"time"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/recipes/internal/show"
	"github.com/zookit/zookit/zk"
)

// State says whether an instance is registered on the server.
type State uint8

// The states of a Registration.
const (
	// Unregistered: the node is not there, or that is not certain. The client tries to
	// register the instance, or Serve waits for a check that passes.
	Unregistered State = iota
	// Registered: the server has the node, and this Registration created it.
	Registered
	// Ended: nothing tries to register the instance.
	Ended
)

// String returns the state's name.
func (s State) String() string { return presence.State(s).String() }

// Status is the state of a Registration's node.
type Status struct {
	State State
	Since time.Time // when State was entered; zero before the first registration
	// Err is why the instance is not registered, nil at the start.
	//
	//   - Unregistered: zk.ErrLeaseLapsed, zk.ErrSessionExpired, ErrDeleted, a refusal
	//     of the server (a *recipes.RightError if a right is missing), a
	//     *recipes.TakenError while it waits for another session's node to go, or the
	//     error of the health check.
	//   - Ended: ErrUnregistered, zk.ErrClosed, a *recipes.TakenError, or what is wrong
	//     with the request, such as zk.ErrTooLarge.
	Err error

	// Path, Czxid, Session and Context belong to the newest registration, which lasts
	// while State is Registered.
	Path    string
	Czxid   int64       // of the node; a later registration has a higher one
	Session *zk.Session // owns the node; nil for a persistent instance
	// Context ends with the registration. Its cause is the reason. It is nil before the
	// first registration, and for a persistent instance.
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

// Ready returns nil while the instance is registered and the Context of the registration
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
		return fmt.Errorf("discovery: the instance is %v", state)
	}
	return fmt.Errorf("discovery: the instance is %v: %w", state, why)
}
