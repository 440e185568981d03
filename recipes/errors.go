package recipes

import (
	"errors"

	"github.com/zookit/zookit/recipes/internal/sentinel"
)

// Errors that several recipes share. Each recipe exports the ones that it returns.
// An exported error is either the value itself (lock.ErrDeleted is ErrDeleted) or
// wraps it with the recipe's own text (election.ErrResigned wraps ErrReleased). So
// one errors.Is serves for the holds of all recipes. The documentation of each
// package says when its calls return which error.
var (
	// ErrReleased: the holder gave up the hold. It is the cause of the hold's
	// Context after lock's Release, and wrapped by election.ErrResigned and
	// election.ErrHandedOver, barrier.ErrLeft, groupmembership.ErrLeft and
	// discovery.ErrUnregistered.
	ErrReleased = errors.New("released")
	// ErrDetached: Detach was called. It is the cause of the hold's Context then, and
	// wraps ErrReleased, although the node stays.
	ErrDetached = sentinel.In("detached", ErrReleased)
	// ErrResumed: Resume was called with a Detached whose node this client has already: it
	// was resumed before in the same session, or is that of a lock or a leadership which
	// was acquired in it, and was not detached since. Two holds would rest on one node.
	ErrResumed = errors.New("this client has it already: use that one, or detach it first")
	// ErrDeleted: somebody else deleted the node of the hold. It is then the cause of
	// the hold's Context. In some recipes it can also be the cause when the session
	// ends, because the server may report first that the node was deleted.
	ErrDeleted = errors.New("own node was deleted")
	// ErrHeld: another contender is ahead, and the call does not wait (lock's
	// TryAcquire).
	ErrHeld = errors.New("held by another")
	// ErrNotHeld: the server refused a write because the hold was lost before.
	// election.ErrNotLeader wraps it.
	ErrNotHeld = errors.New("no longer held")
	// ErrLost: the hold ended before the work under it was done. lock.ErrLost and
	// barrier.ErrLost wrap it.
	ErrLost = errors.New("hold was lost")
	// ErrForeign: the directory has a contender of another library or recipe that
	// would not see our node. Both could hold at once.
	ErrForeign = errors.New("foreign contender")
	// ErrSequenceExhausted: the directory's counter of sequential nodes is at its
	// end. From there on the queue has no order. Delete the directory. The next
	// contender creates it again.
	ErrSequenceExhausted = errors.New("sequence exhausted")
	// ErrIDTaken: the name that our node needs is taken, by a node of another session
	// or by another part of this process.
	ErrIDTaken = errors.New("id is taken")
)
