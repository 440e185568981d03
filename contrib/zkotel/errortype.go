package zkotel

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// other is the type of an error that is not listed. The conventions name it.
const other = "_OTHER"

// sentinel is an error with the value of error.type for it.
type sentinel struct {
	err  error
	name string
}

// before are errors that say more than the code that they may wrap.
var before = []sentinel{
	{recipes.ErrHeld, "held"},
	{recipes.ErrDeleted, "deleted"},
	{recipes.ErrForeign, "foreign_contender"},
	{recipes.ErrSequenceExhausted, "sequence_exhausted"},
	{recipes.ErrIDTaken, "id_taken"},
	{recipes.ErrNotHeld, "not_held"},
	{zk.ErrLeaseLapsed, "lease_lapsed"},
	{zk.ErrBoundExpired, "session_expired"},
	{zk.ErrNoChroot, "no_chroot"},
	{zk.ErrClosed, "closed"},
}

// names are the types of the codes. A server can send any number as a code, so a code
// that is not listed has no type of its own.
var names = map[zk.Code]string{
	zk.ErrSystemError:             "system_error",
	zk.ErrRuntimeInconsistency:    "runtime_inconsistency",
	zk.ErrDataInconsistency:       "data_inconsistency",
	zk.ErrConnectionLoss:          "connection_loss",
	zk.ErrMarshalling:             "marshalling_error",
	zk.ErrUnimplemented:           "unimplemented",
	zk.ErrOperationTimeout:        "operation_timeout",
	zk.ErrBadArguments:            "bad_arguments",
	zk.ErrUnknownSession:          "unknown_session",
	zk.ErrNewConfigNoQuorum:       "new_config_no_quorum",
	zk.ErrReconfigInProgress:      "reconfig_in_progress",
	zk.ErrAPI:                     "api_error",
	zk.ErrNoNode:                  "no_node",
	zk.ErrNoAuth:                  "no_auth",
	zk.ErrBadVersion:              "bad_version",
	zk.ErrNoChildrenForEphemerals: "no_children_for_ephemerals",
	zk.ErrNodeExists:              "node_exists",
	zk.ErrNotEmpty:                "not_empty",
	zk.ErrSessionExpired:          "session_expired",
	zk.ErrInvalidCallback:         "invalid_callback",
	zk.ErrInvalidACL:              "invalid_acl",
	zk.ErrAuthFailed:              "auth_failed",
	zk.ErrSessionMoved:            "session_moved",
	zk.ErrNotReadOnly:             "not_read_only",
	zk.ErrEphemeralOnLocalSession: "ephemeral_on_local_session",
	zk.ErrNoWatcher:               "no_watcher",
	zk.ErrRequestTimeout:          "request_timeout",
	zk.ErrReconfigDisabled:        "reconfig_disabled",
	zk.ErrSaslRequired:            "sasl_required",
	zk.ErrQuotaExceeded:           "quota_exceeded",
	zk.ErrThrottled:               "throttled",
}

// after are errors without a code. A context that has ended comes last: its cause says
// more.
var after = []sentinel{
	{zk.ErrTooLarge, "request_too_large"},
	{zk.ErrReplyTooLarge, "reply_too_large"},
	{zk.ErrPipelineBroken, "pipeline_broken"},
	{zk.ErrForeignOp, "foreign_op"},
	{zk.ErrWatchLost, "watch_lost"},
	{zk.ErrInvalidPath, "invalid_path"},
	{zk.ErrReadOnly, "read_only"},
	{zk.ErrProtocol, "protocol"},
	{zk.ErrSilent, "silent"},
	{zk.ErrSlowReply, "slow_reply"},
	{zk.ErrUnconfirmed, "unconfirmed"},
	{context.DeadlineExceeded, "deadline_exceeded"},
	{context.Canceled, "canceled"},
	{io.EOF, "connection_loss"},
	{net.ErrClosed, "connection_loss"},
}

// typeOf returns the value of error.type for an error, "" for nil.
func typeOf(err error) string {
	if err == nil {
		return ""
	}
	if name := find(before, err); name != "" {
		return name
	}
	if code, ok := errors.AsType[zk.Code](err); ok {
		if name := names[code]; name != "" {
			return name
		}
		return other
	}
	if name := find(after, err); name != "" {
		return name
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return "connection_loss"
	}
	return other
}

func find(list []sentinel, err error) string {
	for _, s := range list {
		if errors.Is(err, s.err) {
			return s.name
		}
	}
	return ""
}
