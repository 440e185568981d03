// Package interop has only tests. In them, zookit's recipes and those of other
// libraries share directories on a real Apache ZooKeeper. Holders of either side
// exclude the other side, also when one of them dies. Parties enter and leave
// together. Members and instances see each other. A mixture that is not safe is
// refused.
//
// In the tests, "ours" is a recipe of zookit, and "theirs" one of another library:
//
//	ours                          theirs
//	lock                          Curator: InterProcessMutex, LeaderSelector; go-zookeeper: Lock; kazoo: Lock
//	read-write lock               Curator: InterProcessReadWriteLock; kazoo: ReadLock, WriteLock
//	semaphore                     Curator: InterProcessSemaphoreV2 with SharedCount; kazoo: Semaphore
//	election                      Curator: LeaderLatch; kazoo: Election
//	barrier, double barrier       Curator: DistributedBarrier, DistributedDoubleBarrier; kazoo: Barrier, DoubleBarrier
//	group membership              Curator: GroupMember
//	discovery                     Curator: ServiceDiscovery, ServiceCache, ServiceProvider
//
// Run them with
//
//	scripts/install-test-deps.sh   # once
//	cd interop && go test ./...
//	cd interop && ZOOKIT_ZOOKEEPER_VERSION=3.9 go test ./...
//
// The first run uses Debian's releases: Curator 5.4 and kazoo 2.8 on a server of
// 3.8. The second uses the newest ones: Curator 5.9.0 and kazoo 2.11.0 on 3.9.5.
// CI does both.
//
// The peers have three faults that show among themselves too. Two are gone in the
// newest releases, and the tests tell them apart:
//
//   - A reader of kazoo 2.8 also waits for writers behind it, and they wait for it:
//     a deadlock. So the tests of contention leave its readers out, and have those of
//     2.11.0.
//   - A writer of Curator 5.4 that becomes a reader queues again at the end of the
//     queue. A writer that waited before then gets in beside it. In 5.9.0 the reader
//     keeps its place.
//   - Curator 5.4 and 5.9.0 do not unregister instances whose names ZooKeeper has
//     made unique.
//
// It is a module of its own so that its requirements are not those of zookit.
// If a peer is not installed, the test fails and says what to install. The environment
// can name other places: ZOOKIT_CURATOR_CLASSPATH (Curator's jars and their
// dependencies), ZOOKIT_KAZOO_PYTHON (an interpreter that has kazoo).
//
// # Peers
//
// A peer is a process with one client of its library. The peer of go-zookeeper/zk is
// this test binary (gozk_test.go), that of Curator peers/curator, that of kazoo
// peers/kazoo. Its arguments are the connect string and the session timeout in
// milliseconds. When it is connected, it writes
//
//	session <id in decimal>
//
// and then runs the orders that it reads from its input, until the input ends:
//
//	<number> <handle> new <recipe> <dir> [<argument>…]
//	<number> <handle> <verb> [<argument>…]
//
// It answers each order when that is done:
//
//	<number> ok [<result>]
//	<number> error <text>
//
// The orders of one handle run one after the other, those of different handles at the
// same time. Exclusive recipes (locks, elections) and semaphores have these verbs:
//
//	acquire                   waits until the handle is inside
//	try                       yes or no, if the library can
//	release
//	contend <file> <millis>   acquires and releases; returns how often, and how often
//	                          another contender was inside (the file was there)
//	leader                    of elections: the id of the leader
//	participants              of Curator's latch: the ids of all candidates
//	downgrade                 of Curator's write lock: becomes a reader
//	acquire <n>               of Curator's semaphore: n permits; release returns them
//	limit, setlimit <n>       of Curator's semaphore with a SharedCount
//
// The others have these:
//
//	enter, leave              of double barriers
//	raise, lower, wait        of gates
//	members                   of Curator's group member: <id>=<data> of all
//	update <data>, leave      of Curator's group member
//	register <field>=<value>… of Curator's discovery, as are all that follow
//	update <field>=<value>…
//	unregister <name> <id>
//	names                     of services
//	query <name>              all fields of all instances
//	instance <name> <id>      all fields of one
//	cached <name>             query, from a cache that the first order starts
//	pick <name>               the id of the instance that a provider chooses
//
// To add a recipe:
//
//  1. Write its class or function beside the others of its peer.
//  2. Put it into the peer's table of recipes.
//  3. If it is exclusive, add a row to pairs in pairs_test.go. The tests of exclusion,
//     contention and loss run for every row. Other recipes have their own tests, and a
//     part in the last test of loss_test.go.
//  4. Add mixtures that are refused to mixtures in foreign_test.go.
//
// To add a peer, write a program with this protocol, and a function in peers_test.go
// that returns the command that starts it.
package interop
