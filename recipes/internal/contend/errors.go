package contend

import (
	"fmt"

	"github.com/zookit/zookit/recipes"
)

// Errors of the queue; lock and election give them to their users.
var (
	// ErrReleased is the cause of a grant's context after Release.
	ErrReleased = recipes.ErrReleased
	// ErrDeleted is the cause when somebody deleted the owner's node.
	ErrDeleted = recipes.ErrDeleted
	// ErrHeld: another contender is ahead, and waiting was not wanted.
	ErrHeld = recipes.ErrHeld
	// ErrNotHeld is what a guarded write fails with once the node is gone.
	ErrNotHeld = recipes.ErrNotHeld
	// ErrForeign is what errors.Is finds in a ForeignError.
	ErrForeign = recipes.ErrForeign
	// ErrSequenceExhausted is what errors.Is finds in an ExhaustedError.
	ErrSequenceExhausted = recipes.ErrSequenceExhausted
)

// ForeignError names a contender of another library or recipe that would not
// see ours.
type ForeignError struct{ Path string }

// Error names the node.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("foreign contender %s would not see ours", e.Path)
}

// Is makes it ErrForeign.
func (e *ForeignError) Is(target error) bool { return target == ErrForeign }

// ExhaustedError names a directory whose counter of creates is at its end: from
// there on the server hands the same number out again and again, and the order
// of the queue is lost. The directory must be deleted and made anew.
type ExhaustedError struct {
	Dir      string
	Sequence int32
}

// Error names the directory.
func (e *ExhaustedError) Error() string {
	return fmt.Sprintf("sequence of %s is exhausted (%d)", e.Dir, e.Sequence)
}

// Is makes it ErrSequenceExhausted.
func (e *ExhaustedError) Is(target error) bool { return target == ErrSequenceExhausted }

// maxSequence is the first suffix that is not taken any more. The counter ends
// at 2,147,483,647; the room before it is for creates that are under way.
const maxSequence = 2_147_483_000
