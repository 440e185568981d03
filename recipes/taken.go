package recipes

import "fmt"

// TakenError says that the id of a member or an instance is taken. It names the
// node that has the id, and the node's owner. ZooKeeper does not show whether the
// owner is alive. errors.Is finds ErrIDTaken in it.
type TakenError struct {
	Path string // of the node

	// Owner is the id of the session that owns the node. It is 0 if the node is not
	// ephemeral, or if another part of this process is about to create it.
	Owner int64
	// Czxid is that of the node. It is 0 if another part of this process is about to
	// create the node.
	Czxid int64
}

// Error names the node and its owner.
func (e *TakenError) Error() string {
	switch {
	case e.Czxid == 0:
		return fmt.Sprintf("%s is in use by another part of this process", e.Path)
	case e.Owner == 0:
		return fmt.Sprintf("%s is a node that is not ephemeral", e.Path)
	}
	return fmt.Sprintf("%s belongs to session 0x%x", e.Path, uint64(e.Owner))
}

// Is reports whether target is ErrIDTaken.
func (e *TakenError) Is(target error) bool { return target == ErrIDTaken }
