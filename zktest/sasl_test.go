package zktest_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/digestmd5"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zktest"
)

// saslServers returns an embedded server and the address of an Apache ZooKeeper that
// require the given schemes. Both have SASL and the user bob.
func saslServers(t *testing.T, v ensemble.Version, schemes ...string) (*zktest.Server, string) {
	jaas := filepath.Join(t.TempDir(), "jaas.conf")
	require.NoError(t, os.WriteFile(jaas, []byte("Server {\n org.apache.zookeeper.server.auth.DigestLoginModule required user_bob=\"secret\";\n};\n"), 0o600))
	jvm := []string{"-Djava.security.auth.login.config=" + jaas}
	for _, scheme := range schemes {
		jvm = append(jvm, "-Dzookeeper.enforce.auth.enabled=true", "-Dzookeeper.enforce.auth.schemes="+scheme)
	}
	e := ensemble.Run(t, ensemble.Options{
		Version: v, JVM: jvm,
		Extra: []string{"authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider"},
	})
	s := zktest.Start(t, zktest.Config{Version: embedded[v], SASLUsers: func(user string) (string, bool) { return "secret", user == "bob" }})
	s.RequireAuth(schemes...)
	return s, e.DirectAddr(0)
}

// saslSteps are what a client does on one connection. Each returns a request.
func saslSteps() map[string][]func(last []byte) (proto.OpCode, []byte) {
	type step = func([]byte) (proto.OpCode, []byte)
	plain := func(op proto.OpCode, body []byte) step {
		return func([]byte) (proto.OpCode, []byte) { return op, body }
	}
	ping := plain(proto.OpPing, nil)
	exists := plain(proto.OpExists, proto.AppendBool(proto.AppendString(nil, "/"), false))
	digest := plain(proto.OpAuth, (&proto.AuthPacket{Scheme: "digest", Auth: []byte("a:b")}).Append(nil))
	token := func(text string) step { return plain(proto.OpSASL, proto.AppendBuffer(nil, []byte(text))) }
	respond := func(user, password string) step {
		return func(last []byte) (proto.OpCode, []byte) {
			c, _ := digestmd5.ParseChallenge(proto.NewReader(last).Buffer())
			r, _ := c.Respond(user, password, "c1", "zookeeper/zk-sasl-md5")
			return proto.OpSASL, proto.AppendBuffer(nil, r.Token)
		}
	}
	create := plain(proto.OpCreate, (&proto.MultiOp{
		Op: proto.OpCreate, Path: "/of-bob", Data: []byte{}, ACL: []proto.ACL{{Perms: 31, Scheme: "sasl", ID: "bob"}},
	}).AppendRest(proto.AppendString(nil, "/of-bob")))
	own := plain(proto.OpGetData, proto.AppendBool(proto.AppendString(nil, "/of-bob"), false))
	return map[string][]step{
		"ping":     {ping},
		"exists":   {exists},
		"close":    {plain(proto.OpCloseSession, nil)},
		"digest":   {digest, ping},
		"garbage":  {token("garbage"), ping},
		"wrong":    {token(""), respond("bob", "other")},
		"nobody":   {token(""), respond("ann", "nothing")},
		"nonsense": {token(""), token("nonsense")},
		"right":    {token(""), respond("bob", "secret"), ping, create, own},
		"stranger": {digest, exists, own},
	}
}

// told runs steps on one connection, and returns what the server answered.
func told(t *testing.T, nc net.Conn, steps []func([]byte) (proto.OpCode, []byte)) (told []string) {
	c := newRawClient(t, nc)
	c.handshake(proto.ConnectRequest{TimeoutMillis: 10000, Password: make([]byte, 16)})
	var last []byte
	for i, next := range steps {
		op, body := next(last)
		h := proto.RequestHeader{Xid: int32(i + 1), Op: op}
		switch op {
		case proto.OpAuth:
			h.Xid = proto.XidAuth
		case proto.OpPing:
			h.Xid = proto.XidPing
		}
		c.write(append(h.Append(nil), body...))
		frame, err := c.read()
		if err != nil {
			return append(told, "end")
		}
		var reply proto.ReplyHeader
		r := proto.NewReader(frame)
		reply.Decode(r)
		last = frame[len(frame)-r.Left():]
		line := fmt.Sprintf("%v %d: %v, zxid %v, empty body %v", op, reply.Xid, reply.Err, reply.Zxid != 0, len(last) == 0)
		if op == proto.OpSASL {
			line += fmt.Sprintf(", token of %d bytes", len(proto.NewReader(last).Buffer()))
		}
		told = append(told, line)
		switch reply.Err {
		case proto.OK, proto.NoAuth, proto.NoNode:
		default:
			if _, err := c.read(); err != nil {
				told = append(told, "end")
			}
			return told
		}
	}
	return told
}

// The embedded server answers SASL, and requests without a required scheme, as Apache
// ZooKeeper does.
func TestConformance_RequiredAuthentication(t *testing.T) {
	for _, v := range ensemble.Versions() {
		for _, schemes := range [][]string{nil, {"sasl"}, {"digest"}} {
			t.Run(fmt.Sprintf("%v %v", v, schemes), func(t *testing.T) {
				s, real := saslServers(t, v, schemes...)
				for _, name := range []string{"right", "ping", "exists", "close", "digest", "garbage", "wrong", "nobody", "nonsense", "stranger"} {
					steps := saslSteps()[name]
					nc, err := net.Dial("tcp", real)
					require.NoError(t, err)
					want := told(t, nc, steps)
					nc, err = s.DialContext(t.Context(), "tcp", addr1)
					require.NoError(t, err)
					require.Equal(t, want, told(t, nc, steps), name)
				}
			})
		}
	}
}
