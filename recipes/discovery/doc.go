// Package discovery finds the instances of a service. Instances register
// themselves. Consumers keep a list of them in memory and choose one for every
// call.
//
// The layout, `<base>/<service>/<instance id>`, and the JSON are those of Apache
// Curator's service discovery. Curator and Spring Cloud find the instances that this
// package registers, and this package finds theirs.
//
// # Instances
//
// A registered instance is an ephemeral node. It goes when its process dies. A lost
// connection changes nothing on the server. After an expired session the client
// creates the node again with the newest data, and retries until the instance is
// unregistered. An update changes the node in place. The client never writes to
// another session's node, and never takes it for its own. Serve registers an
// instance only while its health check passes, and drains it at the end.
//
// # Consumers
//
// A Cache loads all instances with a bounded number of reads at a time. One watch
// for all services keeps it up to date. A node without an instance is reported as
// Bad; the others are not affected. During an outage a Cache keeps the last known
// instances, and says that it is stale, why and since when. No outage empties it.
// After an outage the Cache reads everything again before it counts as fresh.
//
// After an outage that is longer than the session timeout, every instance has
// expired, and the first is back seconds later. An instance whose node goes in an
// outage, or soon after it, has Vanished. The Cache keeps it for a while
// (Config.Grace). Providers choose it if there is no other, until a call to it fails.
//
// A Provider chooses by a Strategy among the enabled instances. An instance on which
// uses have failed is set aside for a while. The Provider prepares its choices when
// the service changes. With thousands of instances, of which any number is set aside,
// a pick takes less than a microsecond and allocates nothing. (See Provider.Pick for
// the first pick after an instance is set aside.)
//
// # A restart
//
// A process can hand its node to its successor, so that nobody sees it go: Registration.Detach,
// then zk.Client.Detach, and in the next process zk.Config.Resume and Discovery.Resume.
//
// # Rights
//
// An instance needs CREATE and DELETE on the directory of its service, READ on its
// own node, to see that it is still there, and WRITE on it for updates. Without
// CREATE or that READ, Register fails at once with a *recipes.RightError and leaves
// no node. Without DELETE, the node of an unregistered instance stays until its
// session ends. A consumer needs READ on the base path, on the directories of
// services and on the instances. An instance that it may not read is reported as
// Bad, with its path.
//
// # What is left to the caller
//
// A list of instances is a hint, not a promise. An instance that has just died is in
// it until its session expires. An instance that is cut off from ZooKeeper drops out
// of it and may still work. So a call to an instance needs its own deadline, and,
// where that is safe, a retry on another instance. Report its errors to Use.Done. An
// instance that must be the only one needs a lock or an election, with its tokens.
package discovery
