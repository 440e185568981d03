// Package watchtable is a client's table of watches. It knows which watches and
// subscriptions a client has on each path, and which watches the server has there
// for them.
//
// The table is pure. What happens goes in by its methods:
//
//   - a registration, which is a read that sets a watch or an addWatch. It is
//     queued, written, and then answered (Set, Added) or not (Dropped);
//   - Event and Missed, when the server reports a change;
//   - Restore and Refused on a new connection, Expire and Close at the end of a
//     session or of the client;
//   - Stop and Unsubscribe, when a holder needs a watch no longer.
//
// What follows from it comes out in three ways. Writing and Restore return what to
// send. The Host removes watches on the server and notifies the holders of one-shot
// watches. The Subscriber of each subscription gets its events. The package has no
// lock, no goroutine and no channel. The caller has a lock for all of it.
//
// # One-shot and persistent watches on one path
//
// Servers up to 3.8 keep one mode per session and path: a one-shot watch set on a
// path with a persistent one would replace it. So on such a path the client sets no
// one-shot watch on the server: the stream of the persistent watch feeds it.
//
// Servers from 3.9 on keep all modes, so a persistent watch goes on beside a
// recursive one that was added later. Where the recursive watch feeds all, the
// ChildrenChanged of the persistent one is ignored (see ofPath). For a one-shot
// watch and a lasting one on the same path, the server sends one event. RemoveAny
// removes all modes.
package watchtable
