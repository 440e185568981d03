// Package lock has distributed locks on ZooKeeper: a mutex (New), a read-write
// lock (NewReadWrite), a semaphore (NewSemaphore), and several locks held as one
// (NewMulti). All give the same kind of handle, and have a Do.
//
// A holder has three guards:
//
//   - Its Context ends before another contender can get the lock, and its cause is
//     the reason. That holds over crashes and lost connections, as long as clocks run
//     at nearly the same rate and the process is not stopped.
//   - Its Token, the czxid of its node, is higher than the token of every holder
//     before. A store that refuses a lower token than it has seen is safe from a
//     holder that was stopped and has not noticed that it lost the lock.
//   - Its Check makes ZooKeeper itself refuse a write after the lock is lost.
//
// Readers can hold a lock together, and so can the owners of a semaphore's permits.
// The context of each ends before another can get its share.
//
// All locks are fair: contenders get the lock in the order in which their nodes were
// created. A release wakes one waiter, or the readers that are next. A contender
// keeps its position in the queue over a reconnect. When its session expires, it
// joins again at the end. A contender that gives up leaves no node behind: what it
// cannot delete at once is deleted in the background.
//
// A reader waits for the writers before it. A writer waits for everybody before it.
// A writer may become a reader (Held.Downgrade), and no other writer gets in
// between. A reader cannot become a writer.
//
// A semaphore grants the permits of one Acquire all at once or not at all. Its limit
// is stored in ZooKeeper and can be changed while permits are held.
//
// A holder can be asked to release (Lock.Revoke, Held.Revoked). That works for
// permits and for several locks too.
//
// # A restart
//
// A process can hand a lock to its successor without releasing it: Held.Detach, then
// zk.Client.Detach, and in the next process zk.Config.Resume and Lock.Resume. The token
// stays the same, and no other contender gets in between. Permits of a semaphore and the
// locks of a Multi cannot move.
//
// # Rights
//
// A contender needs READ, CREATE and DELETE on the directory, and READ on the nodes
// of all contenders, its own included. So Config.ACL must grant READ. To ask a holder
// to release needs WRITE on its node. To store the limit of a semaphore needs WRITE
// on the directory.
//
// A call that lacks a right ends at once with a *recipes.RightError. It names the
// right and the node, and errors.Is finds zk.ErrNoAuth in it. If a holder may not
// read its own node, its Context ends with zk.ErrNoAuth, because the holder would
// not notice that somebody deletes the node.
//
// # What the caller must do
//
// Stop when the Context ends, and let the store that has the data check the token. Call
// Release in any case. After zk.ErrLeaseLapsed the session may live on, and the node stays
// in the queue until Release. Nobody else gets the lock meanwhile. Do calls it by itself. A
// Lock does not know which goroutine holds it. Pass the Held to the goroutines that
// work under the lock. A second Acquire in the same goroutine waits for the first.
//
// Other libraries can use the same directory, see Config.Dialect. A contender of this
// package returns ErrForeign if the queue has a contender that would not see its
// node. But nothing stops such a contender that joins later: it gets the lock beside
// the holder. So use one dialect in a directory.
package lock
