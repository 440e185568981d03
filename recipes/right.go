package recipes

import (
	"fmt"

	"github.com/zookit/zookit/zk"
)

// RightError says that the server refused a request because a right is missing. It
// names the right and the node. errors.Is finds zk.ErrNoAuth in it, and errors.As
// finds the *zk.OpError of the request.
type RightError struct {
	// Path is the node whose ACL does not grant the right. For a create or delete it
	// is the parent.
	Path  string
	Right zk.Perm // a single right
	Err   error   // the server's answer
}

// Error names the request and the right.
func (e *RightError) Error() string {
	return fmt.Sprintf("%v: %v on %s is missing", e.Err, e.Right, e.Path)
}

// Unwrap returns Err.
func (e *RightError) Unwrap() error { return e.Err }
