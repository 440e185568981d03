package zk

import "github.com/zookit/zookit/internal/proto"

// Code is an error code of Apache ZooKeeper. Every code is its own sentinel:
// errors.Is(err, zk.ErrNoNode) holds for whatever error carries that code. A
// code that this package has no name for keeps its number.
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

// verdict reports whether a reply with this code settles what became of the
// request. ConnectionLoss, SessionMoved, the timeouts and the code for "I do
// not know this session" come from a server that passed a request on or took
// it back without knowing, so they leave the outcome open.
func (c Code) verdict() bool {
	switch c {
	case ErrConnectionLoss, ErrSessionMoved, ErrOperationTimeout, ErrRequestTimeout,
		ErrSystemError, ErrRuntimeInconsistency, ErrDataInconsistency:
		return false
	}
	return true
}

// movesOn reports whether a reply with this code says that the session is not at
// home on its connection: it lives elsewhere, or it is over. The server may go on
// answering so for ever. The handshake of the next connection decides.
func (c Code) movesOn() bool { return c == ErrSessionMoved || c == ErrSessionExpired }

// leaderVerdict reports whether only the leader can have answered a write with
// this code. Others (a full queue, a bad frame, a local session) may come from
// the client's own server alone and say nothing of the quorum.
func (c Code) leaderVerdict() bool {
	switch c {
	case ErrNoNode, ErrNoAuth, ErrBadVersion, ErrNoChildrenForEphemerals, ErrNodeExists, ErrNotEmpty:
		return true
	}
	return false
}
