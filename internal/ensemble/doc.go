// Package ensemble runs Apache ZooKeeper for tests: one server or three, with a
// fault-injecting proxy before every port that matters, so that a test can cut,
// silence or delay the clients of one member, or any link between two members,
// while the servers themselves run undisturbed.
//
// Start gives an Ensemble of local Java processes. The interface is there so
// that another implementation, such as one of containers, can run the same
// suites; Can says what it is able to do.
//
// Every port, a server's or a proxy's, is reserved for as long as the ensemble
// lives, so test binaries that run at the same time do not take each other's;
// and addresses stay the same over restarts.
//
// Members know each other by proxies only: member i reaches j by the proxies
// i→j, of which there is one for the quorum port and one for the election port.
// A member announces its own election address when it dials, and one with a
// higher id dials back to it; the proxy rewrites that announcement, and a test
// looks at the servers' sockets to see that none passes the proxies by.
//
// What was seen with ZooKeeper 3.8.0, a tick of 200 ms, SyncLimit 5, two busy
// cores: one server answers 0.4 to 0.7 s after its start, three after 1.3 to
// 2.7 s. Another leader serves 0.3 to 0.4 s after the old one was killed or its
// links were reset, 0.7 s after it was stopped in order, and 1.2 to 1.5 s after
// it was paused or silently isolated: SyncLimit ticks and an election. The
// isolated one, leader or follower, gives its clients up after 1.0 to 1.15 s,
// and until then answers what it can answer alone, a leader sync too.
//
// A member before 3.6.4, 3.7.2 and 3.8.1 may overlook a commit: it looks at its queues before it
// takes the lock under which it then sleeps (ZOOKEEPER-4537). Its clients' writes
// and watches stand still until one of them sends the next request, which is a
// heartbeat if all of them wait. With other work on the cores that was seen once
// in some two hundred times that 64 contenders for a lock started.
package ensemble
