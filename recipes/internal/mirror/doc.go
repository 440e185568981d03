// Package mirror keeps a copy of what is in a directory: the data of its
// children, or of its grandchildren. Group membership and service discovery
// stand on it. It is written once, here.
//
// The server watches the whole tree with one persistent recursive watch; before
// 3.6, which has none, with a one-shot watch on every node. An event only says
// where to look: the node is read again, and only the answer to a read changes
// the copy. Since an event is seen before a later read shows its change, no
// change is missed that came after the watch; and a node that was deleted and
// made again between the event and the read is there.
//
// What happened during an outage is not told by a persistent watch, so that
// after each gap everything is read again; nodes that did not change meanwhile
// are not reported. During the outage the copy stays as it was and is stale. It
// is fresh again when a whole round of reads was made on one connection.
//
// Servers withhold the events of a recursive watch about nodes that the client
// may not read. Such a node is found by a round that reads everything, at the
// start and after a gap, and is looked at again from time to time from then on.
package mirror
