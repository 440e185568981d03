package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/watchtable"
)

// ensembleConfigPath is the path of the node in which the servers keep the
// configuration of the ensemble. No chroot is put before it.
const ensembleConfigPath = "/zookeeper/config"

var opEnsembleConfig = define(operation{
	code: proto.OpGetData, read: true, noNode: lacksAny, watch: watchtable.Data, decode: decodeNode,
})

// EnsembleConfig reads the configuration of the ensemble: its servers, their roles and
// addresses, and its version. It reads the node /zookeeper/config of the connected
// server, which may lag behind; a Sync before it makes that server catch up. A chroot
// does not matter to it. A server that runs alone has no configuration: the result has
// no servers then.
//
// It fails with ErrEnsembleConfig if the node has something else, and with ErrNoNode on
// servers before 3.5, which have no such node.
func (c *Client) EnsembleConfig(ctx context.Context) (EnsembleConfig, error) {
	n, err := run(ctx, c, c.core.calls.ensembleConfigCall(false), takeNode)
	if err != nil {
		return EnsembleConfig{}, err
	}
	return n.ensembleConfig()
}

// EnsembleConfigW is EnsembleConfig with a watch that fires when the configuration
// changes. After an error there is no watch.
func (c *Client) EnsembleConfigW(ctx context.Context) (EnsembleConfig, *Watch, error) {
	n, err := run(ctx, c, c.core.calls.ensembleConfigCall(true), takeNodeW)
	if err != nil {
		return EnsembleConfig{}, nil, err
	}
	e, err := n.Value.ensembleConfig()
	if err != nil {
		n.Watch.Stop()
		return EnsembleConfig{}, nil, err
	}
	return e, n.Watch, nil
}

func (cs *calls) ensembleConfigCall(watch bool) *call {
	cl := cs.newCall(opEnsembleConfig, ensembleConfigPath)
	q := proto.PathWatch{Path: ensembleConfigPath, Watch: watch}
	cl.req.Frame = q.Append(cl.req.Frame)
	if watch {
		cl.reg.Path = ensembleConfigPath
	}
	return cl
}

// ensembleConfig parses the data of the node. The server has answered, so the outcome
// of the read is not in doubt.
func (n Node) ensembleConfig() (EnsembleConfig, error) {
	e, err := ParseEnsembleConfig(n.Data)
	if err != nil {
		return e, &OpError{Op: opEnsembleConfig.String(), Path: ensembleConfigPath, Outcome: OutcomeRejected, Err: err}
	}
	return e, nil
}
