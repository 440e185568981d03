// Package presence keeps an ephemeral node at its path. When the session of the
// node ends, the package creates the node again in the next session. Packages
// groupmembership and discovery are built on it.
//
// A Keeper manages the nodes of one recipe on one client; Keeper.Start creates a
// Node. The promises:
//
//   - Registered means that the server showed the node, with the session of this
//     client as its owner. The Context of a Registered status ends before the
//     ensemble can have expired that session. Its cause is the reason.
//   - A Node never adopts or writes to the node of another client. It deletes a
//     node only if an earlier session of its own client created it. It waits up to
//     WaitOut for another client's node to be deleted. If that node is still there
//     afterwards, or another client has created the next one, the Node ends with
//     ErrIDTaken.
//   - The next registration is created with the newest data. Update returns nil
//     when that data, or newer data, is stored.
//   - A reconnect inside the session changes nothing on the server.
//   - The Node tries to register, with a back-off, until it succeeds or Leave is
//     called. If the server refuses (NoAuth), the status has the reason with the
//     missing right (recipes.RightError), and the Node retries slowly.
//   - After Leave no node is left, and none appears later. What Leave could not
//     confirm in its time, the client's janitor completes.
//
// Two small windows remain, because a delete can check a node's version but not its
// owner.
//
//  1. Removing our node. This session reads its node at version v. An operator
//     deletes the node. Another session creates a node at the same path, also at
//     version v. The delete of this session removes the other node.
//  2. Taking over the node of our own earlier session. This session reads the old
//     node. The old session expires. Another session creates a node with the same
//     version. The transaction of this session deletes that node.
//
// If the deleted node belonged to another Node, that Node creates it again.
package presence
