package zk

import (
	"fmt"
	"slices"

	"github.com/zookit/zookit/internal/proto"
)

// The operations that set watches again. Only the second can set persistent ones.
var (
	opSetWatches  = define(operation{code: proto.OpSetWatches, read: true})
	opSetWatches2 = define(operation{code: proto.OpSetWatches2, lacking: Compat3_5, read: true})
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

// checkWatchedPath refuses a path that could be watched but not restored: it does
// not fit into a frame of its own. The frame that removes a watch is smaller.
func (r runner) checkWatchedPath(path string) error {
	if n := restoreHead + 4 + len(path); n > r.c.cfg.MaxRequestSize {
		return fmt.Errorf("%w: %d bytes to restore the watch, limit %d", ErrTooLarge, n, r.c.cfg.MaxRequestSize)
	}
	return nil
}

// restore returns the requests that set every watch again on a new connection,
// with the zxid that was known before its handshake.
func (ws *watches) restore(zxid int64) []*call {
	c := ws.c
	room := min(restoreFrame-proto.FrameHeader, c.cfg.MaxRequestSize) - restoreHead
	var calls []*call
	watches := 0
	for _, f := range ws.table.Restore(room) {
		op := opSetWatches
		if len(f.Set.Persistent)+len(f.Set.Recursive) > 0 {
			op = opSetWatches2
		}
		f.Set.RelativeZxid = zxid
		cl := c.calls.newCall(op, "")
		cl.req.Frame = f.Set.Append(cl.req.Frame, op.code)
		cl.req.Xid = proto.XidSetWatches
		cl.withParts().paths = f.Paths
		calls = append(calls, cl)
		watches += len(f.Paths)
	}
	if n := len(calls); n > 0 {
		c.later(func() { c.log.Debug("zk: restoring watches", "watches", watches, "requests", n) })
	}
	return calls
}

// shownPaths is how many paths of refused watches are logged.
const shownPaths = 3

// Refused ends the watches that the server has refused to restore.
func (ws *watches) Refused(cl *call) {
	paths := cl.restores()
	first := slices.Clone(paths[:min(shownPaths, len(paths))])
	for i, path := range first {
		first[i] = ws.c.root.strip(path)
	}
	ws.c.log.Error("zk: watches not restored", "watches", len(paths), "first", first, why(cl.err))
	ws.c.Lock()
	defer ws.c.Unlock()
	ws.table.Refused(paths)
}
