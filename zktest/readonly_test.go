package zktest_test

import (
	"io"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// greet sends a ConnectRequest, and returns the error if the server gives no answer.
func (c *rawClient) greet(q proto.ConnectRequest) error {
	c.tb.Helper()
	if q.Password == nil {
		q.Password = make([]byte, proto.PasswordLen)
	}
	q.TimeoutMillis = 10_000
	c.write(q.Append(nil))
	frame, err := c.read()
	if err == nil {
		c.readConnectResponse(frame)
	}
	return err
}

// The answers are those of Apache ZooKeeper 3.8.0 and 3.9.5 with localSessionsEnabled:
// see TestCore_ReadOnlyMode in internal/test/core.
func TestReadOnly_AnswersAsAServerWithoutQuorum(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 2}, func(t *testing.T, s *zktest.Server) {
		global := connect(t, s)
		global.create("/e", "x", proto.FlagEphemeral)
		s.ReadOnly(1, true)
		if err := global.ended(); err == nil {
			t.Error("the connection goes on")
		}
		if err := dial(t, s, addr1).greet(proto.ConnectRequest{}); err != io.EOF {
			t.Errorf("a client that wants to write: %v", err)
		}
		again := proto.ConnectRequest{SessionID: global.id, Password: global.password, ReadOnly: true}
		if err := dial(t, s, addr1).greet(again); err != io.EOF {
			t.Errorf("a session that the quorum has opened: %v", err)
		}
		later := connectTo(t, s, "zk2:2181", 10*time.Second)
		stranger := dial(t, s, addr1)
		err := stranger.greet(proto.ConnectRequest{SessionID: later.id, Password: later.password, ReadOnly: true})
		if err != nil || stranger.id != 0 || !stranger.readOnly {
			t.Errorf("a session that this server does not know: %#x %v %v", stranger.id, stranger.readOnly, err)
		}

		c := dial(t, s, addr1)
		if err := c.greet(proto.ConnectRequest{ReadOnly: true}); err != nil || c.id == 0 || !c.readOnly {
			t.Fatalf("session %#x readOnly %v: %v", c.id, c.readOnly, err)
		}
		c.get("/e", true)
		c.wantCode("create", c.createReply("/x", "", 0).Err, proto.NotReadOnly)
		c.wantCode("sync", c.sync("/").Err, proto.NotReadOnly)
		c2 := dial(t, s, addr1)
		if err := c2.greet(proto.ConnectRequest{SessionID: c.id, Password: c.password, ReadOnly: true}); err != nil || c2.id != c.id {
			t.Errorf("its own session: %#x %v", c2.id, err)
		}
		if err := c.ended(); err != io.EOF {
			t.Errorf("the older connection: %v", err)
		}
		c2.closeSession()

		c = dial(t, s, addr1)
		if err := c.greet(proto.ConnectRequest{ReadOnly: true}); err != nil {
			t.Fatal(err)
		}
		later.create("/later", "", 0)
		if _, there := c.exists("/later", false); there {
			t.Error("the server has a node that was created since")
		}
		s.ReadOnly(1, false)
		if err := c.ended(); err != io.EOF {
			t.Errorf("with a quorum again: %v", err)
		}
		if r := resume(t, s, addr1, c); r.id != 0 || r.readOnly {
			t.Errorf("the quorum knows the session %#x of the read-only server", r.id)
		}
		if r := resume(t, s, addr1, global); r.id != global.id || r.readOnly {
			t.Errorf("session %#x, want %#x", r.id, global.id)
		}
	})
}

// Without a quorum no session expires, and all timeouts start again with the next.
func TestReadOnly_AllServersHaveNoQuorum(t *testing.T) {
	inBubble(t, zktest.Config{Servers: 3}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		c.create("/e", "", proto.FlagEphemeral)
		s.ReadOnly(0, true)
		time.Sleep(time.Hour)
		s.ReadOnly(1, false)
		time.Sleep(9 * time.Second)
		if len(s.Sessions()) != 1 || !s.Exists("/e") {
			t.Error("the session has expired before its time")
		}
		time.Sleep(3 * time.Second) // the tick is a second
		if len(s.Sessions()) != 0 || s.Exists("/e") {
			t.Error("the session has not expired")
		}
	})
}
