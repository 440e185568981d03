// Package tree works on whole subtrees: it creates a node with its parents, and walks,
// copies and deletes a subtree.
//
// ZooKeeper has no request for any of that. The functions of this package make one
// request or a few for each node, and keep many of them on the way at a time. They run
// on the goroutine of their caller and start no other.
//
// None of them is a transaction. Other clients may change the subtree meanwhile. Each
// function says what that means for it.
//
// All of them go on over lost connections and expired sessions, with the pauses of
// zk.Config.BackOff, until their context ends.
package tree
