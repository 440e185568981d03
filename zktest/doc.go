// Package zktest is an embedded ZooKeeper server for tests. It is in memory, runs
// in the process of the test, and speaks the real protocol to any client. It needs
// no Java.
//
// It is not for production. It writes nothing to disk, its members share one tree
// in one process, and it accepts every client.
//
// # A server in a test
//
// Start makes a server that ends with the test, and Client a client of it:
//
//	func TestWithServer(t *testing.T) {
//		srv := zktest.Start(t, zktest.Config{})
//		client := srv.Client(t)
//
//		if _, err := client.Create(t.Context(), "/a", []byte("data"), zk.Persistent); err != nil {
//			t.Fatal(err)
//		}
//		if data, ok := srv.Get("/a"); !ok || string(data) != "data" {
//			t.Errorf("the server has %q, %v", data, ok)
//		}
//	}
//
// The test can look at the server's state without a client: Get, Exists, Children,
// Owner, Dump, Sessions, Connections, Watches, Requests. It can also change the tree
// as another client would: Create, Set, Delete.
//
// A client that is made otherwise reaches the server by ConnectString and DialContext.
// Listen serves the same tree over TCP, for clients in other processes and for
// clients without a dial function.
//
// # Virtual time
//
// Connections of DialContext are in memory, and testing/synctest counts every wait
// in the server as durable. So a server and its clients can run in a bubble, where
// a session timeout passes at once:
//
//	func TestInVirtualTime(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			srv := zktest.Start(t, zktest.Config{})
//			client := srv.Client(t, func(cfg *zk.Config) { cfg.SessionTimeout = 10 * time.Second })
//
//			srv.Silence(0, true)
//			start := time.Now()
//			<-client.Session().Context().Done()
//			t.Logf("the session ended after %v", time.Since(start))
//			srv.Silence(0, false)
//		})
//	}
//
// Connections of Listen are real, and take real time.
//
// # Faults
//
//   - ExpireSession ends a session.
//   - CutConnections resets connections. Down stops a server and starts it again.
//   - Silence and SilenceReplies make a server stop answering. Delay makes it slow.
//   - CutFromLeader and IsolateLeader cut the servers from each other.
//   - ReadOnly makes them read-only, as servers without a quorum may be. Reset deletes
//     all state.
//   - OnRequest and OnConnect set a hook that sees every request and handshake. It
//     can drop, refuse, replace or delay the reply to a single one.
//
// A fault names a server by its number, from 1; 0 means all servers. Any other
// number panics, because it is a mistake in the test. A fault works on existing
// connections and on new ones, in memory and over TCP. When the call returns, the
// fault has begun: only what a connection was writing at that moment may still
// arrive.
//
// # How close it is to Apache ZooKeeper
//
// Config.Version chooses the release line that the server imitates. V3_9, the
// default, is 3.9.5, and V3_8 is 3.8.0 as in Debian. The others are the last release
// of their line. The tests of this package run thousands of scripted and random
// operations against the embedded server and against each release. They compare every
// field of every reply and every event. (Every run of the tests has 3.8 and 3.9, and
// `make versions` has the others.)
//
// The lines differ in this:
//
//   - An event carries the zxid of its change since 3.9, and -1 before. An event
//     that setWatches causes carries -1 in every version.
//   - Since 3.9 (and 3.8.4) the server refuses an exists on a node that the client
//     may not read, with NoAuth, and sets no watch.
//   - Since 3.9 a session can have watches of several modes on one path. Before, a
//     new watch replaces the old one.
//   - Since 3.9 types 1 and 2 of removeWatches and checkWatches mean one-shot
//     watches, and types 4 and 5 mean persistent and recursive ones. Before, types 1
//     and 2 mean watches of any mode. From 3.6 to 3.8 checkWatches also counts the
//     watches of other clients.
//   - Since 3.9 (and 3.8.2, and 3.7.2) a create2 in a multi is answered with its Stat.
//     Flags that no mode has make the whole multi fail with MarshallingError. Before,
//     the create2 is answered like a create, and such flags make only that op fail,
//     with BadArguments.
//   - Since 3.9 check is only an op of a multi. As a request it is answered
//     Unimplemented, and the server closes the connection.
//   - A malformed write uses no zxid in 3.9.5, unless it is a multi.
//   - Since 3.9 (and 3.8.4) a client gets no events of nodes that it may not read.
//     Debian has added this to 3.8.0.
//   - whoAmI is new in 3.7.
//   - addWatch, setWatches2, multiRead, getEphemerals and getAllChildrenNumber are new
//     in 3.6. Up to 3.5 a delete finds out that the node does not exist before it finds
//     out that the client lacks the right.
//   - create2, createContainer, createTTL, checkWatches, removeWatches, reconfig and
//     /zookeeper/config are new in 3.5. 3.4 also refuses a range of addresses in an ACL,
//     and accepts a few more characters in paths.
//
// A version answers an operation that it does not know with Unimplemented, and closes
// the connection. In a multi, such an op makes the whole multi fail with
// MarshallingError.
//
// The embedded server differs from Apache ZooKeeper in this:
//
//   - It lists children in a random order, which differs each time. The order of
//     Apache ZooKeeper has no meaning either, but it repeats itself.
//   - A plain read on any member sees every committed write, and so does a read
//     behind a sync. A member lags only while it is cut from its leader.
//   - A connection that the server closes gets all earlier replies and events.
//     Apache ZooKeeper may drop the last ones when it ends a session by itself.
//   - There is no election, no quorum and no observer. A member is linked to the
//     leader or not. Zxids have no epoch: they go on over IsolateLeader.
//   - If a member loses its leader, the writes that it held back are never
//     executed. In Apache ZooKeeper they may be.
//   - With Config.TLS it speaks TLS alone: there is no second, plain port. The subject of
//     a certificate is as package crypto/x509 prints it, which names rare attributes
//     otherwise than Java does. SASL is DIGEST-MD5 alone.
//   - SASL refuses an unknown user. Apache ZooKeeper compares the password with that of
//     the last user that it knew.
//   - Quotas are those of 3.8 and 3.9 in every release line, but up to 3.6 none is
//     enforced. Data of a quota that Apache ZooKeeper cannot read makes only writes
//     under it fail, and is not counted on.
//   - It answers the four-letter words srvr, ruok, mntr, cons, wchs, dirs, isro, conf and
//     envi, with fewer lines, and with 0 for what it does not measure. By default it
//     answers all of them (Config.FourLetterWords).
//   - A reconfig (Config.ReconfigEnabled) changes /zookeeper/config and nothing else:
//     the members stay as they are, and the first one goes on leading. A server counts
//     as up to date if its ID is that of a member that runs and is linked to the
//     leader. Groups, weights and several addresses of one server are refused. The
//     first configuration has version 0.
//   - A read-only server expires none of its own sessions, and its tree has no writes
//     that were never committed.
//   - Up to V3_8 a successful check outside a multi is answered. Apache ZooKeeper fails
//     internally there, and never answers. So does 3.4 for a handshake whose password is
//     null.
//   - A bool on the wire must be 0 or 1. Apache ZooKeeper takes any other value for
//     true.
package zktest
