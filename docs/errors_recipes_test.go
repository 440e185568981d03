package docs_test

import (
	"errors"
	"io"
	"testing"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// TestErrors_RecipesListEachName compares the errors of the recipes by name with the
// source. The situations of the recipes are tested in recipes/errorspage_test.go.
func TestErrors_RecipesListEachName(t *testing.T) {
	children := &zk.OpError{Op: "children", Path: "/l", Outcome: zk.OutcomeRejected, Err: zk.ErrNoAuth}
	checkNames(t, "## The recipes", []string{"../recipes"}, map[string]error{
		"recipes.ErrReleased": recipes.ErrReleased, "recipes.ErrDetached": recipes.ErrDetached, "recipes.ErrResumed": recipes.ErrResumed,
		"recipes.ErrDeleted": recipes.ErrDeleted, "recipes.ErrHeld": recipes.ErrHeld, "recipes.ErrNotHeld": recipes.ErrNotHeld,
		"recipes.ErrLost": recipes.ErrLost, "recipes.ErrForeign": recipes.ErrForeign,
		"recipes.ErrSequenceExhausted": recipes.ErrSequenceExhausted, "recipes.ErrIDTaken": recipes.ErrIDTaken,
		"*recipes.RightError":    &recipes.RightError{Path: "/l", Right: zk.PermRead, Err: children},
		"*recipes.TakenError":    &recipes.TakenError{Path: "/g/me", Owner: 7, Czxid: 1},
		"*recipes.WaitError":     &recipes.WaitError{Ahead: 1, First: recipes.Contender{Path: "/l/a"}, Nearest: recipes.Contender{Path: "/l/a"}, Err: recipes.ErrHeld},
		"*recipes.ShutdownError": &recipes.ShutdownError{Steps: []recipes.StepError{{Name: "leave the group", Err: recipes.ErrNotHeld}}},

		"lock.ErrReleased": lock.ErrReleased, "lock.ErrDetached": lock.ErrDetached, "lock.ErrDeleted": lock.ErrDeleted,
		"lock.ErrHeld": lock.ErrHeld, "lock.ErrNotHeld": lock.ErrNotHeld, "lock.ErrLost": lock.ErrLost, "lock.ErrForeign": lock.ErrForeign,
		"lock.ErrSequenceExhausted": lock.ErrSequenceExhausted, "lock.ErrNoLimit": lock.ErrNoLimit, "lock.ErrBadLimit": lock.ErrBadLimit,
		"lock.ErrLimitMismatch": lock.ErrLimitMismatch, "lock.ErrOverLimit": lock.ErrOverLimit,
		"*lock.MismatchError":  &lock.MismatchError{Dir: "/s", Stored: 3, Want: 5},
		"*lock.OverLimitError": &lock.OverLimitError{Dir: "/s", Permits: 5, Limit: 3},
		"*lock.FullError":      &lock.FullError{Wanted: 2, Held: 3, Limit: 4, Err: lock.ErrHeld},
		"lock.ErrBadPermits":   lock.ErrBadPermits, "lock.ErrDuplicate": lock.ErrDuplicate, "lock.ErrNoHolder": lock.ErrNoHolder,
		"lock.ErrUpgrade": lock.ErrUpgrade, "lock.ErrNotWriter": lock.ErrNotWriter,

		"election.ErrResigned": election.ErrResigned, "election.ErrHandedOver": election.ErrHandedOver, "election.ErrDetached": election.ErrDetached,
		"election.ErrDeleted": election.ErrDeleted, "election.ErrNoLeader": election.ErrNoLeader, "election.ErrNotLeader": election.ErrNotLeader,
		"election.ErrNoCandidate": election.ErrNoCandidate, "election.ErrNotFirst": election.ErrNotFirst,
		"election.ErrForeignAhead": election.ErrForeignAhead, "election.ErrPriority": election.ErrPriority,
		"election.ErrForeign": election.ErrForeign, "election.ErrSequenceExhausted": election.ErrSequenceExhausted,
		"*election.HandOverError": &election.HandOverError{To: "b", Node: "/e/b", First: "/e/c", Err: zk.ErrNoNode},

		"barrier.ErrLeft": barrier.ErrLeft, "barrier.ErrDeleted": barrier.ErrDeleted, "barrier.ErrParties": barrier.ErrParties,
		"barrier.ErrTooMany": barrier.ErrTooMany, "barrier.ErrLost": barrier.ErrLost, "barrier.ErrRaised": barrier.ErrRaised,
		"*barrier.PartiesError": &barrier.PartiesError{Dir: "/b"},

		"groupmembership.ErrLeft": groupmembership.ErrLeft, "groupmembership.ErrDeleted": groupmembership.ErrDeleted,
		"groupmembership.ErrIDTaken": groupmembership.ErrIDTaken,

		"discovery.ErrUnregistered": discovery.ErrUnregistered, "discovery.ErrDeleted": discovery.ErrDeleted, "discovery.ErrIDTaken": discovery.ErrIDTaken,
		"discovery.ErrLoading": discovery.ErrLoading, "discovery.ErrDisconnected": discovery.ErrDisconnected, "discovery.ErrRunning": discovery.ErrRunning,
		"discovery.ErrCheckTimeout": discovery.ErrCheckTimeout, "discovery.ErrNoInstance": discovery.ErrNoInstance,
		"*discovery.NoInstanceError": &discovery.NoInstanceError{Service: "web"},
		"*discovery.DecodeError":     &discovery.DecodeError{Path: "/services/web/1", Size: 7, Err: io.EOF},
		"*discovery.InvalidError":    &discovery.InvalidError{Field: "type", Value: "ODD", Err: errors.New("unknown")},
		"*discovery.StrategyError":   &discovery.StrategyError{Err: errors.New("no weights")},
	})
}
