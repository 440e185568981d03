package zktest_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

func TestListen_ServesTheSameTreeOverTCP(t *testing.T) {
	defer goleak.VerifyNone(t)
	s, err := zktest.New(zktest.Config{Servers: 2})
	if err != nil {
		t.Fatal(err)
	}
	var clients []*rawClient
	for server := 1; server <= 2; server++ {
		addr, err := s.ListenServer(server, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c := newRawClient(t, nc)
		c.handshake(proto.ConnectRequest{TimeoutMillis: 10000, Password: make([]byte, 16)})
		clients = append(clients, c)
	}
	mem := connect(t, s)
	clients[0].create("/x", "over TCP", 0)
	if data, _ := mem.get("/x", false); data != "over TCP" {
		t.Errorf("read %q", data)
	}
	clients[1].exists("/y", true)
	mem.create("/y", "", 0)
	clients[1].wantEvents("Created /y")
	s.CutConnections(2)
	if err := clients[1].ended(); err == nil {
		t.Error("not cut")
	}
	clients[0].get("/x", false)
	a, b := net.Pipe()
	s.ServeConn(b, 1)
	made := newRawClient(t, a)
	made.handshake(proto.ConnectRequest{TimeoutMillis: 10000, Password: make([]byte, 16)})
	made.get("/x", false)

	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	for _, c := range append(clients[:1], mem, made) {
		if err := c.ended(); err == nil {
			t.Error("a connection outlived Close")
		}
	}
	if _, err := s.Listen("127.0.0.1:0"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("listen after Close: %v", err)
	}
	if _, err := s.DialContext(t.Context(), "tcp", addr1); err == nil {
		t.Error("dial after Close")
	}
}

func TestClose_WhileEverythingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.Start(t, zktest.Config{Servers: 2})
		once(s, "get", zktest.Hang)
		hung, cut, silent := connect(t, s), connectTo(t, s, addr2, time.Minute), connect(t, s)
		hung.send(proto.OpGetData, (&proto.PathWatch{Path: "/"}).Append(nil))
		s.CutFromLeader(2, true)
		cut.send(proto.OpSync, proto.AppendString(nil, "/"))
		synctest.Wait()
		s.Silence(1, true)
		silent.send(proto.OpPing, nil)
		dial(t, s, addr1) // no handshake
		synctest.Wait()
		s.Close() // the bubble fails if a goroutine remains
	})
}

func TestLimits_ALargerFrameEndsTheConnectionWithoutAReply(t *testing.T) {
	inBubble(t, zktest.Config{MaxRequestSize: 1000}, func(t *testing.T, s *zktest.Server) {
		const header = 8
		q := proto.MultiOp{Op: proto.OpCreate, Path: "/x", ACL: openACL}
		q.Data = make([]byte, 1000-header-len(q.Append(nil)))
		c := connect(t, s)
		c.wantCode("create", c.do(proto.OpCreate, q.Append(nil)).Err, proto.OK)
		c.send(proto.OpSetData, make([]byte, 1000-header+1))
		if err := c.ended(); err != io.EOF {
			t.Errorf("ended: %v", err)
		}
		negative := connect(t, s)
		negative.nc.Write([]byte{0xff, 0xff, 0xff, 0xff})
		if err := negative.ended(); err != io.EOF {
			t.Errorf("ended: %v", err)
		}
	})
}

func TestOldServer_AnswersUnimplemented(t *testing.T) {
	inBubble(t, zktest.Config{DisableWatchAndContainer: true}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		c.wantCode("createTTL", c.do(proto.OpCreateTTL, (&proto.MultiOp{
			Op: proto.OpCreateTTL, Path: "/x", ACL: openACL, Flags: proto.FlagPersistentTTL, TTL: 1000,
		}).Append(nil)).Err, proto.Unimplemented)
		for _, op := range []proto.OpCode{proto.OpAddWatch, proto.OpCreateContainer, proto.OpSetWatches2, 12345} {
			c := connect(t, s)
			c.wantCode(op.String(), c.do(op, nil).Err, proto.Unimplemented)
			if err := c.ended(); err != io.EOF { // the new server does not know the session
				t.Errorf("%v: %v", op, err)
			}
		}
	})
}

