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
// Config.Version chooses the release line that the server behaves like: V3_9,
// the default, is 3.9.5, and V3_8 is 3.8.0 as Debian has it. The package's tests
// run thousands of scripted and random operations against it and against both
// of these, and compare every field of every reply and every event.
//
// The lines differ in this:
//
//   - An event carries the zxid of its change since 3.9, and -1 before. An event
//     that setWatches causes carries -1 in both.
//   - exists on a node that the client may not read is refused with NoAuth since
//     3.9 (and 3.8.4), and leaves no watch.
//   - A path keeps the watches of all modes that a session sets on it since 3.9.
//     Before, the newest replaces what there was. Types 1 and 2 of removeWatches
//     and checkWatches mean one-shot watches since 3.9, and types 4 and 5 the
//     persistent and recursive ones. Before, 1 and 2 mean watches of any mode,
//     and checkWatches does not look whose watch it finds.
//   - A create2 inside a multi is answered with its Stat since 3.9 (and 3.8.2),
//     and flags that no mode has make the whole multi fail with
//     MarshallingError. Before, the answer is that of create, and such flags are
//     the failure of one op, with BadArguments.
//   - check is an op of a multi alone since 3.9: as a request it is answered
//     Unimplemented and the connection is closed.
//   - A write that cannot be read uses no zxid in 3.9.5, unless it is a multi.
//
// Events of nodes that a client may not read are kept from it with both: Debian
// has added this to 3.8.0.
//
// What differs from Apache ZooKeeper, and what is left out:
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
//   - With V3_8, a check outside of a multi that succeeds is answered; Apache
//     ZooKeeper 3.8.0 fails inside and never answers.
//   - A bool on the wire is 0 or 1; Apache ZooKeeper takes any other value for
//     true.
package zktest
