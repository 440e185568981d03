package zk

import (
	"context"
	"fmt"
	"sync"

	"github.com/zookit/zookit/internal/proto"
)

// Pipeline is the ordered asynchronous form of the client's calls. A call returns
// as soon as its request is queued. ctx bounds only the wait for room in the queue
// (Config.MaxInFlight). A queued request is not withdrawn when ctx ends.
//
// A Pipeline is a chain without holes. If one of its requests ends without a verdict
// of the server (outcome unknown, session expired, too large, no room, invalid), all
// later ones fail with ErrPipelineBroken, OutcomeNotSent. The pipeline stays broken.
// A request that the server refuses does not break it.
//
// All requests of a pipeline, reads too, belong to the session of the first one.
// Several goroutines may use it. Their requests are ordered as their calls return.
type Pipeline struct {
	c *Client

	mu  sync.Mutex // leaf lock; guards what follows
	in  uint64     // the session of the first request (call.in), 0 before it
	err error      // why it is broken
}

// Pipeline returns a new, unbroken pipeline. It is cheap: make one for every few
// requests that belong together.
func (c *Client) Pipeline() *Pipeline { return &Pipeline{c: c} }

// Err returns why the pipeline is broken, nil while it is not.
func (p *Pipeline) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// breakOff breaks the pipeline; the first cause stays.
func (p *Pipeline) breakOff(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = fmt.Errorf("%w: %w", ErrPipelineBroken, cause)
	}
}

// admit decides whether a request may follow the earlier ones. Needs c.mu.
func (p *Pipeline) admit(cl *call) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return p.err
	case p.in == 0:
		p.in = cl.in
	case p.in != cl.in:
		return ErrSessionExpired
	}
	return nil
}

// Create is Client.Create, except that it does not resolve a lost reply. A protected
// create needs ProtectedBy. If its outcome is unknown, use FindProtected.
func (p *Pipeline) Create(ctx context.Context, path string, data []byte, mode CreateMode, opts ...CreateOption) *Future[Created] {
	return enqueue(ctx, p, p.c.createCall(path, data, mode, optionsOf(opts)), takeCreated)
}

// Delete is Client.Delete.
func (p *Pipeline) Delete(ctx context.Context, path string, v Version) *Future[struct{}] {
	return enqueue(ctx, p, p.c.writeCall(path, deleteWire(v), ValidatePath(path)), takeNothing)
}

// Set is Client.Set.
func (p *Pipeline) Set(ctx context.Context, path string, data []byte, v Version) *Future[Stat] {
	return enqueue(ctx, p, p.c.writeCall(path, setWire(data, v), ValidatePath(path)), takeStat)
}

// SetACL is Client.SetACL.
func (p *Pipeline) SetACL(ctx context.Context, path string, acl []ACL, v Version) *Future[Stat] {
	return enqueue(ctx, p, p.c.setACLCall(path, acl, v), takeStat)
}

// Get is Client.Get.
func (p *Pipeline) Get(ctx context.Context, path string) *Future[Node] {
	return enqueue(ctx, p, p.c.readCall(proto.OpGetData, path, false), takeNode)
}

// GetW is Client.GetW.
func (p *Pipeline) GetW(ctx context.Context, path string) *Future[Watched[Node]] {
	return enqueue(ctx, p, p.c.readCall(proto.OpGetData, path, true), takeNodeW)
}

// Exists is Client.Exists.
func (p *Pipeline) Exists(ctx context.Context, path string) *Future[Existence] {
	return enqueue(ctx, p, p.c.readCall(proto.OpExists, path, false), takeExistence)
}

// ExistsW is Client.ExistsW.
func (p *Pipeline) ExistsW(ctx context.Context, path string) *Future[Watched[Existence]] {
	return enqueue(ctx, p, p.c.readCall(proto.OpExists, path, true), takeExistenceW)
}

// Children is Client.Children.
func (p *Pipeline) Children(ctx context.Context, path string) *Future[Listing] {
	return enqueue(ctx, p, p.c.readCall(proto.OpGetChildren2, path, false), takeListing)
}

// ChildrenW is Client.ChildrenW.
func (p *Pipeline) ChildrenW(ctx context.Context, path string) *Future[Watched[Listing]] {
	return enqueue(ctx, p, p.c.readCall(proto.OpGetChildren2, path, true), takeListingW)
}

// GetACL is Client.GetACL.
func (p *Pipeline) GetACL(ctx context.Context, path string) *Future[AccessList] {
	return enqueue(ctx, p, p.c.pathCall(proto.OpGetACL, path), takeACL)
}

// Sync is Client.Sync.
func (p *Pipeline) Sync(ctx context.Context, path string) *Future[struct{}] {
	return enqueue(ctx, p, p.c.pathCall(proto.OpSync, path), takeNothing)
}

// Multi is Client.Multi.
func (p *Pipeline) Multi(ctx context.Context, ops ...Op) *Future[[]OpResult] {
	return enqueue(ctx, p, p.c.multiCall(ops), takeMulti)
}
