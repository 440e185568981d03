package recipes

// Detached is a hold, or a registration, whose owner has given it up without deleting its
// node. The Detach methods of the recipes return it, and their Resume methods take it
// over: in this process, or in another one that has resumed the session
// (zk.Client.Detach). It holds no secret, and encoding/json writes it.
//
// Nothing but the session owns the node. If nobody resumes it, the node stays until the
// session ends, and others wait for it.
type Detached struct {
	Path  string `json:"path"`  // of the node
	Token int64  `json:"token"` // the node's czxid: the fencing token of the hold
}
