// Package barrier makes processes wait for each other on ZooKeeper.
//
// # Gate
//
// A Barrier is a gate: Raise closes it, Lower opens it, Wait returns when it is
// open. It is closed while its node exists. Wait believes no event: after each
// it asks again, and it goes on over reconnects and in the session after an
// expired one. With Config.Ephemeral the gate opens when the session of the
// process that closed it ends. Curator's DistributedBarrier and kazoo's Barrier
// are the same gate.
//
// # Double barrier
//
// A Double lets a fixed number of parties begin together and end together. The
// parties of one round are let in by one transaction of ZooKeeper, which checks
// that the node of each is there and writes down their names. So:
//
//   - Whoever gets an Entry was let in at an instant at which all parties of its
//     round were there, itself included. Entry.Round is the same for all of them
//     and higher than that of every round before.
//   - Leave returns nil when of the parties of the round none is left: each has
//     left or died, or its session has ended.
//   - A round that crashed opens nothing: who is not named in it waits for the
//     next, and what it left is removed.
//   - Enter returns an Entry or an error, never both or none. Nobody who gave
//     up, at whatever instant, stays behind as a member: what cannot be deleted
//     at once is deleted in the background.
//   - Entry.Context ends before the session of the party can end, as that of a
//     lock does. The others can then leave without it, and begin the next round.
//
// # Rights
//
// Of a gate, Raise needs CREATE and Lower DELETE on the parent. Wait needs READ on
// the node, and so does Raise when it is there already: since 3.8.4 and 3.9.2
// Apache ZooKeeper refuses both with zk.ErrNoAuth. A party of a double barrier
// needs READ, WRITE, CREATE and DELETE on the directory, and READ on all nodes in
// it, its own included. A call that lacks a right ends at once, with a
// *recipes.RightError that names the right and the node, in which errors.Is finds
// zk.ErrNoAuth. An Enter leaves no node then.
//
// # What is left to the caller
//
// To stop when the Context ends. A party that is let in and gives up before it notices has been counted; to the others it looks
// like one that died right after. One that crashed while it waited is counted
// until its session ends. A round that all parties gave up just as it was opened
// leaves its ready node to the next.
//
// The layout is that of Curator's DistributedDoubleBarrier and kazoo's
// DoubleBarrier: an ephemeral node for each member, and `ready` beside them while
// the round is on. Theirs can take part and see ours as their own. What they do
// not promise, nobody gets in a round with them: they enter alone when a ready
// is left over, kazoo's first to leave removes ready before the rest have seen
// it, and a ready that they made lets in everybody whose node was there before.
package barrier
