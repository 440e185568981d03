package proto_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// The peers that -capture runs. The relay's address is appended to the command.
var (
	kazoo = flag.String("kazoo", "python3 testdata/peer.py", "`command` of the kazoo peer")
	java  = flag.String("java", "java -cp /usr/share/java/zookeeper.jar testdata/Peer.java", "`command` of the Java peer")
)

// TestPeers compares our encoding with the requests that independent clients sent:
// kazoo, and ZooKeeper's own Java client. (The requests of TestGolden are our own.
// There, only the server's answers show that they are right.)
func TestPeers(t *testing.T) {
	for _, peer := range []struct {
		file, title string
		command     string
		want        []request
	}{
		{"testdata/kazoo.hex", "what kazoo 2.8 sends", *kazoo, kazooRequests()},
		{"testdata/java.hex", "what the Java client 3.8 sends", *java, javaRequests()},
	} {
		t.Run(peer.file, func(t *testing.T) {
			if *capture != "" {
				save(t, peer.file, peer.title, recordPeer(t, *capture, strings.Fields(peer.command)))
			}
			l := loadReplay(t, peer.file)
			pings := 0
			for _, want := range peer.want {
				b := l.take(t, "> ")
				for isPing(t, b) {
					pings++
					b = l.take(t, "> ")
				}
				got := BeginFrame(nil)
				if want.op != 0 {
					got = RequestHeader{want.xid, want.op}.Append(got)
				}
				if want.body != nil {
					got = want.body(t, got, b[len(got):])
				}
				if got = EndFrame(got, 0); !bytes.Equal(got, b) {
					t.Errorf("%s, xid %d:\n  we send   % x\n  they send % x", want.op, want.xid, got, b)
				}
			}
			if l.next != len(l.lines) {
				t.Errorf("%d requests are not compared", len(l.lines)-l.next)
			}
			if pings == 0 {
				t.Error("the peer sent no ping")
			}
		})
	}
}

// isPing reports whether b is a ping. A ping may come at any time, so it is
// compared here.
func isPing(t *testing.T, b []byte) bool {
	h := RequestHeader{XidPing, OpPing}.Append(BeginFrame(nil))
	if len(b) != len(h) || !bytes.Equal(b[4:8], h[4:8]) {
		return false
	}
	if EndFrame(h, 0); !bytes.Equal(b, h) {
		t.Errorf("ping: we send % x, they send % x", h, b)
	}
	return true
}

// A request is one that a peer sent: its header, and our encoding of its body.
// theirs is the recorded body, for the values that only the peer knew.
type request struct {
	xid  int32
	op   OpCode // 0: the connect request, which has no header
	body func(t *testing.T, b, theirs []byte) []byte
}

// sends is a body whose values are all in the peer's program.
func sends(body func(*seen, []byte) []byte) func(*testing.T, []byte, []byte) []byte {
	return func(_ *testing.T, b, _ []byte) []byte { return body(nil, b) }
}

// connects is the connect request of a new session.
func connects(q ConnectRequest) request {
	return request{body: sends(appends(&q))}
}

// reconnects is the connect request that resumes the session; its id and
// password are the recorded ones.
func reconnects(timeout int32) request {
	return request{body: func(t *testing.T, b, theirs []byte) []byte {
		r := NewReader(theirs)
		q := serverproto.DecodeConnectRequest(r)
		if r.Finish() != nil || q.TimeoutMillis != timeout || q.LastZxidSeen <= 0 || q.SessionID == 0 || len(q.Password) != PasswordLen || q.ReadOnly {
			t.Errorf("resume: %+v, %v", q, r.Err())
		}
		return q.Append(b)
	}}
}

// restoresWatches is a setWatches; its zxid is the recorded one.
func restoresWatches(xid int32, op OpCode, w SetWatches) request {
	return request{xid, op, func(t *testing.T, b, theirs []byte) []byte {
		r := NewReader(theirs)
		if w.RelativeZxid = r.Int64(); w.RelativeZxid <= 0 {
			t.Errorf("relative zxid %d", w.RelativeZxid)
		}
		return w.Append(b, op)
	}}
}

