package zk_test

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"regexp"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// md5Server is the server's half of DIGEST-MD5, as Java has it. It knows one user.
type md5Server struct {
	user, password string
	challenge      string // in place of the good one
	final          string // in place of the good last token
	silentRefusal  bool   // allowSaslFailedClients
}

var response = regexp.MustCompile(`^charset=utf-8,username="(.*)",realm="zk-sasl-md5",nonce="n1",nc=00000001,cnonce="(.+)",digest-uri="zookeeper/zk-sasl-md5",maxbuf=65536,response=([0-9a-f]{32}),qop=auth$`)

// answer returns the token that answers the response of a client.
func (m md5Server) answer(token []byte) (string, proto.ErrCode) {
	sum := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	got := response.FindSubmatch(token)
	refused := proto.ErrCode(proto.AuthFailed)
	if m.silentRefusal {
		refused = proto.OK
	}
	if got == nil || string(got[1]) != m.user {
		return "", refused
	}
	secret := md5.Sum([]byte(m.user + ":zk-sasl-md5:" + m.password))
	proof := func(a2 string) string {
		return sum(sum(string(secret[:])+":n1:"+string(got[2])) + ":n1:00000001:" + string(got[2]) + ":auth:" + sum(a2))
	}
	if proof("AUTHENTICATE:zookeeper/zk-sasl-md5") != string(got[3]) {
		return "", refused
	}
	if m.final != "" {
		return m.final, proto.OK
	}
	return "rspauth=" + proof(":zookeeper/zk-sasl-md5"), proto.OK
}

// serve authenticates a client, and is then an honest server.
func (m md5Server) serve(c *scripted) {
	for step := range 2 {
		q, ok := <-c.requests
		if !ok {
			return
		}
		r := proto.NewReader(q.body)
		token := r.Buffer()
		if q.Op != proto.OpSASL || r.Finish() != nil {
			return
		}
		say, code := m.challenge, proto.OK
		switch {
		case step == 1:
			say, code = m.answer(token)
		case say == "":
			say = `realm="zk-sasl-md5",nonce="n1",charset=utf-8,algorithm=md5-sess`
		case say == "-":
			say = ""
		}
		if c.say(replyTo(q.Xid, 0, code, proto.AppendBuffer(nil, []byte(say)))) != nil || code != proto.OK {
			return
		}
	}
	honest(c)
}

func TestDigestMD5_IsDoneAtEveryConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := md5Server{user: "bob", password: "one"}, md5Server{user: "ann", password: "two"}
		cut := make(chan struct{})
		s := &script{play: []func(*scripted){
			func(c *scripted) { go func() { <-cut; c.nc.Close() }(); first.serve(c) }, second.serve,
		}}
		var asked atomic.Int32
		c := s.client(t, func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{zk.DigestMD5Func(func(context.Context) (user, password string, err error) {
				if asked.Add(1) == 1 {
					return "bob", "one", nil
				}
				return "ann", "two", nil
			})}
		})
		_, err := c.Get(inTime(t), "/n")
		require.NoError(t, err)
		close(cut)
		synctest.Wait()
		_, err = c.Get(inTime(t), "/n")
		require.NoError(t, err)
		require.EqualValues(t, 2, asked.Load())
	})
}

