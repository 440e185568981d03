// Package ensemble runs Apache ZooKeeper for tests, with one server or three. A
// fault-injecting proxy stands before every relevant port. A test can cut, silence
// or delay the clients of one member, or any link between two members. The servers
// themselves run undisturbed.
//
// Start returns an Ensemble of local Java processes. Ensemble is an interface, so
// that another implementation, for example with containers, can run the same
// suites. Can says which faults an implementation supports.
//
// Every port of a server or a proxy is reserved while the ensemble lives. So test
// binaries that run concurrently do not use each other's ports, and addresses stay
// the same over restarts.
//
// Members know each other only by proxies. Member i reaches j by the proxies i→j,
// one for the quorum port and one for the election port. A member announces its own
// election address when it dials, and a member with a higher id dials that address.
// The proxy therefore rewrites the announcement. A test inspects the servers'
// sockets to check that no link bypasses the proxies.
//
// With Options.Reconfig clients can change the configuration (reconfigEnabled). The
// servers pass on one text with one address of each server, so there are no proxies
// between peers then, and no faults of their links. Options.Spares prepares further
// members: Start runs one, and it follows the leader as an observer that the
// configuration does not have, until a client adds ServerLine.
//
// Measured with ZooKeeper 3.8.0, a tick of 200 ms, SyncLimit 5 and two busy cores:
//
//   - A standalone server answers 0.4 to 0.7 s after its start, three servers
//     answer after 1.3 to 2.7 s.
//   - After a kill of the leader, or a reset of its links, the next leader serves
//     after 0.3 to 0.4 s.
//   - After an orderly stop of the leader it serves after 0.7 s.
//   - After the leader was paused or silently isolated it serves after 1.2 to 1.5
//     s: SyncLimit ticks and an election.
//   - An isolated member closes its clients' connections after 1.0 to 1.15 s. Until
//     then it answers what it can answer alone. An isolated leader answers sync
//     too.
//
// A member before 3.6.4, 3.7.2 and 3.8.1 may overlook a commit (ZOOKEEPER-4537):
//
//  1. It reads its queues and finds nothing to do.
//  2. A commit is queued.
//  3. It takes the lock and sleeps under it.
//
// Its clients' writes and watches then stand still until one of the clients sends
// the next request. If all clients are waiting, that is a heartbeat. With other
// load on the machine this happened in about one of two hundred starts of 64
// contenders for a lock.
package ensemble
