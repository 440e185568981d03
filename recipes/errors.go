package recipes

import "errors"

// Errors that several recipes share. Each recipe exports those that it returns,
// either the value itself (lock.ErrDeleted is ErrDeleted) or an error that wraps
// it with the recipe's own word (election.ErrResigned wraps ErrReleased). So one
// errors.Is serves for holds of all recipes, and each package's documentation
// says when its calls return what.
var (
	// ErrReleased: the holder gave up the hold. It is the cause of the hold's
	// Context after lock's Release, and wrapped by election.ErrResigned and
	// election.ErrHandedOver, barrier.ErrLeft, groupmembership.ErrLeft and
	// discovery.ErrUnregistered.
	ErrReleased = errors.New("released")
	// ErrDeleted: somebody else deleted the node of the hold. It is the cause of
	// the hold's Context then. In some recipes it can also be the cause when the
	// session ends: the server may report the node's end first.
	ErrDeleted = errors.New("own node was deleted")
	// ErrHeld: somebody else is ahead, and the call does not wait (lock's TryAcquire).
	ErrHeld = errors.New("held by another")
	// ErrNotHeld: the server refused a write because the hold was gone by then.
	// election.ErrNotLeader wraps it.
	ErrNotHeld = errors.New("no longer held")
	// ErrLost: the hold ended before the work under it did. lock.ErrLost and
	// barrier.ErrLost wrap it.
	ErrLost = errors.New("hold was lost")
	// ErrForeign: the directory has a contender of another library or recipe that
	// would not see ours. Both could hold at once.
	ErrForeign = errors.New("foreign contender")
	// ErrSequenceExhausted: the directory's counter of sequential nodes is at its
	// end. From there on the queue has no order. Delete the directory; the next
	// contender creates it again.
	ErrSequenceExhausted = errors.New("sequence exhausted")
	// ErrIDTaken: another session's node, or one of another part of this process,
	// has the name that ours is to have.
	ErrIDTaken = errors.New("id is taken")
)
