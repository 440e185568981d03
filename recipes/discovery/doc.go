// Package discovery says where the instances of a service are: instances
// register themselves, consumers keep a list of them in memory and choose one
// for every call. Layout and JSON are those of Apache Curator's service
// discovery, so that Curator and Spring Cloud find our instances and we theirs:
// `<base>/<service>/<instance id>`.
//
// # Instances
//
// A registered instance is an ephemeral node that is kept: it goes with its
// process, stays over a lost connection without anybody seeing a change, and is
// made again with the newest data after an expired session, for as long as it
// takes, until it is unregistered. An update changes the node in place. A node of
// another session is never written to and never taken for ours. Serve registers
// an instance only while its health check passes, and drains it at the end.
//
// # Consumers
//
// A Cache is loaded with a bounded number of reads at a time, and is kept by one
// watch for all services. A node that holds no instance is flagged, and hides no
// other. During an outage a Cache keeps what was last known and says that it is
// stale, why and since when; no outage empties it. After it everything is read
// again before it counts as fresh.
//
// After an outage that is longer than the session every instance has expired, and
// the first of them is back seconds later. What went in an outage, or goes soon after
// it, has Vanished: it is kept for a while (Config.Grace), and chosen where there is
// no other, until a call to it fails.
//
// A Provider chooses by a Strategy, among the instances that are enabled, and
// sets those aside for a while on which uses have failed. What a strategy needs is
// prepared when the service changes: with thousands of instances a pick takes less
// than a microsecond and allocates nothing.
//
// # Rights
//
// An instance needs CREATE and DELETE on the directory of its service, READ on its
// own node, to see that it is still there, and WRITE on it for updates. Without
// CREATE or that READ Register fails at once with a *recipes.RightError and leaves
// no node. Without DELETE the node of an instance that was unregistered stays until
// its session ends. A consumer needs READ on the base path, the directories of
// services and the instances. An instance that it may not read is reported as Bad,
// with its path.
//
// # What is left to the caller
//
// A list of instances is a hint, not a promise: an instance that has just died
// is in it until its session has expired, and one that is cut from ZooKeeper and
// lives on goes from it. So a call to an instance needs its own deadline, and a
// retry on another one where that is allowed; tell Done of its errors. Who must be
// the only one needs a lock or an election, with their tokens.
package discovery