// Whatever a server answers, Connect says what it was, and names the mechanism, the
// server and the user, and no password.
func TestDigestMD5_RefusalsAndGarbage(t *testing.T) {
	for name, c := range map[string]struct {
		server md5Server
		text   string
	}{
		"wrong password":        {md5Server{user: "bob", password: "other"}, `user "bob": SASL: authentication failed`},
		"unknown user":          {md5Server{user: "ann", password: "hunter2"}, `user "bob": SASL: authentication failed`},
		"no SASL":               {md5Server{challenge: "-"}, "the server has no SASL"},
		"another mechanism":     {md5Server{challenge: "\x60\x82\x01"}, "such as Kerberos"},
		"no nonce":              {md5Server{challenge: "algorithm=md5-sess"}, "it has no nonce"},
		"a challenge too long":  {md5Server{challenge: string(make([]byte, 4000))}, "at most 2047"},
		"served all the same":   {md5Server{user: "bob", password: "other", silentRefusal: true}, "without an identity"},
		"cannot prove":          {md5Server{user: "bob", password: "hunter2", final: "rspauth=00"}, "cannot prove that it knows the password"},
		"garbage at the end":    {md5Server{user: "bob", password: "hunter2", final: "\xff\x00"}, "malformed DIGEST-MD5 token"},
		"only Latin characters": {md5Server{challenge: "nonce=n,algorithm=md5-sess", user: "bob"}, "authentication failed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{play: []func(*scripted){c.server.serve}}
				defer s.running.Wait()
				_, err := zk.Connect(inTime(t), zk.Config{Servers: "script:1", DialContext: s.dial, Auth: []zk.Authenticator{zk.DigestMD5("bob", "hunter2")}})
				require.ErrorIs(t, err, zk.ErrAuthFailed)
				var failed *zk.AuthError
				require.ErrorAs(t, err, &failed)
				require.ErrorContains(t, err, "authentication by SASL DIGEST-MD5 at script:1: ")
				require.ErrorContains(t, err, c.text)
				require.NotContains(t, err.Error(), "hunter2")
			})
		})
	}
}

// A wrong password shows in the state, is not tried in a hot loop, and heals when the
// server has it.
func TestDigestMD5_WrongPasswordIsRetriedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong, right := md5Server{user: "bob", password: "other"}, md5Server{user: "bob", password: "hunter2"}
		s := &script{}
		for range 5 {
			s.play = append(s.play, wrong.serve)
		}
		s.play = append(s.play, right.serve)
		start := time.Now()
		c := s.client(t, func(cfg *zk.Config) {
			cfg.Background = true
			cfg.Auth = []zk.Authenticator{zk.DigestMD5("bob", "hunter2")}
		})
		require.ErrorIs(t, c.Ready(inTime(t)), zk.ErrAuthFailed)
		require.Equal(t, zk.StateAuthFailed, c.State())
		for state := range c.States(inTime(t)) {
			if state == zk.StateConnected {
				break
			}
		}
		require.Greater(t, time.Since(start), 100*time.Millisecond, "there are pauses")
		_, err := c.Get(inTime(t), "/n")
		require.NoError(t, err)
	})
}

// A function that fails costs an attempt, and is no refusal.
func TestDigestMD5Func_ThatFails(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		vault := errors.New("the vault is sealed")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext, Auth: []zk.Authenticator{
			zk.DigestMD5Func(func(context.Context) (string, string, error) { return "", "", vault }),
		}})
		require.ErrorIs(t, err, vault)
		require.NotErrorIs(t, err, zk.ErrAuthFailed)
	})
}

func TestDigestMD5_BadEntriesAreRefusedByConnect(t *testing.T) {
	_, err := zk.Connect(t.Context(), zk.Config{Servers: "h1", Auth: []zk.Authenticator{
		zk.DigestMD5("", "hunter2"), zk.DigestMD5("bob", "hunter2\xff"), zk.DigestMD5Func(nil), zk.DigestMD5("bob", "hunter2"),
	}})
	require.ErrorIs(t, err, zk.ErrInvalidConfig)
	for i, want := range []string{"the user is empty", "the password is not UTF-8", "has no function"} {
		require.ErrorContains(t, err, fmt.Sprintf("Auth %d: %s", i, want))
	}
	require.NotContains(t, err.Error(), "Auth 3")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{zk.DigestMD5("bob", "hunter2"), zk.Config{Auth: []zk.Authenticator{zk.DigestMD5("bob", "hunter2")}}, err} {
			require.NotContains(t, fmt.Sprintf(verb, v), "hunter2")
			require.NotContains(t, fmt.Sprintf(verb, v), fmt.Sprintf("%x", "hunter2"))
		}
	}
}
