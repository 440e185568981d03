// Package zk has the API of github.com/go-zookeeper/zk v1.0.4 on top of zookit, so that a
// program moves by one line of its go.mod:
//
//	replace github.com/go-zookeeper/zk => github.com/zookit/zookit/compat/gozookeeper v0.1.0
//
// For the fork github.com/z-division/go-zookeeper, whose package is in a subfolder, the
// module compat/gozookeeperfork does the same. A program may also change its imports
// instead. New code uses github.com/zookit/zookit/zk and the recipes.
//
// No code of go-zookeeper/zk is in it. 30 of go-zookeeper's 47 tests pass on it;
// upstream_test.go has the reason for each of the others.
//
// # What is different
//
// Some behaviour of go-zookeeper loses locks, events or data. This package differs there:
//
//   - An ephemeral node is created in the session that is live when the call begins, or
//     not at all (ErrSessionExpired). A call that waited is not sent in a session that
//     came later.
//   - A read whose connection was lost is sent again. A write whose reply was lost
//     returns ErrConnectionClosed, as in go-zookeeper: it may have run.
//   - No event is dropped as long as fewer than 8,192 wait. After that the oldest ones
//     are dropped. A program that does not read from the channel holds up nothing.
//   - A watch survives a reconnect: a change that was missed fires it. It ends with
//     EventNotWatching, and ErrSessionExpired or ErrClosing, when its session or the
//     client does. Until then it costs a goroutine.
//   - Close ends the watches before it ends the session. A program that leads by a node of
//     its own, and watches it, is told before another one can lead.
//   - Lock is zookit's lock: it keeps its place over a reconnect, and has a Context that
//     ends before another client can have the lock, and a fencing Token. Lock waits
//     through an outage. If the session expires while it waits, it queues again. When a
//     held lock is lost, the watches of its Conn on the lock's path end, with
//     EventNotWatching: also programs that do not know Context are told.
//   - When no server can be reached for a third longer than the session timeout, the client
//     gives the session up: StateExpired. go-zookeeper keeps it until a server has said so,
//     and the program does not learn of it meanwhile.
//   - StateConnected is reported when a server has answered the handshake, just before
//     StateHasSession. go-zookeeper reports it before the handshake, and StateDisconnected
//     if there is no answer. A server that starts often gives none.
//   - The client leaves a server that has not answered for a quarter of the session
//     timeout. The states that follow are reported when two thirds have passed, as in
//     go-zookeeper, and not at all if the session has gone on by then. A process that was
//     stopped, and notices the silence late, reports them when three quarters have passed
//     since the server was last heard, or at once.
//   - A reply over WithMaxBufferSize ends its call alone, and not the connection.
//   - An empty ACL is ErrInvalidACL before anything is sent.
//   - Close waits until the server has ended the session: at most for a quarter of the
//     session timeout, or for a second if that is longer.
//   - The names of servers are looked up again at each connection, not only by Connect.
//   - WithHostProvider: the client asks for all servers before each round over them, and
//     tries them in random order.
//
// As in go-zookeeper, calls wait while there is no connection, and fail with ErrNoServer
// when all servers were tried. For calls that wait for as long as their context says, use
// zookit itself.
package zk
