// Package contend is the queue of contenders that locks and elections stand on:
// ephemeral sequential nodes in one directory, of which the first owns the
// place. It is written once, here.
//
// A contender is created with a GUID in its name and bound to one session. When
// the reply to its create is lost, it is looked for by GUID and session; it is
// never adopted from another session, and never left behind: what cannot be
// deleted now goes to the client's janitor.
//
// A contender waits for the nearest one before it, by a watch, so that an end
// wakes one waiter. It is granted the place only when the list that it last saw
// has nobody before it (or had nobody but the one who has gone), its own node is
// confirmed by czxid and owner, no event says that it was deleted, and the
// session's lease is good.
//
// state.go has the chart of a contender's states, from its create to its end.
package contend
