package zktest_test

import (
	"io"
	"testing"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// The op codes are numbers here, so that a wrong constant in proto is found.
const (
	opCheckWatches proto.OpCode = 17
	opReconfig     proto.OpCode = 16
	opNeverDefined proto.OpCode = 999
)

// TestCheckWatches_AnswersAndChangesNothing checks for watches of each kind. The
// Java client sends such a request before it removes a single watcher.
func TestCheckWatches_AnswersAndChangesNothing(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		c.create("/a", "", 0)
		c.get("/a", true)
		c.children("/", true)
		for _, ask := range []struct {
			path string
			typ  int32
			want proto.ErrCode
		}{
			{"/a", proto.RemoveData, proto.OK},
			{"/a", proto.RemoveChildren, proto.NoWatcher},
			{"/a", proto.RemoveAny, proto.OK},
			{"/", proto.RemoveData, proto.NoWatcher},
			{"/", proto.RemoveChildren, proto.OK},
			{"/", proto.RemoveAny, proto.OK},
			{"/b", proto.RemoveAny, proto.NoWatcher},
			{"/a", 0, proto.MarshallingError},
			{"/a", 6, proto.MarshallingError},
		} {
			got := c.pathMode(opCheckWatches, ask.path, ask.typ)
			if got != ask.want {
				t.Errorf("checkWatches %s type %d: %v, want %v", ask.path, ask.typ, got, ask.want)
			}
		}
		if got := c.do(opCheckWatches, nil).Err; got != proto.MarshallingError {
			t.Errorf("checkWatches without a body: %v, want %v", got, proto.MarshallingError)
		}
		c.set("/a", "x")
		c.create("/b", "", 0)
		c.wantEvents("DataChanged /a", "ChildrenChanged /")
	})
}

// TestUnknownOp_EndsTheConnection also sends a known op that is disabled, after
// which the connection stays open.
func TestUnknownOp_EndsTheConnection(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		q := proto.AppendString(proto.AppendString(proto.AppendString(nil, ""), ""), "")
		before := s.Zxid()
		p := c.do(opReconfig, proto.AppendInt64(q, -1))
		if p.Err != proto.ReconfigDisabled || s.Zxid() != before+1 {
			t.Errorf("reconfig: %v and %d zxids, want %v and 1", p.Err, s.Zxid()-before, proto.ReconfigDisabled)
		}
		c.set("/", "the connection stays")

		p = c.do(opNeverDefined, nil)
		if p.Err != proto.Unimplemented || p.Zxid != -1 {
			t.Errorf("an unknown op: %v zxid %d, want %v zxid -1", p.Err, p.Zxid, proto.Unimplemented)
		}
		if err := c.ended(); err != io.EOF {
			t.Errorf("behind it: %v, want EOF", err)
		}
	})
}
