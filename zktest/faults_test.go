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

// elapsed returns how long f takes, in the virtual time of a bubble.
func elapsed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// silentFor fails the test if the client receives anything within d.
func (c *rawClient) silentFor(d time.Duration) {
	c.tb.Helper()
	c.nc.SetReadDeadline(time.Now().Add(d))
	defer c.nc.SetReadDeadline(time.Time{})
	if b, err := c.br.Peek(1); err == nil || !isTimeout(err) {
		c.tb.Errorf("not silent for %v: %x, %v", d, b, err)
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func TestExpireSession(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 2}, func(t *testing.T, s *zktest.Server) {
		c, w := connectTo(t, s, addr1, time.Minute), connectTo(t, s, addr2, time.Minute)
		c.create("/e", "", proto.FlagEphemeral)
		w.exists("/e", true)
		if took := elapsed(func() {
			if err := s.ExpireSession(c.id); err != nil {
				t.Fatal(err)
			}
			w.wantEvents("Deleted /e")
			if err := c.ended(); err != io.EOF {
				t.Errorf("ended: %v", err)
			}
		}); took != 0 {
			t.Errorf("took %v", took)
		}
		if resume(t, s, addr2, c).id != 0 {
			t.Error("resumed")
		}
		if err := s.ExpireSession(c.id); err == nil {
			t.Error("expired twice")
		}
	})
}

func TestCutConnections_KeepsSessions(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		s.CutConnections(0)
		if err := c.ended(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("ended: %v", err)
		}
		synctest.Wait()
		if n := s.Connections(0); n != 0 {
			t.Errorf("%d connections", n)
		}
		if resume(t, s, addr1, c).id != c.id {
			t.Error("not resumed")
		}
	})
}

func TestSilence_KeepsWhatIsInFlight(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 2}, func(t *testing.T, s *zktest.Server) {
		c, other := connectTo(t, s, addr1, time.Minute), connectTo(t, s, addr2, time.Minute)
		c.exists("/x", true)
		s.Silence(1, true)
		xid := c.send(proto.OpCreate, (&proto.MultiOp{Op: proto.OpCreate, Path: "/x", ACL: openACL}).Append(nil))
		late := dial(t, s, addr1) // the server accepts connections
		late.write((&proto.ConnectRequest{TimeoutMillis: 5000, Password: make([]byte, 16)}).Append(nil))
		c.silentFor(10 * time.Second)
		late.silentFor(time.Second)
		if s.Exists("/x") {
			t.Error("the request was executed")
		}
		other.create("/y", "", 0) // the other member is not silent

		s.Silence(1, false)
		if p := c.recv(); p.Xid != xid || p.Err != proto.OK || len(c.events) != 1 {
			t.Errorf("afterwards: %+v, events %v", p, c.events)
		}
		if frame, err := late.read(); err != nil {
			t.Errorf("late handshake: %v", err)
		} else if late.readConnectResponse(frame); late.id == 0 {
			t.Error("late handshake without a session")
		}
	})
}

func TestSilence_SessionExpiresAndTheCloseIsNotSeen(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 2}, func(t *testing.T, s *zktest.Server) {
		c := connectTo(t, s, addr1, 4*time.Second)
		c.create("/e", "", proto.FlagEphemeral)
		s.Silence(1, true)
		c.silentFor(10 * time.Second)
		if s.Exists("/e") {
			t.Error("the session still lives")
		}
		s.Silence(1, false)
		if err := c.ended(); err != io.EOF {
			t.Errorf("ended: %v", err)
		}
	})
}

func TestSilenceReplies_ExecutesAndHoldsBack(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		c.exists("/x", true)
		s.SilenceReplies(1, true)
		xid := c.send(proto.OpCreate, (&proto.MultiOp{Op: proto.OpCreate, Path: "/x", ACL: openACL}).Append(nil))
		c.silentFor(time.Second)
		if !s.Exists("/x") {
			t.Error("not executed")
		}
		s.SilenceReplies(0, false)
		if p := c.recv(); p.Xid != xid || len(c.events) != 1 {
			t.Errorf("afterwards: %+v, events %v", p, c.events)
		}
	})
}

func TestDelay_KeepsTheOrder(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		s.Delay(1, time.Second)
		if took := elapsed(func() { c.get("/", false) }); took != time.Second {
			t.Errorf("took %v", took)
		}
		// The delay becomes shorter while a reply waits. The next reply must not
		// overtake it.
		first := c.send(proto.OpSync, proto.AppendString(nil, "/"))
		synctest.Wait()
		s.Delay(1, time.Millisecond)
		second := c.send(proto.OpSync, proto.AppendString(nil, "/"))
		if took := elapsed(func() {
			if a, b := c.recv().Xid, c.recv().Xid; a != first || b != second {
				t.Errorf("replies %d %d, want %d %d", a, b, first, second)
			}
		}); took != time.Second {
			t.Errorf("both took %v", took)
		}
		s.Delay(0, 0)
		if took := elapsed(func() { c.get("/", false) }); took != 0 {
			t.Errorf("afterwards it takes %v", took)
		}
	})
}

func TestReset_ForgetsEverything(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		for range 5 {
			c.create("/n", "", proto.FlagPersistentSequential)
		}
		s.Reset()
		if err := c.ended(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("ended: %v", err)
		}
		if len(s.Dump()) != 0 || len(s.Sessions()) != 0 || s.Zxid() != 0 {
			t.Errorf("left: %q, sessions %v, zxid %d", s.Dump(), s.Sessions(), s.Zxid())
		}
		back := dial(t, s, addr1)
		back.write((&proto.ConnectRequest{SessionID: c.id, Password: c.password, LastZxidSeen: c.zxid}).Append(nil))
		if _, err := back.read(); err != io.EOF {
			t.Errorf("a client with a later zxid: %v, want a close without a reply", err)
		}
		c.zxid = 0
		if resume(t, s, addr1, c).id != 0 {
			t.Error("resumed")
		}
	})
}
