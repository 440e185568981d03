package recipes

import (
	"fmt"

	"github.com/zookit/zookit/zk"
)

// RightError says which right is missing, and on which node, for want of which
// the server refused a request. errors.Is finds zk.ErrNoAuth in it, and errors.As
// the *zk.OpError of the request.
type RightError struct {
	Path  string  // of the node whose ACL does not grant the right: of a create or delete, the parent
	Right zk.Perm // one
	Err   error   // the refusal
}

// Error names the request and the right.
func (e *RightError) Error() string {
	return fmt.Sprintf("%v: %v on %s is missing", e.Err, e.Right, e.Path)
}

// Unwrap returns Err.
func (e *RightError) Unwrap() error { return e.Err }
