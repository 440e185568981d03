package refused

import (
	"errors"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// Explain returns err as a *recipes.RightError, if it is the NoAuth of a request
// from which the missing right follows. It returns every other error as it is.
func Explain(err error) error {
	e, ok := errors.AsType[*zk.OpError](err)
	if !ok || !errors.Is(err, zk.ErrNoAuth) {
		return err
	}
	if _, done := errors.AsType[*recipes.RightError](err); done {
		return err
	}
	switch e.Op {
	case "create":
		return &recipes.RightError{Path: zk.Parent(e.Path), Right: zk.PermCreate, Err: err}
	case "delete":
		return &recipes.RightError{Path: zk.Parent(e.Path), Right: zk.PermDelete, Err: err}
	case "set":
		return &recipes.RightError{Path: e.Path, Right: zk.PermWrite, Err: err}
	case "exists", "get", "children":
		return &recipes.RightError{Path: e.Path, Right: zk.PermRead, Err: err}
	}
	return err
}
