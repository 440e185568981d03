package zk

import (
	"context"

	"github.com/zookit/zookit/internal/proto"
)

// The leader takes part in the answer, so it can renew the lease.
var opSync = define(operation{code: proto.OpSync, read: true, by: byLeader, prompt: true, decode: decodePath})

// Sync returns when the client's server has caught up with all that the leader had
// committed when the request reached it. A read after it sees at least that. Without
// a Sync, a read may miss a write that another client knows to be done, because
// servers lag behind each other.
//
// A Sync and a read together are not linearizable: a leader that was deposed, and
// does not know it yet, answers too.
func (c *Client) Sync(ctx context.Context, path string) error {
	_, err := run(ctx, c, c.calls.pathCall(opSync, path), takeNothing)
	return err
}

// Sync is Client.Sync.
func (p *Pipeline) Sync(ctx context.Context, path string) *Future[struct{}] {
	return enqueue(ctx, p, p.c.calls.pathCall(opSync, path), takeNothing)
}

// decodePath skips the body. It is the path of the request again.
func decodePath(_ *call, r *proto.Reader) { r.View() }
