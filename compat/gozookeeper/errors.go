package zk

import (
	"context"
	"errors"

	"github.com/zookit/zookit/zk"
)

// ErrCode is an error code of a server.
type ErrCode int32

// The errors. A program may compare them with ==: a call returns them as they are.
var (
	// ErrConnectionClosed: the connection was lost before the reply came, and a write may
	// have run. A call on a client that is closed returns it too.
	ErrConnectionClosed        = errors.New("zk: connection closed")
	ErrUnknown                 = errors.New("zk: unknown error")
	ErrAPIError                = errors.New("zk: api error")
	ErrNoNode                  = errors.New("zk: node does not exist")
	ErrNoAuth                  = errors.New("zk: not authenticated")
	ErrBadVersion              = errors.New("zk: version conflict")
	ErrNoChildrenForEphemerals = errors.New("zk: ephemeral nodes may not have children")
	ErrNodeExists              = errors.New("zk: node already exists")
	ErrNotEmpty                = errors.New("zk: node has children")
	ErrSessionExpired          = errors.New("zk: session has been expired by the server")
	ErrInvalidACL              = errors.New("zk: invalid ACL specified")
	ErrInvalidFlags            = errors.New("zk: invalid flags specified")
	ErrAuthFailed              = errors.New("zk: client authentication failed")
	ErrClosing                 = errors.New("zk: zookeeper is closing")
	ErrNothing                 = errors.New("zk: no server responses to process")
	ErrSessionMoved            = errors.New("zk: session moved to another server, so operation is ignored")
	ErrReconfigDisabled        = errors.New("attempts to perform a reconfiguration operation when reconfiguration feature is disabled")
	ErrBadArguments            = errors.New("invalid arguments")
	// ErrInvalidPath: the path is not valid.
	ErrInvalidPath = errors.New("zk: invalid path")
	// ErrNoServer: all servers of the list were tried, and none could be used.
	ErrNoServer = errors.New("zk: could not connect to a server")

	// ErrDeadlock: the Lock is held already.
	ErrDeadlock = errors.New("zk: trying to acquire a lock twice")
	// ErrNotLocked: the Lock is not held.
	ErrNotLocked = errors.New("zk: not locked")

	// These are not returned. They are here so that programs that name them compile.
	ErrUnhandledFieldType = errors.New("zk: unhandled field type")
	ErrPtrExpected        = errors.New("zk: encode/decode expect a non-nil pointer to struct")
	ErrShortBuffer        = errors.New("zk: buffer too small")
)

// codes has the error of each code of a server that has one.
var codes = []struct{ of, is error }{
	{zk.ErrNoNode, ErrNoNode},
	{zk.ErrNoAuth, ErrNoAuth},
	{zk.ErrBadVersion, ErrBadVersion},
	{zk.ErrNoChildrenForEphemerals, ErrNoChildrenForEphemerals},
	{zk.ErrNodeExists, ErrNodeExists},
	{zk.ErrNotEmpty, ErrNotEmpty},
	{zk.ErrInvalidACL, ErrInvalidACL},
	{zk.ErrAuthFailed, ErrAuthFailed},
	{zk.ErrSessionMoved, ErrSessionMoved},
	{zk.ErrReconfigDisabled, ErrReconfigDisabled},
	{zk.ErrInvalidPath, ErrInvalidPath},
	{zk.ErrSessionExpired, ErrSessionExpired},
	{zk.ErrClosed, ErrConnectionClosed},
	{zk.ErrConnectionLoss, ErrConnectionClosed},
	{zk.ErrReplyTooLarge, ErrConnectionClosed},
	{zk.ErrBadArguments, ErrBadArguments},
	{zk.ErrAPI, ErrAPIError},
	{ErrNoServer, ErrNoServer},
	{context.Canceled, ErrConnectionClosed},
}

// translated returns an error of zookit as this package has it: one of its variables,
// where there is one. Other errors keep their text.
func translated(err error) error {
	if err == nil {
		return nil
	}
	for _, c := range codes {
		if errors.Is(err, c.of) {
			return c.is
		}
	}
	var code zk.Code
	if errors.As(err, &code) {
		return ErrUnknown
	}
	return err
}
