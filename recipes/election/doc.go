// Package election elects one leader among the candidates of a directory.
//
// A leader has what the holder of a lock has: a Context that ends before anybody
// else can lead, a Token that rises with every leader, and a Check that makes
// ZooKeeper refuse its writes once it leads no longer. Nobody leads who is not
// first in the queue with a node of its own live session; that is looked at again
// after each reconnect. A leader stays leader over a reconnect; a candidate whose
// session expired queues again.
//
// Who leads next is the one who came first, unless the leader hands over to a
// candidate by name, or candidates have priorities. Both work by those ahead of
// that one going to the end of the queue when their turn comes, each in one
// transaction that makes its new node and deletes the old: nobody ever leads out
// of turn, and nobody is in the queue twice, or out of it. A priority deposes
// nobody. If the one for whom they stand aside dies unnoticed, nobody leads until
// its session has expired, as with any candidate that is first.
//
// Candidates of a high priority that crash over and over do not keep the others
// from leading for ever: a candidate stands aside for a priority at most eight
// times in a row. A time does not count if those whom it let pass then led for at
// least two session timeouts each, and standing aside for a candidate that was
// named never counts. Candidates of one election should have the same session
// timeout: one whose timeout is more than twice as long looks, when it crashes,
// as if it had led.
//
// The layout is that of Curator's LeaderLatch: ephemeral sequential nodes that
// end in `latch-<seq>`, with the candidate's ID as data, so that Curator's
// latches and ours take their turns in one directory and see each other as
// participants. Our names say `_c_<uuid>-z<priority>-latch-<seq>`: Curator looks
// at what comes after `latch-` only. The successor whom a leader names is in the
// data of the directory. A Curator latch lets nobody pass: with one ahead of the
// successor HandOver is refused with ErrForeignAhead, and no candidate stands
// aside for a priority behind one. With Config.Dialect the layout is that of
// kazoo's Election, where all look alike, so that everybody counts as foreign and
// there are no priorities.
//
// For health checks and logs, Election.IsLeader, Leading and Known answer from
// memory.
//
// # Rights
//
// A candidate needs READ, CREATE and DELETE on the directory, and READ on the nodes
// of all candidates, its own included, so Config.ACL must grant it. Without it
// Campaign fails with zk.ErrNoAuth, or the Context of the leader ends with it as
// soon as it would have to watch its own node. HandOver needs WRITE on the
// directory. An observer needs READ on the directory and the nodes.
//
// # What is left to the caller
//
// To stop when the Context ends, and to have the
// token checked where the data is.
package election
