// Package contend is the queue of contenders on which locks and elections are
// built. A contender is an ephemeral sequential node in one directory. The first
// of them is granted what all of them wait for.
//
// A contender node has a GUID in its name and belongs to one session. When the
// reply to its create is lost, the contender looks for the node by GUID and
// session. It never adopts a node of another session. It never leaves a node
// behind either: the client's janitor deletes what cannot be deleted now.
//
// A contender watches its predecessor, the last contender before it that it has to
// wait for. So a node that is deleted wakes one waiter. A contender gets its grant
// when all of this holds:
//
//   - the list that it saw last has nobody before it, or had only the predecessor,
//     which is gone now;
//   - its own node is confirmed by czxid and owner, and no event says that the
//     node was deleted;
//   - the session's lease is good.
//
// state.go has the chart of a contender's states, from its create to its end.
package contend
