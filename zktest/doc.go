// Package zktest is an embedded ZooKeeper server: in memory, in the process of
// the test, speaking the real protocol to any client. It is for unit tests of
// code that uses ZooKeeper, and for first steps without Java.
//
// It is not for production: nothing is written to disk, its members are one
// tree in one process, and whoever can connect can do everything that ACLs
// allow. Production means Apache ZooKeeper.
//
//	func TestSomething(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			srv := zktest.Start(t, zktest.Config{Servers: 3})
//			client := dial(t, srv.ConnectString(), srv.DialContext)
//			srv.ExpireSession(client.SessionID())
//			...
//		})
//	}
//
// # Time
//
// Connections made by DialContext are in memory and every wait in the server is
// one that testing/synctest calls durable, so clients and server run together
// in a bubble, on virtual time: a session expires after its timeout, which
// takes no time at all. Listen serves the same tree over TCP, in real time.
//
// # Faults
//
// Members can be taken down, cut, silenced, delayed, and cut from their leader
// while they go on answering pings and reads (CutFromLeader), which is what
// endangers whoever takes such an answer for proof that his session lives.
// Hooks see every request and handshake, and may drop, hang, refuse or replace
// a single one.
//
// # How close it is to Apache ZooKeeper
//
// The package's tests run thousands of scripted and random operations against
// it and against Apache ZooKeeper 3.8, and compare every field of every reply
// and every event. What differs, and what is left out:
//
//   - Children are listed in random order, a different one each time. Apache
//     ZooKeeper's order is as meaningless, but repeats itself.
//   - sync, and a read on another member behind it, see every committed write,
//     and so does a plain read: a member lags only while it is cut from its
//     leader.
//   - Connections close after what was sent before. Apache ZooKeeper may drop
//     the last replies and events when it ends a session by itself.
//   - There is no election, no quorum and no observer: a member is linked to
//     the leader or not. Zxids have no epoch; they go on over IsolateLeader.
//   - Writes held by a member that then loses its leader are never executed.
//     With Apache ZooKeeper they may be.
//   - Quotas, SASL, TLS, multiRead, getEphemerals, getAllChildrenNumber,
//     whoAmI, X.509 and the super user are left out. Their operations are
//     answered Unimplemented and the connection is closed, as every server does
//     with an operation that it has never heard of. The four-letter words are
//     left out too (see Watches and Dump instead).
//   - reconfig is refused with ReconfigDisabled, as by a server without
//     reconfigEnabled.
//   - A read-only server answers from the shared tree and keeps sessions as
//     usual.
//   - A check outside of a multi that succeeds is answered; Apache ZooKeeper
//     3.8.0 fails inside and never answers.
//   - A bool on the wire is 0 or 1; Apache ZooKeeper takes any other value for
//     true.
package zktest
