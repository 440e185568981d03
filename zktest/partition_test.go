package zktest_test

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// A member that is cut from its leader answers pings and reads while the majority
// expires the session. So these answers do not prove that the session is live.
func TestCutFromLeader_AnswersWhileTheSessionExpires(t *testing.T) {
	cfg := zktest.Config{Servers: 3, SyncLimit: 10, MinSessionTimeout: time.Second}
	inBubble(t, cfg, func(t *testing.T, s *zktest.Server) {
		start := time.Now()
		c, other := connectTo(t, s, addr2, 3*time.Second), connectTo(t, s, addr1, time.Minute)
		c.create("/e", "", proto.FlagEphemeral)
		c.exists("/seen", true)
		other.exists("/e", true)
		s.CutFromLeader(2, true)
		for range 9 {
			time.Sleep(time.Second)
			c.do(proto.OpPing, nil)
			if _, ok := c.exists("/e", false); !ok {
				t.Fatalf("the cut member shows the change after %v", time.Since(start))
			}
			other.do(proto.OpPing, nil)
		}
		other.wantEvents("Deleted /e")
		if s.Exists("/e") {
			t.Error("the session was kept alive")
		}
		other.create("/seen", "", 0)
		c.wantEvents()
		if _, ok := c.exists("/seen", false); ok {
			t.Error("the cut member shows a write that happened after the cut")
		}
		err := c.ended()
		if took := time.Since(start); !errors.Is(err, syscall.ECONNRESET) || took != 10*time.Second {
			t.Errorf("ended after %v by %v, want after SyncLimit", took, err)
		}
		if _, err := s.DialContext(t.Context(), "tcp", addr2); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
		s.CutFromLeader(2, false)
		if resume(t, s, addr2, c).id != 0 {
			t.Error("resumed")
		}
	})
}

func TestCutFromLeader_HoldsWhatNeedsTheLeader(t *testing.T) {
	for name, send := range map[string]func(c *rawClient) int32{
		"sync": func(c *rawClient) int32 { return c.send(proto.OpSync, proto.AppendString(nil, "/")) },
		"create": func(c *rawClient) int32 {
			return c.send(proto.OpCreate, (&proto.MultiOp{Op: proto.OpCreate, Path: "/x", ACL: openACL}).Append(nil))
		},
		"multi": func(c *rawClient) int32 { return c.send(proto.OpMulti, proto.AppendMultiRequest(nil, nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, zktest.Config{Servers: 2}, func(t *testing.T, s *zktest.Server) {
				c := connectTo(t, s, addr2, time.Minute)
				s.CutFromLeader(2, true)
				xid := send(c)
				c.send(proto.OpPing, nil) // waits behind the write
				late := dial(t, s, addr2)
				late.write((&proto.ConnectRequest{TimeoutMillis: 5000, Password: make([]byte, 16)}).Append(nil))
				c.silentFor(2 * time.Second)
				late.silentFor(time.Second)
				s.CutFromLeader(2, false)
				if a, b := c.recv(), c.recv(); a.Xid != xid || a.Err != proto.OK || b.Xid != proto.XidPing {
					t.Errorf("after the cut: %+v %+v", a, b)
				}
				if _, err := late.read(); err != nil {
					t.Errorf("late handshake: %v", err)
				}
			})
		})
	}
}

func TestCutFromLeader_HeldWritesAreLostWithTheMember(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 2, SyncLimit: 3}, func(t *testing.T, s *zktest.Server) {
		c := connectTo(t, s, addr2, time.Minute)
		s.CutFromLeader(2, true)
		c.send(proto.OpCreate, (&proto.MultiOp{Op: proto.OpCreate, Path: "/x", ACL: openACL}).Append(nil))
		if err := c.ended(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("ended: %v", err)
		}
		s.CutFromLeader(2, false)
		if r := resume(t, s, addr2, c); r.id != c.id {
			t.Error("not resumed")
		} else if _, ok := r.exists("/x", false); ok {
			t.Error("the write was executed")
		}
	})
}

