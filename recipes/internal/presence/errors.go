package presence

import (
	"fmt"

	"github.com/zookit/zookit/recipes"
)

// Errors of a Node; recipes give them to their users.
var (
	// ErrLeft: Leave was called. A recipe gives its own word for it: Config.Left.
	ErrLeft = recipes.ErrReleased
	// ErrDeleted: our node is gone although its session was not known to be over.
	// Somebody deleted it, or the server told of its end before that of the
	// session. As the end of a Node it is always the former.
	ErrDeleted = recipes.ErrDeleted
	// ErrIDTaken is what errors.Is finds in a TakenError.
	ErrIDTaken = recipes.ErrIDTaken
)

// TakenError names a node that stands where ours should, and its owner.
// ZooKeeper shows an owner, not whether it lives.
type TakenError struct {
	Path  string
	Owner int64 // session id; 0 for a node that is not ephemeral, or one of this process that is not there yet
	Czxid int64 // of the node; 0 if another of this process is about to create it
}

// Error names the node and its owner.
func (e *TakenError) Error() string {
	switch {
	case e.Czxid == 0:
		return fmt.Sprintf("%s is in use by another of this process", e.Path)
	case e.Owner == 0:
		return fmt.Sprintf("%s is a node that is not ephemeral", e.Path)
	}
	return fmt.Sprintf("%s belongs to session 0x%x", e.Path, uint64(e.Owner))
}

// Is makes it ErrIDTaken.
func (e *TakenError) Is(target error) bool { return target == ErrIDTaken }
