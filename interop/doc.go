// Package interop has tests, and nothing else: on a real Apache ZooKeeper, other
// libraries' own recipes share directories with ours. Who holds excludes whom,
// both ways, whoever dies; parties enter and leave together; members and
// instances see each other; and a mixture that cannot be safe is refused.
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
//   - A reader of kazoo 2.8 also waits for writers behind it, who wait for it. So
//     its readers contend in no crowd; those of 2.11.0 do.
//   - A writer of Curator 5.4 that becomes a reader queues again, at the end, and a
//     writer that waited before gets in beside it. In 5.9.0 it keeps its place.
//   - Curator 5.4 and 5.9.0 do not unregister instances whose names ZooKeeper has
//     made unique.
//
// It is a module of its own so that its requirements are not those of zookit.
// A peer that is not installed fails the test and says what to install. Other
// places are named by the environment: ZOOKIT_CURATOR_CLASSPATH (Curator's jars and
// what they need), ZOOKIT_KAZOO_PYTHON (an interpreter that has kazoo).
//
// # Peers
//
// A peer is a process with one client of its library: go-zookeeper/zk's is this
// test binary again (gozk_test.go), Curator's is peers/curator, kazoo's is
// peers/kazoo. Its arguments are the connect string and the session timeout in
// milliseconds. When it is connected it writes
//
//	session <id in decimal>
//
// and then does what the lines of its input say, until the input ends:
//
//	<number> <handle> new <recipe> <dir> [<argument>…]
//	<number> <handle> <verb> [<argument>…]
//
// each answered, whenever it is done, by
//
//	<number> ok [<result>]
//	<number> error <text>
//
// The orders of one handle are done one after the other, those of different
// handles at the same time. Recipes of which one contender at a time is inside
// (locks, elections), or as many as there are permits, have these verbs:
//
//	acquire                   waits until the handle is inside
//	try                       yes or no, if the library can
//	release
//	contend <file> <millis>   goes in and out; says how often, and how often it
//	                          met somebody inside (the file was there)
//	leader                    of elections: the id of who leads
//	participants              of Curator's latch: the ids of all candidates
//	downgrade                 of Curator's write lock: to a reader
//	acquire <n>               of Curator's semaphore: n permits, which release returns
//	limit, setlimit <n>       of Curator's semaphore with a SharedCount
//
// The others have these:
//
//	enter, leave              of double barriers
//	raise, lower, wait        of gates
//	members                   of Curator's group member: <id>=<data> of all
//	update <data>, leave      the same
//	register <field>=<value>… of Curator's discovery, as are all that follow
//	update <field>=<value>…
//	unregister <name> <id>
//	names                     of services
//	query <name>              all fields of all instances
//	instance <name> <id>      of one
//	cached <name>             query, of a cache that the first of these starts
//	pick <name>               the id of what a provider gives out
//
// To add a recipe, write its class or function beside the others of its peer,
// put it into the peer's table of recipes, and, if one contender at a time is
// inside, add a row to pairs in pairs_test.go: the tests of exclusion, contention
// and loss go over all of them. What is refused goes to mixtures in
// foreign_test.go. Other recipes have tests of their own, and a part in the last
// test of loss_test.go. To add a peer, write a program that speaks these lines,
// and a function in peers_test.go that says how to start it.
package interop
