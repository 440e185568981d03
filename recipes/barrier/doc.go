// Package barrier makes processes wait for each other on ZooKeeper.
//
// # Gate
//
// A Barrier is a gate: Raise closes it, Lower opens it, Wait returns when it is
// open. It is closed while its node exists. Wait reads the node again after each
// event. It continues over reconnects, and in a new session when the old one has
// expired. With Config.Ephemeral the gate opens when the session of the process that
// closed it ends. Curator's DistributedBarrier and kazoo's Barrier are the same gate.
//
// # Double barrier
//
// A Double lets a fixed number of parties begin together and end together. One
// transaction of ZooKeeper lets in the parties of a round. It checks that the node
// of each is there, and stores their names. So:
//
//   - A party that gets an Entry was let in at a moment at which all parties of its
//     round were there, itself included. Entry.Round is the same for all of them
//     and higher than that of every round before.
//   - Leave returns nil when no party of the round is left: each has left or died,
//     or its session has ended.
//   - A round that crashed opens nothing. A party that is not named in it waits for
//     the next round, which removes the nodes of the crashed one.
//   - Enter returns an Entry or an error, never both or none. A party that gives up,
//     at any moment, does not stay behind as a member: what it cannot delete at once
//     is deleted in the background.
//   - Entry.Context ends before the session of the party can end, as the Context of
//     a lock does. After the session's end the others can leave without the party, and
//     begin the next round.
//
// # Rights
//
// On a gate, Raise needs CREATE and Lower needs DELETE on the parent. Wait needs READ
// on the node, and so does Raise if the node is there already: since 3.8.4 and 3.9.2
// Apache ZooKeeper refuses both with zk.ErrNoAuth.
//
// A party of a double barrier needs READ, WRITE, CREATE and DELETE on the directory,
// and READ on all nodes in it, its own included.
//
// A call that lacks a right ends at once with a *recipes.RightError. It names the
// right and the node, and errors.Is finds zk.ErrNoAuth in it. Enter then leaves no
// node behind.
//
// # What the caller must do
//
// Stop when the Context ends, and know these limits:
//
//   - A party can be let in and give up before it has noticed. The others have
//     counted it, and see it as one that died right after.
//   - A party that crashed while it waited counts until its session ends.
//   - If all parties give up just when their round opens, its ready node stays until
//     the next round.
//
// # Layout
//
// The layout is that of Curator's DistributedDoubleBarrier and kazoo's
// DoubleBarrier: an ephemeral node for each member, and the node `ready` beside them
// during the round. Members of those libraries can take part, and see the nodes of
// this package as their own. A round with them promises no more than they do:
//
//   - They enter alone if a ready node is left over.
//   - The first member of kazoo's that leaves removes ready before the others have
//     seen it.
//   - A ready that they have created lets in every member whose node was there before.
package barrier
