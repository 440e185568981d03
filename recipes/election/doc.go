// Package election elects one leader among the candidates of a directory.
//
// A leader has the same guards as the holder of a lock:
//
//   - Its Context ends before another candidate can lead.
//   - Its Token is higher than the token of every leader before.
//   - Its Check makes ZooKeeper refuse its writes after it has lost the leadership.
//
// A candidate leads only while it is first in the queue with a node of its own live
// session. It checks that again after each reconnect. A leader stays leader over a
// reconnect. A candidate whose session expired joins again at the end of the queue.
//
// # Who leads next
//
// The next leader is the first candidate in the queue. There are two exceptions: the
// leader can hand over to a candidate by name, and candidates can have priorities. In
// both cases the candidates ahead of that one stand aside: when its turn comes, each
// goes to the end of the queue. It does so in one transaction that creates its new
// node and deletes the old one. So nobody ever leads out of turn, and no candidate is
// in the queue twice, or is missing.
//
// A priority never ends a leadership. If the candidate that the others stand aside
// for has died, nobody leads until its session has expired, as with any candidate
// that is first.
//
// Candidates of a high priority that crash over and over cannot keep the others
// from leading for ever. A candidate stands aside for a priority at most eight
// times in a row. A time does not count if the candidates that passed then led for
// at least two session timeouts each. To stand aside for a named candidate never
// counts. Candidates of one election should have the same session timeout: one whose
// timeout is more than twice as long looks, when it crashes, as if it had led.
//
// # Layout
//
// The layout is that of Curator's LeaderLatch: ephemeral sequential nodes that
// end in `latch-<seq>`, with the candidate's ID as data. So latches of Curator and
// candidates of this package can be in one directory, and see each other as
// participants. The names of this package are `_c_<uuid>-z<priority>-latch-<seq>`.
// Curator reads only the part after `latch-`. The directory's data has the name of
// the successor that a leader hands over to.
//
// A latch of Curator never stands aside. If one is ahead of the successor, HandOver
// returns ErrForeignAhead. No candidate stands aside for a priority behind it.
//
// In kazoo's dialect (Config.Dialect) the layout is that of kazoo's Election. There
// all nodes look alike, so every candidate counts as foreign, and there are no
// priorities.
//
// # Without a request
//
// Election.IsLeader, Leading and Known answer from memory, for health checks and
// logs.
//
// # A restart
//
// A leader can hand its leadership to the next process of the same service, with the
// same token: Leadership.Detach, then zk.Client.Detach, and in the next process
// zk.Config.Resume and Election.Resume. To hand it to another candidate use HandOver.
//
// # Rights
//
// A candidate needs READ, CREATE and DELETE on the directory, and READ on the nodes
// of all candidates, its own included. So Config.ACL must grant READ. Without it
// Campaign fails with zk.ErrNoAuth, or the leader's Context ends with it as soon as
// the leader has to watch its own node. HandOver to a candidate by name needs WRITE on
// the directory. An observer needs READ on the directory and the nodes.
//
// # What the caller must do
//
// Stop when the Context ends, and let the store that has the data check the token. Call
// Resign in any case. After zk.ErrLeaseLapsed the session may live on, and the node stays
// in the queue until Resign. Nobody leads meanwhile. Run calls it by itself.
package election
