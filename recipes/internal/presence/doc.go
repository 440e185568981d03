// Package presence keeps an ephemeral node at its path, whatever becomes of the
// session that it was created in. Group membership and service discovery stand
// on it. It is written once, here.
//
// A Keeper is for the nodes of one recipe and client; Start makes one. Its
// promises:
//
//   - Registered means that the node was seen on the server with the session of
//     this client as its owner. The Context of a Registered status ends before
//     the ensemble can have expired that session, with the reason as its cause.
//   - A node of anybody else's is never taken for ours, never written to, and
//     deleted only if it belongs to an earlier session of this Keeper's client.
//     Another's is waited out for WaitOut. One that is there after that, or that
//     was created anew by another meanwhile, ends the Node with ErrIDTaken.
//   - The newest data wins: it is what the next registration is created with.
//     Update returns nil when that, or newer, data is stored.
//   - A reconnect inside the session changes nothing on the server.
//   - Registering is tried, with a back-off, until it succeeds or Leave. What the
//     server refuses (NoAuth) shows in the status, with the right that is missing
//     (recipes.RightError), and is tried again slowly.
//   - After Leave no node is left, and none appears later. What Leave could not
//     confirm in its time, the client's janitor goes on with.
//
// Two small windows are left, since ZooKeeper can check a node's version, but
// not its owner, in the request that deletes it. When an operator deletes our
// node and another session creates its own between our look at the node and the
// delete behind it, the delete hits the other's if it has the same version; and
// so does the taking over of a node of our own earlier session, if that expires
// in between. A Node whose node was hit creates it again.
package presence
