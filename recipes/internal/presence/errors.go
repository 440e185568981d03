package presence

import "github.com/zookit/zookit/recipes"

// Errors of a Node; recipes give them to their users.
var (
	// ErrLeft: Leave was called. A recipe can use its own error: Config.Left.
	ErrLeft = recipes.ErrReleased
	// ErrDeleted: the node was deleted while its session seemed to live. Either
	// someone deleted the node, or the session ended and the server reported the
	// deletion first. If a Node ended with it, someone deleted the node.
	ErrDeleted = recipes.ErrDeleted
	// ErrIDTaken is the sentinel that errors.Is finds in a recipes.TakenError.
	ErrIDTaken = recipes.ErrIDTaken
)
