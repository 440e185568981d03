// Package mirror keeps a copy of a directory: the data of its children, or of its
// grandchildren. Packages groupmembership and discovery are built on it.
//
// One persistent recursive watch covers the whole tree. Servers before 3.6 do not
// have it; there the mirror sets a one-shot watch on every node. An event only says
// which node to read. Only the reply to a read changes the copy. No change after
// the watch is missed: the client receives an event before the reply of a later
// read that shows the change. A node that is deleted and created again between the
// event and the read is in the copy.
//
// A persistent watch does not report what happened during an outage. After each gap
// the mirror therefore reads everything again. It does not report nodes that have
// not changed. During the outage the copy stays as it was and is stale. It is fresh
// again after a complete round of reads on one connection.
//
// Servers withhold the events of a recursive watch about nodes that the client may
// not read. The mirror finds such a node in a round that reads everything, which it
// makes at the start and after each gap. From then on it reads that node
// periodically.
package mirror
