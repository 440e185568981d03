package zk

import "github.com/zookit/zookit/internal/proto"

// MultiSize returns how many bytes a Multi of ops takes as a request of this
// client, and how many it may take: Config.MaxRequestSize. Above that Multi fails
// with ErrTooLarge. It is for transactions that grow with their task: whether one
// can ever be made shows before the work that leads to it. Ops that Multi would
// refuse for another reason count up to the first of them.
func (c *Client) MultiSize(ops ...Op) (size, limit int) {
	cl := c.multiCall(ops)
	defer c.freeCall(cl)
	return len(cl.req.Frame) - proto.FrameHeader, c.cfg.MaxRequestSize
}