func TestReap_ContainersAndTTLs(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connectTo(t, s, addr1, time.Minute)
		special := func(op proto.OpCode, path string, flags int32, ttl time.Duration) {
			q := proto.MultiOp{Op: op, Path: path, ACL: openACL, Flags: flags, TTL: ttl.Milliseconds()}
			c.wantCode(path, c.do(op, q.Append(nil)).Err, proto.OK)
		}
		special(proto.OpCreateContainer, "/used", proto.FlagContainer, 0)
		special(proto.OpCreateContainer, "/unused", proto.FlagContainer, 0)
		special(proto.OpCreateContainer, "/full", proto.FlagContainer, 0)
		special(proto.OpCreateTTL, "/ttl", proto.FlagPersistentTTL, 30*time.Second)
		special(proto.OpCreateTTL, "/long", proto.FlagPersistentTTL, time.Hour)
		c.create("/used/x", "", 0)
		c.create("/full/x", "", 0)
		s.Reap()
		c.delete("/used/x", -1)
		c.exists("/used", true)
		left := func() []string {
			return slices.DeleteFunc(s.Children("/"), func(n string) bool { return n == "zookeeper" })
		}
		if got, want := left(), []string{"full", "long", "ttl", "unused", "used"}; !slices.Equal(got, want) {
			t.Errorf("at first: %q, want %q", got, want)
		}
		s.Reap()
		c.wantEvents("Deleted /used")
		for range 3 {
			time.Sleep(25 * time.Second)
			c.do(proto.OpPing, nil)
		}
		if got, want := left(), []string{"full", "long", "unused"}; !slices.Equal(got, want) {
			t.Errorf("after the interval of a minute: %q, want %q", got, want)
		}
	})
}

func TestSetters_FireWatches(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		c.pathMode(proto.OpAddWatch, "/", proto.WatchPersistentRecursive)
		for _, err := range []error{s.Create("/a/b", []byte("x")), s.Set("/a/b", []byte("y")), s.Delete("/a/b")} {
			if err != nil {
				t.Error(err)
			}
		}
		c.wantEvents("Created /a", "Created /a/b", "DataChanged /a/b", "Deleted /a/b")
		for what, err := range map[string]error{
			"create": s.Create("/a", nil), "bad path": s.Create("a", nil), "set": s.Set("/none", nil), "delete": s.Delete("/none"),
			"sequence": s.SetSequence("/none", 1), "range": s.SetSequence("/a", math.MaxInt32+1),
		} {
			if err == nil {
				t.Errorf("%s: no error", what)
			}
		}
		c.create("/e", "data", proto.FlagEphemeral)
		if got := s.Dump(); len(got) != 2 || got[0] != `/a ""` {
			t.Errorf("dump %q", got)
		}
		if paths := s.WatchPaths(); paths["/"] != 1 || s.Watches() != 1 {
			t.Errorf("watches %v", paths)
		}
	})
}

func TestPipelining_RepliesInOrder(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		big := bytes.Repeat([]byte("x"), 100_000)
		if err := s.Create("/big", big); err != nil {
			t.Fatal(err)
		}
		for range 200 { // 20 MB of replies, more than the buffers of the connection hold
			c.send(proto.OpGetData, (&proto.PathWatch{Path: "/big"}).Append(nil))
		}
		for i := range 200 {
			if p := c.recv(); p.Xid != int32(i+1) || len(p.body) != 4+len(big)+proto.StatLen {
				t.Fatalf("reply %d: %+v, %d bytes", i, p.ReplyHeader, len(p.body))
			}
		}
	})
}

// TestDown_ClosesOverTCP holds that a client whose server goes down reads io.EOF
// from a real socket, and no reset.
func TestDown_ClosesOverTCP(t *testing.T) {
	s := zktest.Start(t, zktest.Config{})
	addr, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := newRawClient(t, nc)
	c.handshake(proto.ConnectRequest{TimeoutMillis: 10000, Password: make([]byte, 16)})
	s.Down(1, true)
	if err := c.ended(); err != io.EOF {
		t.Errorf("ended: %v, want EOF", err)
	}
}
