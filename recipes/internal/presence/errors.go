package presence

import "github.com/zookit/zookit/recipes"

// Errors of a Node; recipes give them to their users.
var (
	// ErrLeft: Leave was called. A recipe gives its own word for it: Config.Left.
	ErrLeft = recipes.ErrReleased
	// ErrDeleted: our node is gone although its session was not known to be over.
	// Somebody deleted it, or the server told of its end before that of the
	// session. As the end of a Node it is always the former.
	ErrDeleted = recipes.ErrDeleted
	// ErrIDTaken is what errors.Is finds in a recipes.TakenError.
	ErrIDTaken = recipes.ErrIDTaken
)
