// Package settle makes writes whose outcome is known in the end, where the server can tell
// it.
//
// When a connection is lost before the reply to a write has come, the write may have run
// or not. The client says so (zk.OutcomeUnknown) and never repeats it. The functions of
// this package read the node then, and repeat the write if it has not run. What they read
// follows a sync, so that it is not older than the loss.
//
//	function      what is compared                    what cannot be told
//	Update        czxid, version, data if Unique      who wrote, if the node has changed; see Update
//	Set           version, data                       who wrote, if the node has changed again
//	Create        owner, version, data                whose it is, if the node has changed
//	Delete        czxid                               nothing: czxids never come again
//	protect.Create (package zk/protect)
//	              a GUID in the name                  nothing
//
// Where it cannot be told, the error wraps ErrUnsettled, and its outcome is
// zk.OutcomeUnknown.
//
// Each function goes on over lost connections and expired sessions, with the pauses of
// zk.Config.BackOff, until its context ends. Without a loss it makes the same requests as
// a program would by hand.
package settle
