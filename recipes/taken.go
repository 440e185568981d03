package recipes

import "fmt"

// TakenError names the node that stands where ours should, and its owner: under
// the id of a member, or of an instance. ZooKeeper shows an owner, not whether it
// lives. errors.Is finds ErrIDTaken in it.
type TakenError struct {
	Path  string // of the node
	Owner int64  // id of its session; 0 for a node that is not ephemeral, or one of this process that is not there yet
	Czxid int64  // of the node; 0 if another part of this process is about to create it
}

// Error names the node and its owner.
func (e *TakenError) Error() string {
	switch {
	case e.Czxid == 0:
		return fmt.Sprintf("%s is in use by another of this process", e.Path)
	case e.Owner == 0:
		return fmt.Sprintf("%s is a node that is not ephemeral", e.Path)
	}
	return fmt.Sprintf("%s belongs to session 0x%x", e.Path, uint64(e.Owner))
}

// Is reports whether target is ErrIDTaken.
func (e *TakenError) Is(target error) bool { return target == ErrIDTaken }
