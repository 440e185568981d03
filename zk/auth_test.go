package zk_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 110: equal credentials are presented once, all in one write, after every
// connect. When the server no longer accepts one, the state shows that, and calls
// fail with it at once. The client keeps trying, less and less often. It recovers
// by itself when the password is what it was.
func TestAuth_RefusedAfterAReconnectIsSeenAndMended(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var tp tap
		bob, eve := zk.DigestAuth("bob", "x"), zk.DigestAuth("eve", "y")
		c := connect(t, srv, tp.on(srv), func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{bob, eve, bob, bob, eve} })
		_, err := c.Create(t.Context(), "/mine", nil, zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		srv.Delay(1, 50*time.Millisecond)
		start := time.Now()
		srv.CutConnections(1)
		_, err = c.Get(t.Context(), "/mine")
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(start), 160*time.Millisecond, "handshake, both credentials, the read: three round trips")
		srv.Delay(1, 0)
		for i := range 2 {
			auths := 0
			for _, f := range tp.frames(i)[1:] {
				if f.Op == proto.OpAuth {
					auths++
				}
			}
			require.Equal(t, 2, auths)
		}

		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "auth" {
				return zktest.Fail(int32(zk.ErrAuthFailed))
			}
			return zktest.Pass
		})
		srv.CutConnections(1)
		for s := range c.States(inTime(t)) {
			if s == zk.StateAuthFailed {
				break
			}
		}
		start = time.Now()
		dials := tp.dials()
		_, err = c.Set(t.Context(), "/mine", nil, zk.AnyVersion)
		require.ErrorIs(t, err, zk.ErrAuthFailed)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.ErrorIs(t, c.Ready(t.Context()), zk.ErrAuthFailed)
		require.Zero(t, time.Since(start), "at once")
		time.Sleep(time.Minute)
		require.Less(t, tp.dials()-dials, 200, "not a hot loop")
		require.Greater(t, tp.dials()-dials, 5, "and not the end")
		_, err = zk.Connect(inTime(t), zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext, Auth: []zk.Authenticator{bob}})
		require.ErrorIs(t, err, zk.ErrAuthFailed)
		require.ErrorContains(t, err, "digest")

		srv.OnRequest(nil)
		for s := range c.States(inTime(t)) {
			if s == zk.StateConnected {
				break
			}
		}
		_, err = c.Set(inTime(t), "/mine", nil, zk.AnyVersion)
		require.NoError(t, err)
	})
}

// everything collects a log at the lowest level, and all other text that a test
// writes to it.
type everything struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (e *everything) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.buf.Write(b)
}

