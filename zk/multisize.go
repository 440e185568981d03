package zk

import "github.com/zookit/zookit/internal/proto"

// MultiSize returns how many bytes a Multi of ops takes as a request of this
// client, and how many it may take: Config.MaxRequestSize. Above that Multi fails
// with ErrTooLarge.
//
// Use it for a transaction that grows with its task, to find out before the work
// whether the transaction will fit. If Multi would refuse an op for another reason,
// the size counts only the ops before it.
func (c *Client) MultiSize(ops ...Op) (size, limit int) {
	cl := c.calls.multiCall(ops)
	defer cl.free()
	return len(cl.req.Frame) - proto.FrameHeader, c.cfg.MaxRequestSize
}
