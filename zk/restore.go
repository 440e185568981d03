package zk

import (
	"fmt"
	"maps"
	"slices"

	"github.com/zookit/zookit/internal/proto"
)

const (
	// restoreFrame bounds a frame of watches to restore, with its length. One frame
	// with all watches could be larger than the server accepts. The server would then
	// end every new connection. For the same reason Config.MaxRequestSize bounds it.
	restoreFrame = 128 << 10
	// restoreHead is the size of the other parts of such a frame, without its length
	// and its paths: the header, the zxid and five counts.
	restoreHead = 8 + 8 + 5*4
)

// restoreRoom returns how many bytes of paths a frame of watches to restore holds,
// each path with its length.
func (c *Client) restoreRoom() int {
	return min(restoreFrame-proto.FrameHeader, c.cfg.MaxRequestSize) - restoreHead
}

// checkWatchedPath refuses a path that could be watched but not restored: it does
// not fit into a frame of its own. The frame that removes a watch is smaller.
func (c *Client) checkWatchedPath(path string) error {
	if n := restoreHead + 4 + len(path); n > c.cfg.MaxRequestSize {
		return fmt.Errorf("%w: %d bytes to restore the watch, limit %d", ErrTooLarge, n, c.cfg.MaxRequestSize)
	}
	return nil
}

// restore returns the requests that set every watch again on a new connection,
// with the zxid that was known before its handshake. The server fires a one-shot
// watch at once if its node has changed since. It replays nothing for a persistent
// watch, so the subscriptions get a resync. A program that reads again on the
// resync does so after these requests. Needs c.mu.
func (t *watchTable) restore(c *Client, zxid int64) []*call {
	b := restoreBatch{c: c, zxid: zxid}
	// Lasting watches go last. Where a path has one-shots too, a server up to 3.8
	// keeps only the mode that was set last, and that must be the lasting one.
	paths := slices.Collect(maps.Keys(t.paths))
	for _, path := range paths {
		p := t.paths[path]
		p.onData, p.onKids = false, false
		for kind, list := range []*[]string{&b.set.Data, &b.set.Exist, &b.set.Child} {
			if p.one[kind] == nil {
				continue
			}
			b.add(list, path)
			p.onData = p.onData || watchKind(kind) != watchChild
			p.onKids = p.onKids || watchKind(kind) == watchChild
		}
	}
	for _, path := range paths {
		p := t.paths[path]
		p.mode = p.wanted()
		p.held = p.mode
		switch p.mode {
		case modePersistent:
			b.add(&b.set.Persistent, path)
		case modeRecursive:
			b.add(&b.set.Recursive, path)
		}
		if p.mode != modeNone {
			p.onData, p.onKids = false, false
		}
		for s := p.subs; s != nil; s = s.next {
			s.resync()
		}
	}
	b.flush()
	return b.calls
}

// restoreBatch collects paths into frames.
type restoreBatch struct {
	c     *Client
	zxid  int64
	set   proto.SetWatches
	paths []string
	size  int
	calls []*call
}

func (b *restoreBatch) add(list *[]string, path string) {
	if n := len(path) + 4; b.size+n > b.c.restoreRoom() && b.size > 0 {
		b.flush()
	}
	b.size += len(path) + 4
	*list = append(*list, path)
	b.paths = append(b.paths, path)
}

func (b *restoreBatch) flush() {
	if b.size == 0 {
		return
	}
	op := proto.OpSetWatches
	if len(b.set.Persistent)+len(b.set.Recursive) > 0 {
		op = proto.OpSetWatches2
	}
	b.set.RelativeZxid = b.zxid
	cl := b.c.newCall(op, "")
	cl.req.Frame = b.set.Append(cl.req.Frame, op)
	cl.req.Xid = proto.XidSetWatches
	cl.paths = b.paths
	b.calls = append(b.calls, cl)
	b.set, b.paths, b.size = proto.SetWatches{}, nil, 0
}

// refusedWatches ends the watches that the server has refused to restore. A watch
// that is silently dead is worse than none.
func (c *Client) refusedWatches(cl *call) {
	c.log.Error("zk: watches not restored", "paths", len(cl.paths), "why", cl.err)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.watches
	for _, path := range cl.paths {
		if p := t.paths[path]; p != nil {
			p.held, p.onData, p.onKids = modeNone, false, false
			t.finish(p, ErrWatchLost)
		}
	}
}
