package zk

import "github.com/zookit/zookit/internal/proto"

// Code is an error code of Apache ZooKeeper. Every code is its own sentinel:
// errors.Is(err, zk.ErrNoNode) holds for every error that carries that code. A
// code that has no name in this package keeps its number.
type Code int32

// Every code of Apache ZooKeeper 3.9.
const (
	ErrSystemError             = Code(proto.SystemError)
	ErrRuntimeInconsistency    = Code(proto.RuntimeInconsistency)
	ErrDataInconsistency       = Code(proto.DataInconsistency)
	ErrConnectionLoss          = Code(proto.ConnectionLoss)
	ErrMarshalling             = Code(proto.MarshallingError)
	ErrUnimplemented           = Code(proto.Unimplemented)
	ErrOperationTimeout        = Code(proto.OperationTimeout)
	ErrBadArguments            = Code(proto.BadArguments)
	ErrUnknownSession          = Code(proto.UnknownSession)
	ErrNewConfigNoQuorum       = Code(proto.NewConfigNoQuorum)
	ErrReconfigInProgress      = Code(proto.ReconfigInProgress)
	ErrAPI                     = Code(proto.APIError)
	ErrNoNode                  = Code(proto.NoNode)
	ErrNoAuth                  = Code(proto.NoAuth)
	ErrBadVersion              = Code(proto.BadVersion)
	ErrNoChildrenForEphemerals = Code(proto.NoChildrenForEphemerals)
	ErrNodeExists              = Code(proto.NodeExists)
	ErrNotEmpty                = Code(proto.NotEmpty)
	ErrSessionExpired          = Code(proto.SessionExpired)
	ErrInvalidCallback         = Code(proto.InvalidCallback)
	ErrInvalidACL              = Code(proto.InvalidACL)
	ErrAuthFailed              = Code(proto.AuthFailed)
	ErrSessionMoved            = Code(proto.SessionMoved)
	ErrNotReadOnly             = Code(proto.NotReadOnly)
	ErrEphemeralOnLocalSession = Code(proto.EphemeralOnLocalSession)
	ErrNoWatcher               = Code(proto.NoWatcher)
	ErrRequestTimeout          = Code(proto.RequestTimeout)
	ErrReconfigDisabled        = Code(proto.ReconfigDisabled)
	ErrSaslRequired            = Code(proto.SessionClosedRequireSaslAuth)
	ErrQuotaExceeded           = Code(proto.QuotaExceeded)
	ErrThrottled               = Code(proto.ThrottledOp)
)

// Error returns what the code means.
func (c Code) Error() string { return proto.ErrCode(c).String() }

// verdict reports whether a reply with this code settles the outcome of the
// request. ConnectionLoss, SessionMoved, the timeouts and the internal errors do
// not. The server that sends them does not know itself whether the request ran.
func (c Code) verdict() bool {
	switch c {
	case ErrConnectionLoss, ErrSessionMoved, ErrOperationTimeout, ErrRequestTimeout,
		ErrSystemError, ErrRuntimeInconsistency, ErrDataInconsistency:
		return false
	}
	return true
}

// movesOn reports whether a reply with this code makes the client leave the
// connection: the session has moved to another server, or is over. The server may
// answer so for ever. The handshake of the next connection shows which it is.
func (c Code) movesOn() bool { return c == ErrSessionMoved || c == ErrSessionExpired }

// leaderVerdict reports whether only the leader can have answered a write with
// this code. The client's own server may send the other codes without the leader
// (for a full queue, a bad frame or a local session). They prove nothing.
func (c Code) leaderVerdict() bool {
	switch c {
	case ErrNoNode, ErrNoAuth, ErrBadVersion, ErrNoChildrenForEphemerals, ErrNodeExists, ErrNotEmpty:
		return true
	}
	return false
}