func kazooRequests() []request {
	two := []ACL{{PermAll, "world", "anyone"}, {PermRead, "digest", "u:p="}}
	watch := func(p string, w bool) func(*testing.T, []byte, []byte) []byte {
		return sends(appends(&PathWatch{p, w}))
	}
	return []request{
		connects(ConnectRequest{TimeoutMillis: 4000, Password: noPassword}),
		{XidAuth, OpAuth, sends(appends(&AuthPacket{0, "digest", []byte("golden:secret")}))},
		{1, OpCreate, sends(creates(OpCreate, MultiOp{Path: "/k", Data: []byte("data"), ACL: openACL}))},
		{2, OpCreate, sends(creates(OpCreate, MultiOp{Path: "/k/e-", Data: []byte{}, ACL: openACL, Flags: FlagEphemeralSequential}))},
		{3, OpCreate2, sends(creates(OpCreate2, MultiOp{Path: "/k/two", Data: []byte("x"), ACL: two}))},
		{4, OpExists, watch("/k", false)},
		{5, OpExists, watch("/k/none", true)},
		{6, OpGetData, watch("/k", false)},
		{7, OpGetData, watch("/k/two", true)},
		{8, OpSetData, sends(appends(&MultiOp{Op: OpSetData, Path: "/k", Data: []byte("more"), Version: -1}))},
		{9, OpSetData, sends(appends(&MultiOp{Op: OpSetData, Path: "/k", Data: []byte{}, Version: 1}))},
		{10, OpGetChildren, watch("/k", false)},
		{11, OpGetChildren, watch("/k", true)},
		{12, OpGetChildren2, watch("/k", false)},
		{13, OpGetACL, sends(path("/k"))},
		{14, OpSetACL, sends(appends(&SetACLRequest{"/k", openACL, 0}))},
		{15, OpSync, sends(path("/k"))},
		{16, OpMulti, sends(func(_ *seen, b []byte) []byte {
			return AppendMultiRequest(b, []MultiOp{
				{Op: OpCreate, Path: "/k/m", Data: []byte("m"), ACL: openACL},
				{Op: OpCheck, Path: "/k/m", Version: 0},
				{Op: OpSetData, Path: "/k/m", Data: []byte("mm"), Version: 0},
				{Op: OpDelete, Path: "/k/m", Version: 1},
			})
		})},
		{17, OpDelete, sends(appends(&MultiOp{Op: OpDelete, Path: "/k/two", Version: -1}))},
		{18, OpCloseSession, nil},
	}
}

