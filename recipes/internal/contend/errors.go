package contend

import (
	"fmt"

	"github.com/zookit/zookit/recipes"
)

// Errors of the queue. Package lock and package election return them.
var (
	// ErrReleased is the cause of a grant's context after Release.
	ErrReleased = recipes.ErrReleased
	// ErrDeleted is the cause of a grant's context when somebody else deleted the
	// grant's node.
	ErrDeleted = recipes.ErrDeleted
	// ErrHeld says that another contender is ahead and that the caller did not want
	// to wait.
	ErrHeld = recipes.ErrHeld
	// ErrNotHeld is the error of a guarded write once the grant's node is gone.
	ErrNotHeld = recipes.ErrNotHeld
	// ErrForeign is what errors.Is finds in a ForeignError.
	ErrForeign = recipes.ErrForeign
	// ErrSequenceExhausted is what errors.Is finds in an ExhaustedError.
	ErrSequenceExhausted = recipes.ErrSequenceExhausted
)

// ForeignError names a contender of another library or recipe that would not
// see our node, and so would not wait for it.
type ForeignError struct{ Path string }

// Error names the node.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("foreign contender %s would not wait for ours: use one recipe and one dialect in a directory", e.Path)
}

// Is reports whether target is ErrForeign.
func (e *ForeignError) Is(target error) bool { return target == ErrForeign }

// ExhaustedError names a directory whose sequence counter is at its end. From
// there on the server gives every new node the same number, and the order of the
// queue is lost. The directory must be deleted and created again.
type ExhaustedError struct {
	Dir      string
	Sequence int32
}

// Error names the directory.
func (e *ExhaustedError) Error() string {
	return fmt.Sprintf("sequence of %s is exhausted (%d): delete the directory while nobody uses it", e.Dir, e.Sequence)
}

// Is reports whether target is ErrSequenceExhausted.
func (e *ExhaustedError) Is(target error) bool { return target == ErrSequenceExhausted }

// maxSequence is the first number that a contender refuses. The counter ends at
// 2,147,483,647. The numbers in between are for creates that are already under way.
const maxSequence = 2_147_483_000
