package zktest_test

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// once gives v for the first request of op, and Pass for all others.
func once(s *zktest.Server, op string, v zktest.Verdict) {
	done := false // needs no lock: the hooks of one connection run one after the other
	s.OnRequest(func(q zktest.Request) zktest.Verdict {
		if q.Op != op || done {
			return zktest.Pass
		}
		done = true
		return v
	})
}

func TestOnRequest_Verdicts(t *testing.T) {
	for _, test := range []struct {
		name     string
		verdict  zktest.Verdict
		executed bool
		then     func(t *testing.T, s *zktest.Server, c *rawClient, xid int32)
	}{
		{"Pass", zktest.Pass, true, func(t *testing.T, s *zktest.Server, c *rawClient, xid int32) {
			c.wantCode("create", c.recv().Err, proto.OK)
		}},
		{"DropReply", zktest.DropReply, true, func(t *testing.T, s *zktest.Server, c *rawClient, xid int32) {
			if p := c.do(proto.OpSync, proto.AppendString(nil, "/")); p.Xid != xid+1 {
				t.Errorf("next reply: %+v", p)
			}
		}},
		{"DropReplyAndCut", zktest.DropReplyAndCut, true, wantReset},
		{"CutReplyAfter", zktest.CutReplyAfter(7), true, func(t *testing.T, s *zktest.Server, c *rawClient, xid int32) {
			got, err := io.ReadAll(c.br)
			if len(got) != 7 || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%d bytes, then %v", len(got), err)
			}
		}},
		{"CutBefore", zktest.CutBefore, false, wantReset},
		{"Hang", zktest.Hang, false, func(t *testing.T, s *zktest.Server, c *rawClient, xid int32) {
			c.send(proto.OpPing, nil)
			c.silentFor(5 * time.Second)
			c.nc.Close()
			synctest.Wait()
			if n := s.Connections(1); n != 0 {
				t.Errorf("%d connections after the client has gone", n)
			}
		}},
		{"Fail", zktest.Fail(-13), false, func(t *testing.T, s *zktest.Server, c *rawClient, xid int32) {
			if p := c.recv(); p.Xid != xid || p.Err != proto.NewConfigNoQuorum || len(p.body) != 0 {
				t.Errorf("reply %+v", p)
			}
			c.get("/", false)
		}},
		{"RawReply", zktest.RawReply([]byte{1, 2, 3}), false, func(t *testing.T, s *zktest.Server, c *rawClient, xid int32) {
			if frame, err := c.read(); err != nil || string(frame) != "\x01\x02\x03" {
				t.Errorf("frame %x, %v", frame, err)
			}
			c.get("/", false)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
				c := connect(t, s)
				once(s, "create", test.verdict)
				test.then(t, s, c, sendCreate(t, c))
				if s.Exists("/x") != test.executed {
					t.Errorf("executed: %v", s.Exists("/x"))
				}
			})
		})
	}
}

// sendCreate sends a sync and a create of /x. It receives the reply to the sync, which
// no verdict about the create may affect, and returns the xid of the create.
func sendCreate(t *testing.T, c *rawClient) int32 {
	t.Helper()
	before := c.send(proto.OpSync, proto.AppendString(nil, "/"))
	xid := c.send(proto.OpCreate, (&proto.MultiOp{Op: proto.OpCreate, Path: "/x", ACL: openACL}).Append(nil))
	if p := c.recv(); p.Xid != before {
		t.Errorf("the reply before it: %+v", p)
	}
	return xid
}

func wantReset(t *testing.T, _ *zktest.Server, c *rawClient, _ int32) {
	t.Helper()
	if err := c.ended(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("ended: %v", err)
	}
}

func TestOnRequest_Sees(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 2}, func(t *testing.T, s *zktest.Server) {
		c := connectTo(t, s, addr2, time.Minute)
		var seen []zktest.Request
		s.OnRequest(func(q zktest.Request) zktest.Verdict {
			seen = append(seen, q)
			if q.Op == "get" {
				s.CutConnections(1) // a hook may call the server
			}
			return zktest.Pass
		})
		want := func(op, path string, xid int32) {
			t.Helper()
			w := zktest.Request{Server: 2, Session: c.id, Xid: xid, Op: op, Path: path}
			if len(seen) != 1 || seen[0] != w {
				t.Errorf("seen %+v, want %+v", seen, w)
			}
			seen = nil
		}
		c.create("/a", "", 0)
		want("create", "/a", 1)
		c.get("/a", false)
		want("get", "/a", 2)
		c.do(proto.OpMulti, proto.AppendMultiRequest(nil, []proto.MultiOp{{Op: proto.OpCheck, Path: "/a"}}))
		want("multi", "/a", 3)
		c.do(proto.OpPing, nil)
		want("ping", "", proto.XidPing)
		c.do(proto.OpSetWatches, (&proto.SetWatches{}).Append(nil, proto.OpSetWatches))
		want("setWatches", "", proto.XidSetWatches)
		s.OnRequest(nil)
		c.do(proto.OpPing, nil)
		if seen != nil {
			t.Errorf("seen after the end: %+v", seen)
		}
		if n := s.Requests(); n != 6 {
			t.Errorf("%d requests counted", n)
		}
	})
}

func TestOnConnect_Verdicts(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		var seen []zktest.Connect
		s.OnConnect(func(q zktest.Connect) zktest.Verdict { seen = append(seen, q); return zktest.Pass })
		c := connect(t, s)
		resume(t, s, addr1, c)
		if want := (zktest.Connect{Server: 1, Session: c.id}); len(seen) != 2 || seen[1] != want {
			t.Errorf("seen %+v, want %+v", seen, want)
		}
		try := func(v zktest.Verdict) ([]byte, error) {
			s.OnConnect(func(q zktest.Connect) zktest.Verdict { return v })
			n := dial(t, s, addr1)
			n.write((&proto.ConnectRequest{TimeoutMillis: 5000, Password: make([]byte, 16)}).Append(nil))
			n.nc.SetReadDeadline(time.Now().Add(time.Second))
			return n.read()
		}
		sessions := len(s.Sessions())
		if _, err := try(zktest.Hang); !isTimeout(err) {
			t.Errorf("Hang: %v", err)
		}
		if _, err := try(zktest.CutBefore); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("CutBefore: %v", err)
		}
		if frame, err := try(zktest.RawReply([]byte("xyz"))); err != nil || string(frame) != "xyz" {
			t.Errorf("RawReply: %q %v", frame, err)
		}
		sessions++ // the server opened the session all the same
		if frame, err := try(zktest.Fail(-1)); err != nil || len(frame) != 37 || frame[7] != 0 {
			t.Errorf("Fail: %x %v", frame, err)
		}
		if got := len(s.Sessions()); got != sessions {
			t.Errorf("%d sessions, want %d", got, sessions)
		}
		if _, err := try(zktest.DropReplyAndCut); !errors.Is(err, syscall.ECONNRESET) || len(s.Sessions()) != sessions+1 {
			t.Errorf("DropReplyAndCut: %v, %d sessions", err, len(s.Sessions()))
		}
	})
}