func javaRequests() []request {
	data := []byte("t")
	create := func(op OpCode, q MultiOp) func(*testing.T, []byte, []byte) []byte {
		q.ACL = openACL
		return sends(creates(op, q))
	}
	return []request{
		connects(ConnectRequest{TimeoutMillis: 4000, Password: noPassword}),
		{1, OpCreate, create(OpCreate, MultiOp{Path: "/j"})},
		{XidAuth, OpAuth, sends(appends(&AuthPacket{0, "digest", []byte("golden:secret")}))},
		{2, OpCreate2, create(OpCreate2, MultiOp{Path: "/j/a", Data: []byte("data")})},
		{3, OpCreate, create(OpCreate, MultiOp{Path: "/j/e-", Data: []byte{}, Flags: FlagEphemeralSequential})},
		{4, OpCreateContainer, create(OpCreateContainer, MultiOp{Path: "/j/c", Data: []byte{}, Flags: FlagContainer})},
		{5, OpCreateTTL, create(OpCreateTTL, MultiOp{Path: "/j/t", Data: data, Flags: FlagPersistentTTL, TTL: 60_000})},
		{6, OpCreateTTL, create(OpCreateTTL, MultiOp{Path: "/j/s-", Data: data, Flags: FlagPersistentSequentialTTL, TTL: 1 << 32})},
		{7, OpGetACL, sends(path("/j"))},
		{8, OpSetACL, sends(appends(&SetACLRequest{"/j", []ACL{{PermAll, "auth", ""}, openACL[0]}, 0}))},
		{9, OpSetData, sends(appends(&MultiOp{Op: OpSetData, Path: "/j/a", Data: nil, Version: -1}))},
		{10, OpMulti, sends(func(_ *seen, b []byte) []byte {
			return AppendMultiRequest(b, []MultiOp{
				{Op: OpCreate, Path: "/j/m", Data: []byte("m"), ACL: openACL},
				{Op: OpCheck, Path: "/j/m", Version: 0},
				{Op: OpSetData, Path: "/j/m", Data: []byte("mm"), Version: 0},
				{Op: OpDelete, Path: "/j/m", Version: 1},
				{Op: OpCreateContainer, Path: "/j/mc", Data: []byte{}, ACL: openACL, Flags: FlagContainer},
				{Op: OpCreateTTL, Path: "/j/mt", Data: []byte{}, ACL: openACL, Flags: FlagPersistentTTL, TTL: 60_000},
			})
		})},
		{11, OpGetData, sends(appends(&PathWatch{"/j/a", true}))},
		{12, OpExists, sends(appends(&PathWatch{"/j/none", true}))},
		{13, OpGetChildren2, sends(appends(&PathWatch{"/j", true}))},
		{14, OpSync, sends(path("/cut"))},
		reconnects(4000),
		{XidAuth, OpAuth, sends(appends(&AuthPacket{0, "digest", []byte("golden:secret")}))},
		// This client sets xid -8 here too, but then overwrites it.
		restoresWatches(15, OpSetWatches, SetWatches{Data: []string{"/j/a"}, Exist: []string{"/j/none"}, Child: []string{"/j"}}),
		{16, OpAddWatch, sends(appends(&PathMode{"/j/a", WatchPersistent}))},
		{17, OpAddWatch, sends(appends(&PathMode{"/j", WatchPersistentRecursive}))},
		{18, OpSync, sends(path("/cut"))},
		reconnects(4000),
		{XidAuth, OpAuth, sends(appends(&AuthPacket{0, "digest", []byte("golden:secret")}))},
		restoresWatches(19, OpSetWatches2, SetWatches{
			Data: []string{"/j/a"}, Exist: []string{"/j/none"}, Child: []string{"/j"},
			Persistent: []string{"/j/a"}, Recursive: []string{"/j"},
		}),
		{20, OpRemoveWatches, sends(appends(&PathMode{"/j", RemoveAny}))},
		{21, OpRemoveWatches, sends(appends(&PathMode{"/j/none", RemoveData}))},
		{22, OpDelete, sends(appends(&MultiOp{Op: OpDelete, Path: "/j/a", Version: 1}))},
		{23, OpCloseSession, nil},
	}
}

// recordPeer runs a client against the server, through a relay that records the
// client's requests.
func recordPeer(t *testing.T, server string, command []string) []string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string // needs no lock: there is one connection at a time
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return // closed below
			}
			lines = append(lines, relay(t, client, server)...)
		}
	})
	cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], ln.Addr().String())...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	ln.Close()
	wg.Wait()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return lines
}

// relay relays one connection, until it ends or the client sends a sync of /cut.
func relay(t *testing.T, client net.Conn, addr string) (lines []string) {
	server, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		client.Close()
		return nil
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		// An error here is the end of the connection, which the other
		// direction sees too.
		_, _ = io.Copy(client, server)
		client.Close()
	})
	cut := path("/cut")(nil, nil)
	for {
		msg, err := ReadFrame(client, nil, testLimit)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				t.Log("relay:", err)
			}
			break
		}
		lines = append(lines, "> "+hex.EncodeToString(frame(msg)))
		if bytes.HasSuffix(msg, cut) {
			break
		}
		if _, err := server.Write(frame(msg)); err != nil {
			break
		}
	}
	client.Close()
	server.Close()
	wg.Wait()
	return lines
}
