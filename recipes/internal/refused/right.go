package refused

import (
	"errors"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// Explain returns err as a *recipes.RightError, if it is the NoAuth of a request
// from which the missing right follows. It returns every other error as it is.
func Explain(err error) error {
	if !errors.Is(err, zk.ErrNoAuth) {
		return err
	}
	if _, done := errors.AsType[*recipes.RightError](err); done {
		return err
	}
	// The request may be inside the error of a call that is no request itself.
	for e, ok := errors.AsType[*zk.OpError](err); ok; e, ok = errors.AsType[*zk.OpError](e.Err) {
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
	}
	return err
}

// ExplainMulti is Explain for the error of a transaction, of which only the results
// say which op was refused.
func ExplainMulti(results []zk.OpResult, err error) error {
	if !errors.Is(err, zk.ErrNoAuth) {
		return err
	}
	for _, r := range results {
		if r.State != zk.OpFailed {
			continue
		}
		switch r.Kind {
		case zk.OpCreate:
			return &recipes.RightError{Path: zk.Parent(r.Path), Right: zk.PermCreate, Err: err}
		case zk.OpDelete:
			return &recipes.RightError{Path: zk.Parent(r.Path), Right: zk.PermDelete, Err: err}
		case zk.OpSet:
			return &recipes.RightError{Path: r.Path, Right: zk.PermWrite, Err: err}
		case zk.OpCheck:
			return &recipes.RightError{Path: r.Path, Right: zk.PermRead, Err: err}
		}
	}
	return err
}
