package docs_test

import (
	"errors"
	"testing"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/fourletter"
	"github.com/zookit/zookit/zk/settle"
	"github.com/zookit/zookit/zk/tree"
)

// TestErrors_CoreListsEachName compares the errors of the core by name with the source.
func TestErrors_CoreListsEachName(t *testing.T) {
	checkNames(t, "## The core", []string{"../zk", "../zktest", "../contrib"}, map[string]error{
		"zk.ErrClosed": zk.ErrClosed, "zk.ErrDetached": zk.ErrDetached, "zk.ErrMoved": zk.ErrMoved,
		"zk.ErrInvalidConfig": zk.ErrInvalidConfig, "zk.ErrLeaseLapsed": zk.ErrLeaseLapsed,
		"zk.ErrTooLarge": zk.ErrTooLarge, "zk.ErrReplyTooLarge": zk.ErrReplyTooLarge,
		"zk.ErrPipelineBroken": zk.ErrPipelineBroken, "zk.ErrBoundExpired": zk.ErrBoundExpired,
		"zk.ErrForeignOp": zk.ErrForeignOp, "zk.ErrWatchLost": zk.ErrWatchLost, "zk.ErrWatchStopped": zk.ErrWatchStopped,
		"zk.ErrUnconfirmed": zk.ErrUnconfirmed, "zk.ErrNoChroot": zk.ErrNoChroot, "zk.ErrInvalidPath": zk.ErrInvalidPath,
		"zk.ErrReadOnly": zk.ErrReadOnly, "zk.ErrProtocol": zk.ErrProtocol, "zk.ErrSilent": zk.ErrSilent,
		"zk.ErrSlowReply": zk.ErrSlowReply, "zk.ErrServersChanged": zk.ErrServersChanged, "zk.ErrEnsembleConfig": zk.ErrEnsembleConfig,

		"*zk.OpError":            &zk.OpError{Op: "set", Path: "/orders/17", Outcome: zk.OutcomeRejected, Err: zk.ErrBadVersion},
		"*zk.AuthError":          &zk.AuthError{Name: "digest", Server: "zk1:2181", Err: zk.ErrAuthFailed},
		"*zk.CompatError":        &zk.CompatError{What: "addWatch", Compat: zk.Compat3_5, Since: zk.Compat3_6},
		"*zk.ServerError":        badServer(t),
		"*zk.ReplyTooLargeError": &zk.ReplyTooLargeError{Size: 2000, Limit: 1000},

		"zk.Code": zk.Code(-999), "zk.ErrSystemError": zk.ErrSystemError, "zk.ErrRuntimeInconsistency": zk.ErrRuntimeInconsistency,
		"zk.ErrDataInconsistency": zk.ErrDataInconsistency, "zk.ErrConnectionLoss": zk.ErrConnectionLoss, "zk.ErrMarshalling": zk.ErrMarshalling,
		"zk.ErrUnimplemented": zk.ErrUnimplemented, "zk.ErrOperationTimeout": zk.ErrOperationTimeout, "zk.ErrBadArguments": zk.ErrBadArguments,
		"zk.ErrUnknownSession": zk.ErrUnknownSession, "zk.ErrNewConfigNoQuorum": zk.ErrNewConfigNoQuorum,
		"zk.ErrReconfigInProgress": zk.ErrReconfigInProgress, "zk.ErrAPI": zk.ErrAPI, "zk.ErrNoNode": zk.ErrNoNode, "zk.ErrNoAuth": zk.ErrNoAuth,
		"zk.ErrBadVersion": zk.ErrBadVersion, "zk.ErrNoChildrenForEphemerals": zk.ErrNoChildrenForEphemerals, "zk.ErrNodeExists": zk.ErrNodeExists,
		"zk.ErrNotEmpty": zk.ErrNotEmpty, "zk.ErrSessionExpired": zk.ErrSessionExpired, "zk.ErrInvalidCallback": zk.ErrInvalidCallback,
		"zk.ErrInvalidACL": zk.ErrInvalidACL, "zk.ErrAuthFailed": zk.ErrAuthFailed, "zk.ErrSessionMoved": zk.ErrSessionMoved,
		"zk.ErrNotReadOnly": zk.ErrNotReadOnly, "zk.ErrEphemeralOnLocalSession": zk.ErrEphemeralOnLocalSession, "zk.ErrNoWatcher": zk.ErrNoWatcher,
		"zk.ErrRequestTimeout": zk.ErrRequestTimeout, "zk.ErrReconfigDisabled": zk.ErrReconfigDisabled, "zk.ErrSaslRequired": zk.ErrSaslRequired,
		"zk.ErrQuotaExceeded": zk.ErrQuotaExceeded, "zk.ErrThrottled": zk.ErrThrottled,

		"settle.ErrUnsettled": settle.ErrUnsettled, "settle.ErrNoChange": settle.ErrNoChange,
		"tree.ErrEphemeral": tree.ErrEphemeral, "tree.ErrHiddenACL": tree.ErrHiddenACL,
		"*fourletter.Error":       &fourletter.Error{Addr: "zk1:2181", Word: "ruok", Err: fourletter.ErrTooLarge},
		"fourletter.ErrNotListed": fourletter.ErrNotListed, "fourletter.ErrNotServing": fourletter.ErrNotServing,
		"fourletter.ErrSilent": fourletter.ErrSilent, "fourletter.ErrNoAnswer": fourletter.ErrNoAnswer,
		"fourletter.ErrNotZooKeeper": fourletter.ErrNotZooKeeper, "fourletter.ErrTooLarge": fourletter.ErrTooLarge,

		"zkkrb5.ErrConfig": nil, "zkcontainer.ErrNoEngine": nil, "zkcontainer.ErrNoImage": nil,
	})
}

// badServer returns a zk.ServerError.
func badServer(t *testing.T) error {
	var bad *zk.ServerError
	err := zk.Config{Servers: "h1:x"}.Validate()
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	return bad
}
