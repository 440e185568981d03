package proto_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	. "github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// A connection is one recorded file: a session opened or resumed, and steps.
type connection struct {
	file      string
	session   string // the name under which its password and zxid are kept
	connect   func(*seen) ConnectRequest
	connected func(*testing.T, ConnectResponse)
	steps     []step
	closes    bool // the server closes after the last reply
}

// A step is one request and what the server must answer.
type step struct {
	name   string
	op     OpCode
	xid    int32 // 0: the next of the session
	body   func(*seen, []byte) []byte
	err    ErrCode
	events []WatchEvent // arrive before the reply, in this order

	// reply reads the body, checks it and encodes it again.
	reply func(*testing.T, *seen, *Reader) []byte
}

func scenarios() []connection {
	return slices.Concat([]connection{nodes()}, acls(), []connection{multis(), events()}, restores(), refusals())
}

var openACL = []ACL{{PermAll, "world", "anyone"}}

// noPassword is the password in the request for a new session.
var noPassword = make([]byte, PasswordLen)

func opens(c connection) connection {
	// 10 s is more than the 20 ticks of 200 ms that the server allows.
	c.connect = func(*seen) ConnectRequest { return ConnectRequest{TimeoutMillis: 10_000, Password: noPassword} }
	c.connected = func(t *testing.T, p ConnectResponse) {
		if p.ProtocolVersion != 0 || p.TimeoutMillis != 4000 || p.SessionID == 0 || len(p.Password) != PasswordLen || p.ReadOnly {
			t.Errorf("a new session: %+v", p)
		}
	}
	return c
}

func resumes(c connection) connection {
	var s *seen
	c.connect = func(now *seen) ConnectRequest {
		s = now
		old := s.sessions[c.session]
		return ConnectRequest{LastZxidSeen: s.zxids[c.session], TimeoutMillis: 10_000, SessionID: old.SessionID, Password: old.Password}
	}
	c.connected = func(t *testing.T, p ConnectResponse) {
		if old := s.sessions[c.session]; !reflect.DeepEqual(p, old) {
			t.Errorf("the resumed session: %+v, want %+v", p, old)
		}
	}
	return c
}

// refusals are the connections that the server ends by itself.
func refusals() []connection {
	expired := connection{
		file: "expired", session: "expired", closes: true,
		connect: func(*seen) ConnectRequest {
			return ConnectRequest{TimeoutMillis: 10_000, SessionID: 0x7700_0000_0000_0001, Password: somePass, ReadOnly: true}
		},
		connected: func(t *testing.T, p ConnectResponse) {
			if p.TimeoutMillis != 0 || p.SessionID != 0 || !slices.Equal(p.Password, noPassword) {
				t.Errorf("an expired session: %+v", p)
			}
		},
	}
	return []connection{
		expired,
		opens(connection{file: "unknown-op", session: "unknown-op", closes: true, steps: []step{
			{name: "op 999", op: 999, err: Unimplemented},
		}}),
		opens(connection{file: "auth-failed", session: "auth-failed", closes: true, steps: []step{
			{name: "auth of an unknown scheme", op: OpAuth, xid: XidAuth, err: AuthFailed, body: appends(&AuthPacket{Scheme: "nobody", Auth: []byte("x")})},
		}}),
	}
}

// The bodies of requests.

func appends(rec interface{ Append([]byte) []byte }) func(*seen, []byte) []byte {
	return func(_ *seen, b []byte) []byte { return rec.Append(b) }
}

func creates(op OpCode, q MultiOp) func(*seen, []byte) []byte {
	q.Op = op
	return appends(&q)
}

func path(p string) func(*seen, []byte) []byte {
	return func(_ *seen, b []byte) []byte { return AppendString(b, p) }
}

// The bodies of replies.

func isPath(want string) func(*testing.T, *seen, *Reader) []byte {
	return func(t *testing.T, _ *seen, r *Reader) []byte {
		got := r.String()
		if got != want {
			t.Errorf("path %q, want %q", got, want)
		}
		return AppendString(nil, got)
	}
}

// isStat checks a Stat and keeps it under key. A scenario does not know the zxids and
// times, so isStat checks only their order.
func isStat(key string, want Stat) func(*testing.T, *seen, *Reader) []byte {
	return func(t *testing.T, s *seen, r *Reader) []byte {
		var got Stat
		got.Decode(r)
		checkStat(t, key, got, want)
		s.stats[key] = got
		return serverproto.AppendStat(nil, got)
	}
}

func checkStat(t *testing.T, what string, got, want Stat) {
	t.Helper()
	known := got
	known.Czxid, known.Mzxid, known.Pzxid, known.Ctime, known.Mtime = 0, 0, 0, 0, 0
	if want.EphemeralOwner == anySession && got.EphemeralOwner > 0 {
		known.EphemeralOwner = anySession
	}
	if known != want {
		t.Errorf("stat of %s: %+v, want %+v", what, known, want)
	}
	if got.Czxid <= 0 || got.Mzxid < got.Czxid || got.Pzxid < got.Czxid || got.Ctime < 1_700_000_000_000 || got.Mtime < got.Ctime {
		t.Errorf("stat of %s is out of order: %+v", what, got)
	}
	if (got.Version == 0) != (got.Mzxid == got.Czxid) || (got.Cversion == 0) != (got.Pzxid == got.Czxid) {
		t.Errorf("stat of %s: versions and zxids do not agree: %+v", what, got)
	}
}

// anySession stands for the id of the session that owns a node.
const anySession = -77

func isCreated(want string, stat Stat) func(*testing.T, *seen, *Reader) []byte {
	return func(t *testing.T, s *seen, r *Reader) []byte {
		got := MultiResult{Op: OpCreate2}
		got.Decode(r)
		if got.Path != want {
			t.Errorf("created %q, want %q", got.Path, want)
		}
		checkStat(t, want, got.Stat, stat)
		s.stats[want] = got.Stat
		return serverproto.AppendMultiResult(nil, got)
	}
}

func isData(want []byte, stat Stat) func(*testing.T, *seen, *Reader) []byte {
	return func(t *testing.T, _ *seen, r *Reader) []byte {
		var got GetDataResponse
		got.Decode(r)
		if !reflect.DeepEqual(got.Data, want) { // null differs from empty
			t.Errorf("data %#v, want %#v", got.Data, want)
		}
		checkStat(t, fmt.Sprintf("data %q", want), got.Stat, stat)
		return got.Append(nil)
	}
}

// isNames checks a list of children. The server may list them in any order.
func isNames(want ...string) func(*testing.T, *seen, *Reader) []byte {
	return func(t *testing.T, _ *seen, r *Reader) []byte {
		got := r.Strings()
		checkNames(t, got, want)
		return AppendStrings(nil, got)
	}
}

func checkNames(t *testing.T, got, want []string) {
	t.Helper()
	if got == nil || !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("children %q, want %q", got, want)
	}
}

// isErrorCode is the reply of addWatch: an error code, which is OK here.
func isErrorCode(t *testing.T, _ *seen, r *Reader) []byte {
	code := r.Int32()
	if ErrCode(code) != OK {
		t.Errorf("code %d in the body", code)
	}
	return AppendInt32(nil, code)
}