func TestCutFromLeader_CatchesUpWhenHealedInTime(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 2}, func(t *testing.T, s *zktest.Server) {
		c, other := connectTo(t, s, addr2, 3*time.Second), connectTo(t, s, addr1, time.Minute)
		gone := connectTo(t, s, addr2, time.Minute)
		other.create("/a", "", 0)
		c.get("/a", true)
		c.children("/", true)
		s.CutFromLeader(2, true)
		c.exists("/b", true) // the cut member accepts watches
		time.Sleep(2 * time.Second)
		c.do(proto.OpPing, nil)
		other.set("/a", "x")
		other.create("/b", "", 0)
		other.delete("/b", -1)
		if err := s.ExpireSession(gone.id); err != nil {
			t.Fatal(err)
		}
		gone.do(proto.OpPing, nil) // its member does not know that the session has ended
		s.CutFromLeader(2, false)
		c.wantEvents("DataChanged /a", "Created /b", "ChildrenChanged /")
		if data, _ := c.get("/a", false); data != "x" {
			t.Errorf("data %q", data)
		}
		if err := gone.ended(); err != io.EOF {
			t.Errorf("the connection of the expired session: %v", err)
		}
		// The ping during the cut counts from the end of the cut.
		if took := elapsed(func() { c.ended() }); took != 4*time.Second {
			t.Errorf("expired after %v, want 4s", took)
		}
	})
}

func TestResume_OnAnotherMemberLeavesTheOldConnectionUntilItWrites(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 2}, func(t *testing.T, s *zktest.Server) {
		c := connectTo(t, s, addr1, time.Minute)
		again := resume(t, s, addr2, c)
		c.get("/", false)
		c.wantCode("sync", c.sync("/").Err, proto.OK)
		c.send(proto.OpDelete, (&proto.MultiOp{Op: proto.OpDelete, Path: "/none", Version: -1}).Append(nil))
		if err := c.ended(); err != io.EOF {
			t.Errorf("after a write: %v, want a close without a reply", err)
		}
		again.create("/x", "", 0)
	})
}

func TestIsolateLeader_AnswersSyncUntilItNotices(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 3}, func(t *testing.T, s *zktest.Server) {
		start := time.Now()
		c, other := connectTo(t, s, addr1, 3*time.Second), connectTo(t, s, addr2, 3*time.Second)
		c.create("/e", "", proto.FlagEphemeral)
		s.IsolateLeader(true)
		for range 4 {
			time.Sleep(time.Second)
			c.wantCode("sync", c.sync("/").Err, proto.OK)
			c.do(proto.OpPing, nil)
			other.do(proto.OpPing, nil)
		}
		c.send(proto.OpDelete, (&proto.MultiOp{Op: proto.OpDelete, Path: "/e", Version: -1}).Append(nil))
		err := c.ended()
		if took := time.Since(start); !errors.Is(err, syscall.ECONNRESET) || took != 5*time.Second {
			t.Errorf("leader's client ended after %v by %v", took, err)
		}
		if err := other.ended(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("follower's client: %v", err)
		}
		if _, err := s.DialContext(t.Context(), "tcp", addr1); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial the isolated leader: %v", err)
		}
		// Under the new leader every session's timeout starts again.
		w := resume(t, s, addr3, other)
		if _, ok := w.exists("/e", true); !ok {
			t.Error("the ephemeral is gone already")
		}
		time.Sleep(2 * time.Second)
		w.do(proto.OpPing, nil)
		time.Sleep(2*time.Second - time.Millisecond)
		w.wantEvents()
		time.Sleep(2 * time.Millisecond) // past the tick: exactly at the tick the order is random
		w.wantEvents("Deleted /e")
		s.IsolateLeader(false)
		connectTo(t, s, addr1, time.Minute).create("/x", "", 0)
	})
}

func TestIsolateLeader_AloneExpiresNoSession(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connectTo(t, s, addr1, 3*time.Second)
		s.IsolateLeader(true)
		if err := c.ended(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("ended: %v", err)
		}
		time.Sleep(time.Minute)
		s.IsolateLeader(false)
		if resume(t, s, addr1, c).id != c.id {
			t.Error("not resumed")
		}
	})
}
