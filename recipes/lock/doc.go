// Package lock has distributed locks on ZooKeeper: a mutex (New), a read-write
// lock (NewReadWrite), a semaphore (NewSemaphore), and several locks held as one
// (NewMulti). All give the same kind of handle, and have a Do.
//
// A holder has three things. Its Context ends before anybody else can get the
// lock, with the reason as its cause, whatever crashes or is cut off, as long
// as clocks run at nearly the same rate and the process is not stopped. Its
// Token, the czxid of its node, is higher than that of every holder before: a
// store that refuses a lower token than it has seen is safe from a holder that
// was stopped and does not know yet. Its Check makes ZooKeeper itself refuse a
// write once the lock is gone.
//
// Where many can hold together, readers or the permits of a semaphore, the
// context of each ends before its share can be given to anybody else.
//
// All are fair: contenders get the lock in the order in which their nodes were
// created, and an end wakes one of them, or the readers that it lets in. A contender keeps its place over a
// reconnect; when its session expires it queues again. Nothing is left behind by
// a contender that gives up, whenever it does: what cannot be deleted at once is
// deleted in the background.
//
// A reader waits for the writers before it, a writer for everybody before it. A
// writer may go on as a reader (Held.Downgrade), and no other writer gets
// between; a reader cannot become a writer. The permits of one Acquire of a
// semaphore are granted all at once or not at all, by a limit that is stored
// beside them and can be changed while they are out. A holder can be asked to
// let go (Lock.Revoke, Held.Revoked), of permits and of several locks as well.
//
// # Rights
//
// A contender needs READ, CREATE and DELETE on the directory, and READ on the nodes
// of all contenders, its own included, so Config.ACL must grant it. A call that
// lacks a right ends at once, with a *recipes.RightError that names the right and
// the node, in which errors.Is finds zk.ErrNoAuth. The Context of a holder that may
// not read its own node ends with zk.ErrNoAuth: it could not see that somebody
// deletes the node. Asking a holder to let go needs WRITE on its node, storing the limit of a
// semaphore WRITE on the directory.
//
// # What is left to the caller
//
// To stop when the Context ends, and to have the token checked where the data is. A Lock has no notion of a goroutine that
// holds it: who is to work under it gets the Held, and acquiring it twice waits
// for oneself.
//
// Other libraries can use the same directory, as Config.Dialect says. Ours does
// not queue beside a contender that would not see it: that is an error,
// ErrForeign. But nothing keeps such a contender out that comes later; it gets in
// beside the holder. Use one dialect in a directory.
package lock
