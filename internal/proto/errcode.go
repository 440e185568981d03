package proto

import "strconv"

// ErrCode is the err field of a reply header: OK, or why the server refused the
// request.
type ErrCode int32

// Every code of Apache ZooKeeper 3.9's KeeperException.
const (
	OK                           ErrCode = 0
	SystemError                  ErrCode = -1
	RuntimeInconsistency         ErrCode = -2
	DataInconsistency            ErrCode = -3
	ConnectionLoss               ErrCode = -4
	MarshallingError             ErrCode = -5
	Unimplemented                ErrCode = -6
	OperationTimeout             ErrCode = -7
	BadArguments                 ErrCode = -8
	UnknownSession               ErrCode = -12
	NewConfigNoQuorum            ErrCode = -13
	ReconfigInProgress           ErrCode = -14
	APIError                     ErrCode = -100
	NoNode                       ErrCode = -101
	NoAuth                       ErrCode = -102
	BadVersion                   ErrCode = -103
	NoChildrenForEphemerals      ErrCode = -108
	NodeExists                   ErrCode = -110
	NotEmpty                     ErrCode = -111
	SessionExpired               ErrCode = -112
	InvalidCallback              ErrCode = -113
	InvalidACL                   ErrCode = -114
	AuthFailed                   ErrCode = -115
	SessionMoved                 ErrCode = -118
	NotReadOnly                  ErrCode = -119
	EphemeralOnLocalSession      ErrCode = -120
	NoWatcher                    ErrCode = -121
	RequestTimeout               ErrCode = -122
	ReconfigDisabled             ErrCode = -123
	SessionClosedRequireSaslAuth ErrCode = -124
	QuotaExceeded                ErrCode = -125
	ThrottledOp                  ErrCode = -127
)

var errText = map[ErrCode]string{
	OK:                           "ok",
	SystemError:                  "system error",
	RuntimeInconsistency:         "runtime inconsistency",
	DataInconsistency:            "data inconsistency",
	ConnectionLoss:               "connection loss",
	MarshallingError:             "marshalling error",
	Unimplemented:                "unimplemented",
	OperationTimeout:             "operation timeout",
	BadArguments:                 "bad arguments",
	UnknownSession:               "unknown session",
	NewConfigNoQuorum:            "new config has no quorum",
	ReconfigInProgress:           "reconfig in progress",
	APIError:                     "api error",
	NoNode:                       "node does not exist",
	NoAuth:                       "not authorized",
	BadVersion:                   "version conflict",
	NoChildrenForEphemerals:      "ephemeral nodes may not have children",
	NodeExists:                   "node already exists",
	NotEmpty:                     "node has children",
	SessionExpired:               "session expired",
	InvalidCallback:              "invalid callback",
	InvalidACL:                   "invalid acl",
	AuthFailed:                   "authentication failed",
	SessionMoved:                 "session moved to another server",
	NotReadOnly:                  "not allowed on a read-only server",
	EphemeralOnLocalSession:      "ephemeral node on a local session",
	NoWatcher:                    "no such watcher",
	RequestTimeout:               "request timeout",
	ReconfigDisabled:             "reconfig is disabled",
	SessionClosedRequireSaslAuth: "session closed: authentication is required",
	QuotaExceeded:                "quota exceeded",
	ThrottledOp:                  "operation throttled",
}

// String returns what the code means. For an unknown code it returns the number.
func (e ErrCode) String() string {
	if s, ok := errText[e]; ok {
		return s
	}
	return "unknown error code " + strconv.Itoa(int(e))
}
