package zk

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/proto"
)

// The descriptor says nothing about the lease: who commits a reconfig depends on the
// old and the new configuration.
var opReconfig = define(operation{code: proto.OpReconfig, lacking: Compat3_4, noNode: lacksAny, decode: decodeNode})

// AnyConfig, as the version of Client.Reconfig, changes the configuration whatever its
// version is.
const AnyConfig int64 = -1

// Reconfig changes the configuration of the ensemble: which servers it has, and
// their roles and addresses. It returns the new configuration when a quorum of the
// old servers and one of the new servers have it.
//
// The change is made only if the configuration still has the given version (see
// EnsembleConfig.Version), or if the version is AnyConfig. A chroot does not matter
// to it.
//
// Servers that join must be running already. A quorum of the new configuration must
// follow the leader and be up to date. Servers that leave go on running until they
// are stopped. Clients that are connected to them may lose the connection.
//
// A request that cannot succeed is not sent: the error wraps ErrBadArguments, and
// names everything that is wrong with it. The server refuses with one of these:
//
//   - ErrNoAuth: only the super user may change the configuration, unless its ACL was
//     changed or the servers run with skipACL.
//   - ErrReconfigDisabled: the servers run without reconfigEnabled.
//   - ErrBadVersion: the configuration has another version.
//   - ErrNewConfigNoQuorum: too few servers of the new configuration run and are up
//     to date.
//   - ErrReconfigInProgress: another change is not complete.
//   - ErrBadArguments: the leader takes the new configuration for invalid. Its log
//     says why.
//   - ErrUnimplemented: the server runs alone. (A server before 3.5 answers it too.)
//
// A reconfig is a write: it is never repeated, and its error has an Outcome. Often
// the leader or the client's own server leaves with it, and the connection is lost
// before the reply. Then the outcome is unknown. A Sync and EnsembleConfig show
// whether the change was made.
func (c *Client) Reconfig(ctx context.Context, change Reconfig, version int64) (EnsembleConfig, error) {
	n, err := run(ctx, c, c.calls.reconfigCall(&change, version), takeNode)
	if err != nil {
		return EnsembleConfig{}, explainReconfig(err, version)
	}
	e, err := ParseEnsembleConfig(n.Data)
	if err != nil {
		err = fmt.Errorf("the change was made, but the new configuration is not readable: %w", err)
		return EnsembleConfig{}, &OpError{Op: opReconfig.String(), Outcome: OutcomeUnknown, Err: err}
	}
	return e, nil
}

func (cs *calls) reconfigCall(change *Reconfig, version int64) *call {
	cl := cs.newCall(opReconfig, "")
	wire, err := change.wire(version)
	if err != nil {
		cl.err = fmt.Errorf("%w: %w", ErrBadArguments, err)
	}
	cl.req.Frame = wire.Append(cl.req.Frame)
	return cl
}

// reconfigHints says what to do about a refusal.
var reconfigHints = map[Code]string{
	ErrNoAuth:             "only the super user may change /zookeeper/config: authenticate with DigestAuth as super (the servers need superDigest), or change its ACL as super, or run the servers with skipACL",
	ErrReconfigDisabled:   "set reconfigEnabled=true in the configuration of every server",
	ErrNewConfigNoQuorum:  "start the servers that join first: most voting servers of the new configuration must follow the leader and be up to date",
	ErrReconfigInProgress: "wait until the other change is complete, and read the configuration again",
	ErrBadArguments:       "the log of the leader says why",
	ErrUnimplemented:      "the server runs alone or is older than 3.5",
}

// explainReconfig adds to a refusal of the server what to do about it.
func explainReconfig(err error, version int64) error {
	e, ok := errors.AsType[*OpError](err)
	if !ok || e.Outcome != OutcomeRejected {
		return err
	}
	code, ok := errors.AsType[Code](e.Err)
	switch hint := reconfigHints[code]; {
	case ok && code == ErrBadVersion:
		e.Err = fmt.Errorf("%w: the configuration has not the version %x: read it again", e.Err, version)
	case ok && hint != "":
		e.Err = hinted(e.Err, hint)
	}
	return err
}