// failures: 111: a client logs and returns errors of every kind, over cuts,
// expiries, refusals and a panic. No text shows a password, its hash, or the
// password of a session.
func TestSecrets_AreInNoLogAndNoError(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		const secret = "correct-horse-battery"
		auth := []zk.Authenticator{zk.DigestAuth("bob", secret), zk.Auth{Scheme: "custom", Data: []byte(secret + "-2")}}
		var all everything
		say := func(v ...any) {
			for _, x := range v {
				fmt.Fprintf(&all, "%v %+v %#v %s\n", x, x, x, x)
			}
		}
		log := slog.New(slog.NewTextHandler(&all, &slog.HandlerOptions{Level: slog.LevelDebug - 10, AddSource: true}))
		var tp tap
		harmless := func(r zktest.Request) zktest.Verdict {
			if r.Op == "auth" {
				return zktest.RawReply(replyTo(proto.XidAuth, 0, proto.OK, nil)[proto.FrameHeader:])
			}
			return zktest.Pass
		}
		srv.OnRequest(harmless)
		cfg := zk.Config{Servers: srv.ConnectString(), SessionTimeout: 6 * time.Second, Logger: log, Auth: auth}
		tp.on(srv)(&cfg)
		cfg.Hooks = []zk.Hook{onCall(func(e zk.CallEnded) { say(e, e.Op, e.Path, e.Err) })}
		c, err := zk.Connect(inTime(t), cfg)
		require.NoError(t, err)
		say(cfg, &cfg, auth, auth[0], &auth[1], c, c.Session(), c.State())
		ctx := inTime(t)
		acl := zk.DigestACL(zk.PermAll, "bob", secret)
		_, err = c.Create(ctx, "/n", nil, zk.Persistent)
		require.NoError(t, err)
		require.NoError(t, c.AddAuth(ctx, zk.Auth{Scheme: "token", Data: []byte(secret)}))
		say(c.AddAuth(ctx, zk.Auth{Scheme: "sasl", Data: []byte(secret)}))
		_, err = c.Create(ctx, "/n", nil, zk.Persistent, zk.WithACL(acl...))
		say(err)
		_, err = c.SetACL(ctx, "/n", []zk.ACL{{Perms: -1, Scheme: "digest", ID: secret}}, 0)
		say(err)
		for _, verdict := range []zktest.Verdict{
			zktest.CutBefore, zktest.DropReplyAndCut, zktest.CutReplyAfter(7), zktest.Hang, zktest.RawReply([]byte("garbage")),
			zktest.Fail(-4), zktest.Fail(-999), zktest.Fail(int32(zk.ErrNoAuth)),
		} {
			once := true
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op == "set" && once {
					once = false
					return verdict
				}
				return harmless(r)
			})
			_, err := c.Set(ctx, "/n", nil, zk.AnyVersion)
			say(err)
		}
		guard, release, err := c.Session().Guard(ctx)
		require.NoError(t, err)
		_, _, w, err := c.ExistsW(ctx, "/absent")
		require.NoError(t, err)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "setWatches" {
				return zktest.Fail(-6)
			}
			return harmless(r)
		})
		srv.CutConnections(0)
		_, err = w.Wait(ctx)
		say(err)
		srv.Silence(0, true)
		<-c.Session().Context().Done()
		say(context.Cause(guard), guard, context.Cause(c.Session().Context()))
		release()
		srv.Silence(0, false)
		_ = c.Ready(ctx)
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		synctest.Wait()
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "auth" {
				return zktest.Fail(-115)
			}
			return zktest.Pass
		})
		srv.CutConnections(0)
		time.Sleep(10 * time.Second)
		say(c.Ready(ctx))
		srv.OnRequest(harmless)
		for s := range c.States(ctx) {
			if s == zk.StateConnected {
				break
			}
		}
		srv.Down(0, true)
		end, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		say(c.Close(end))
		_, err = c.Get(ctx, "/n")
		say(err)
		srv.Down(0, false)
		_, err = zk.Connect(ctx, zk.Config{Servers: "h1", Auth: []zk.Authenticator{zk.Auth{Data: []byte(secret)}, zk.Auth{Scheme: "x", Data: []byte(strings.Repeat(secret, 1<<17))}}})
		say(err)

		text := all.buf.String()
		require.Greater(t, strings.Count(text, "\n"), 100)
		for _, want := range []string{"zk: connected", "authentication failed", "session is over", "zk: cannot connect", "zk: disconnected", "watches not restored", "level=DEBUG"} {
			require.Contains(t, text, want, "the run was not what it should be")
		}
		secrets := [][]byte{[]byte(secret), []byte("bob:" + secret), []byte(secret + "-2")}
		for i := range tp.dials() {
			if p := tp.frames(i)[0].handshake.Password; len(bytes.Trim(p, "\x00")) > 0 {
				secrets = append(secrets, p)
			}
		}
		require.Greater(t, len(secrets), 5, "passwords of sessions were seen")
		digest := acl[0].ID[strings.Index(acl[0].ID, ":")+1:]
		require.NotContains(t, text, digest)
		for _, s := range secrets {
			for _, shown := range []string{
				string(s), hex.EncodeToString(s), strings.ToUpper(hex.EncodeToString(s)), base64.StdEncoding.EncodeToString(s),
				fmt.Sprint(s), fmt.Sprintf("%q", s), fmt.Sprintf("% x", s), fmt.Sprintf("%#v", s), strings.Trim(fmt.Sprintf("%#v", s), "[]byte{}"),
			} {
				if shown != "" && strings.Contains(text, shown) {
					i := strings.Index(text, shown)
					t.Errorf("a secret is shown: %.60q behind %q", shown, text[max(0, i-300):i])
				}
			}
		}
	})
}

// failures: 122: without faults nothing is logged above Info, a normal Close
// included. Each transition is one line. Ten minutes without a server give few
// lines: a warning repeats itself less and less often.
func TestLog_IsQuietAndBounded(t *testing.T) {
	bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		var all everything
		lines := func() map[string]int {
			all.mu.Lock()
			defer all.mu.Unlock()
			n := map[string]int{}
			for line := range strings.Lines(all.buf.String()) {
				_, rest, _ := strings.Cut(line, "level=")
				level, _, _ := strings.Cut(rest, " ")
				n[level]++
			}
			all.buf.Reset()
			return n
		}
		c := connect(t, srv, logTo(&all, slog.LevelDebug))
		synctest.Wait() // lines that are noted under the client's lock are logged after it
		require.Equal(t, map[string]int{"INFO": 1}, lines(), "the connection")
		_, err := c.Create(t.Context(), "/n", nil, zk.Ephemeral)
		require.NoError(t, err)
		_, err = c.Create(t.Context(), "/n", nil, zk.Ephemeral)
		require.ErrorIs(t, err, zk.ErrNodeExists)
		_, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Hour)
		release()
		require.Empty(t, lines(), "nothing happens, nothing is said")

		srv.Down(0, true)
		time.Sleep(10 * time.Minute)
		n := lines()
		require.Zero(t, n["INFO"]+n["ERROR"], "%v", n)
		require.Equal(t, 6, n["WARN"], "disconnected, expired, cannot connect; again after 10 s, 1 min and 6 min: %v", n)
		require.Less(t, n["DEBUG"], 1000, "with full jitter up to 5 s, a round of three servers at a time: %v", n)
		srv.Down(0, false)
		require.NoError(t, c.Ready(inTime(t)))
		time.Sleep(10 * time.Second)
		lines()

		require.NoError(t, c.Close(inTime(t)))
		require.NotContains(t, all.buf.String(), "EOF")
		require.Equal(t, map[string]int{"INFO": 1, "DEBUG": 1}, lines(), "closed, disconnected: no broken pipe, no failed close")
	})
}
