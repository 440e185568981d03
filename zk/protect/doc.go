// Package protect resolves creates whose reply was lost, and deletes nodes that
// nobody needs any more.
//
// # Protected creates
//
// If the reply to the create of a sequential node is lost, the program does not know
// its name. A protected node has a GUID in its name, as in Curator:
// "_c_<GUID>-n-0000000007". [Create] finds the node by it after the reconnect, or
// creates the node if the first request did not run.
//
//	made, err := protect.Create(ctx, client, "/queue/n-", nil, zk.EphemeralSequential)
//
// A program that sends the create by itself, in a [zk.Pipeline] or a multi, uses the
// parts: [NewGUID] and [Path] make the name, and [Find] finds the node.
//
// # Abandoned nodes
//
// A node that the program no longer wants, and cannot delete now, goes to [Abandon].
// The client's janitor deletes it in the background: it repeats the delete until the
// server has confirmed that the node is gone, or that its session is over. If only
// the GUID of the node is known, it goes to [AbandonGUID].
//
// Each client has one janitor. It starts with the first abandoned node, and has no
// goroutine while no node is left. [zk.Client.Close] joins it, and its error names
// every node that is not known to be gone. Such an error wraps [zk.ErrUnconfirmed].
package protect
