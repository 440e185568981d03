package zktest_test

import (
	"errors"
	"io"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// inBubble runs f in virtual time, with a server whose tick is one second. The
// bubble fails if a goroutine of the server outlives Close.
func inBubble(t *testing.T, cfg zktest.Config, f func(t *testing.T, s *zktest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if cfg.TickTime == 0 {
			cfg.TickTime = time.Second
		}
		f(t, zktest.Start(t, cfg))
	})
}

func TestTree_LifeOfANode(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		now := time.Now().UnixMilli()
		path, st := c.create("/a", "one", proto.FlagPersistent)
		want := proto.Stat{Czxid: c.zxid, Mzxid: c.zxid, Pzxid: c.zxid, Ctime: now, Mtime: now, DataLength: 3}
		if path != "/a" || st != want {
			t.Errorf("create: %s %+v, want %+v", path, st, want)
		}
		if p := c.createReply("/a", "", 0); p.Err != proto.NodeExists || len(p.body) != 0 || p.Zxid != st.Czxid+1 {
			t.Errorf("create again: %+v", p)
		}
		time.Sleep(time.Second)
		if st := c.set("/a", "three"); st.Version != 1 || st.Mzxid != c.zxid || st.Mtime != now+1000 || st.Ctime != now {
			t.Errorf("set: %+v", st)
		}
		c.wantCode("set by an old version", c.setReply("/a", "x", 0).Err, proto.BadVersion)
		if data, st := c.get("/a", false); data != "three" || st.DataLength != 5 || st.Version != 1 {
			t.Errorf("get: %q %+v", data, st)
		}
		c.create("/a/b", "", 0)
		c.wantCode("delete with a child", c.delete("/a", -1), proto.NotEmpty)
		if got := c.children("/a", false); !slices.Equal(got, []string{"b"}) {
			t.Errorf("children: %q", got)
		}
		c.wantCode("delete", c.delete("/a/b", 0), proto.OK)
		if st, ok := c.exists("/a", false); !ok || st.Cversion != 2 || st.NumChildren != 0 || st.Pzxid != c.zxid {
			t.Errorf("exists: %+v %v", st, ok)
		}
		c.wantCode("delete by an old version", c.delete("/a", 0), proto.BadVersion)
		c.wantCode("delete", c.delete("/a", 1), proto.OK)
		c.wantCode("delete again", c.delete("/a", 1), proto.NoNode)
		c.wantCode("create without parent", c.createReply("/a/b", "", 0).Err, proto.NoNode)
	})
}

func TestTree_SequencesAndEphemerals(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c, other := connect(t, s), connect(t, s)
		c.create("/q", "", 0)
		c.create("/q/plain", "", 0)
		path, st := c.create("/q/n-", "", proto.FlagEphemeralSequential)
		if path != "/q/n-0000000001" || st.EphemeralOwner != c.id {
			t.Errorf("sequential: %s %+v", path, st)
		}
		if s.Owner(path) != c.id {
			t.Errorf("owner %#x, want %#x", s.Owner(path), c.id)
		}
		c.wantCode("child of an ephemeral", c.createReply(path+"/x", "", 0).Err, proto.NoChildrenForEphemerals)
		other.children("/q", true)
		c.closeSession()
		if err := c.ended(); err != io.EOF {
			t.Errorf("after closeSession: %v, want EOF", err)
		}
		other.wantEvents("ChildrenChanged /q")
		if got := other.children("/q", false); !slices.Equal(got, []string{"plain"}) {
			t.Errorf("children: %q", got)
		}
		for _, overflow := range []struct {
			next int64
			want []string
		}{
			{-1, []string{"-000000001", "0000000000"}},
			{2147483646, []string{"2147483646", "2147483647", "2147483647"}},
		} {
			if err := s.SetSequence("/q", overflow.next); err != nil {
				t.Fatal(err)
			}
			for i, want := range overflow.want {
				path, _ := other.create("/q/"+string(rune('a'+i)), "", proto.FlagPersistentSequential)
				if got := path[len("/q/a"):]; got != want {
					t.Errorf("suffix %d from %d: %s, want %s", i, overflow.next, got, want)
				}
			}
		}
	})
}

