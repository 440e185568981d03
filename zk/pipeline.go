package zk

import (
	"fmt"
	"sync/atomic"
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
//
// Its methods stand beside those of Client: get.go has Client.Get and Pipeline.Get.
type Pipeline struct {
	c *Client

	in     uint64                // the session of the first request (call.in), 0 before it; guarded by core.mu
	broken atomic.Pointer[error] // why it is broken, nil while it is not
}

// Watched is the result of a read that set a watch.
type Watched[R any] struct {
	Value R
	Watch *Watch // nil where the server sets none
}

// Pipeline returns a new, unbroken pipeline. It is cheap: make one for every few
// requests that belong together.
func (c *Client) Pipeline() *Pipeline { return &Pipeline{c: c} }

// Err returns why the pipeline is broken, nil while it is not.
func (p *Pipeline) Err() error {
	if err := p.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// breakOff breaks the pipeline; the first cause stays.
func (p *Pipeline) breakOff(cause error) {
	if p.Err() == nil {
		err := fmt.Errorf("%w: %w", ErrPipelineBroken, cause)
		p.broken.CompareAndSwap(nil, &err)
	}
}

// admit decides whether a request may follow the earlier ones.
func (p *Pipeline) admit(cl *call) error {
	if err := p.Err(); err != nil {
		return err
	}
	if p.in == 0 {
		p.in = cl.in
	}
	if p.in != cl.in {
		return ErrSessionExpired
	}
	return nil
}