func TestWatches_OneShot(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		w, c := connect(t, s), connect(t, s)
		if _, ok := w.exists("/a", true); ok {
			t.Error("/a exists")
		}
		w.children("/", true)
		c.create("/a", "", 0)
		w.wantEvents("Created /a", "ChildrenChanged /")
		c.set("/a", "x")
		w.wantEvents()
		w.get("/a", true)
		w.children("/a", true)
		c.set("/a", "y")
		w.wantEvents("DataChanged /a")
		w.get("/a", true)
		c.delete("/a", -1)
		w.wantEvents("Deleted /a") // one event, though data and children were watched
		if n := s.Watches(); n != 0 {
			t.Errorf("%d watches left: %v", n, s.WatchPaths())
		}
		// The event of a client's own write comes before the reply of the write.
		w.exists("/b", true)
		w.send(proto.OpCreate, (&proto.MultiOp{Op: proto.OpCreate, Path: "/b", ACL: openACL}).Append(nil))
		w.recv()
		if len(w.events) != 1 {
			t.Errorf("events before the reply: %v", w.events)
		}
	})
}

func TestSessions_ExpireAtATickBoundary(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		start := time.Now()
		w := connectTo(t, s, addr1, time.Minute)
		time.Sleep(300 * time.Millisecond)
		c := connectTo(t, s, addr1, 2500*time.Millisecond)
		if c.timeout != 2500*time.Millisecond {
			t.Errorf("timeout %v", c.timeout)
		}
		c.create("/e", "", proto.FlagEphemeral)
		time.Sleep(2 * time.Second)
		c.do(proto.OpPing, nil) // at 2.3 s: the session ends at the first tick after 4.8 s
		w.exists("/e", true)
		err := c.ended()
		if took := time.Since(start); err != io.EOF || took != 5*time.Second {
			t.Errorf("ended by %v after %v, want EOF after 5s", err, took)
		}
		w.wantEvents("Deleted /e")
		if again := resume(t, s, addr1, c); again.id != 0 || again.timeout != 0 || again.ended() != io.EOF {
			t.Errorf("resumed as %#x with %v", again.id, again.timeout)
		}
		if got := s.Sessions(); !slices.Equal(got, []int64{w.id}) {
			t.Errorf("sessions %v", got)
		}
	})
}

func TestSessions_ResumeKeepsEphemeralsAndEndsTheOldConnection(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		c.create("/e", "", proto.FlagEphemeral)
		c.exists("/e", true)
		again := resume(t, s, addr1, c)
		if again.id != c.id {
			t.Fatalf("resumed as %#x, want %#x", again.id, c.id)
		}
		if err := c.ended(); err != io.EOF {
			t.Errorf("old connection: %v", err)
		}
		if _, ok := again.exists("/e", false); !ok {
			t.Error("the ephemeral is gone")
		}
		if n := s.Watches(); n != 0 {
			t.Errorf("%d watches outlived their connection", n)
		}
		again.password[3]++
		if wrong := resume(t, s, addr1, again); wrong.id != 0 {
			t.Error("resumed with a wrong password")
		}
		again.password[3]--
		again.zxid += 1000
		ahead := dial(t, s, addr1)
		q := proto.ConnectRequest{LastZxidSeen: again.zxid, SessionID: again.id, Password: again.password}
		ahead.write(q.Append(nil))
		if _, err := ahead.read(); err != io.EOF {
			t.Errorf("a client ahead of the server: %v, want EOF without a reply", err)
		}
	})
}

func TestDown_RefusesAndCloses(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 2}, func(t *testing.T, s *zktest.Server) {
		if got := s.ConnectString(); got != addr1+","+addr2 {
			t.Errorf("connect string %q", got)
		}
		c := connectTo(t, s, addr2, time.Minute)
		c.exists("/x", true)
		connect(t, s).create("/x", "", 0)
		synctest.Wait() // until the event is sent
		s.Down(2, true)
		if err := c.ended(); err != io.EOF {
			t.Errorf("the connection of a server that went down: %v, want EOF", err)
		}
		if len(c.events) != 1 {
			t.Errorf("events %v, want the one that was written before", c.events)
		}
		if _, err := s.DialContext(t.Context(), "tcp", addr2); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
		if r := resume(t, s, addr1, c); r.id != c.id {
			t.Error("not resumed on the other server")
		}
		s.Down(2, false)
		connectTo(t, s, addr2, time.Minute).create("/y", "", 0)
	})
}
