package zk_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A credential, and every type that holds one, shows no secret with any verb and any
// log handler.
func TestSecrets_AreInNoFormOfPrinting(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		const secret = "correct-horse-battery"
		cfg := zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext, Auth: []zk.Authenticator{zk.DigestAuth("bob", secret)}}
		var exchange *zk.AuthExchange
		cfg.Auth = append(cfg.Auth,
			zk.AuthFunc("rotating", func(context.Context) (zk.Auth, error) { return zk.DigestAuth("bob", secret), nil }),
			mechanism{"keeps", func(_ context.Context, x *zk.AuthExchange) error {
				exchange = x
				return x.Present(zk.DigestAuth("bob", secret))
			}})
		var tp tap
		tp.on(srv)(&cfg)
		c, err := zk.Connect(inTime(t), cfg)
		require.NoError(t, err)
		defer func() { require.NoError(t, c.Close(inTime(t))) }()
		srv.CutConnections(1) // so that the tap sees the password of the session
		synctest.Wait()
		require.NoError(t, c.Ready(inTime(t)))
		guard, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		w, sub := watchAndSubscription(t, c)
		require.NoError(t, c.AddAuth(t.Context(), zk.DigestAuth("bob", secret+"-added")))

		holders := []any{struct{ C *zk.Client }{c}, &struct{ s *zk.Session }{c.Session()}}
		synctest.Wait() // printing looks at everything without a lock: nothing may be under way
		var all everything
		logs := []*slog.Logger{slog.New(slog.NewTextHandler(&all, nil)), slog.New(slog.NewJSONHandler(&all, nil))}
		for _, x := range append(holders,
			cfg, &cfg, cfg.Auth, cfg.Auth[0], &cfg.Auth[0], c, c.Session(), c.Pipeline(), guard, w, sub,
			cfg.Auth[1], exchange, &zk.AuthError{Name: "rotating", Server: "h1:1", Err: zk.ErrAuthFailed},
			zk.CreateOp("/n", nil, zk.Ephemeral, zk.InSession(c.Session())), fmt.Errorf("with %v: %w", cfg.Auth, zk.ErrNoAuth),
		) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
				fmt.Fprintf(&all, verb+"\n", x)
			}
			for _, log := range logs {
				log.Info("printed", "x", x)
			}
			if b, err := json.Marshal(x); err == nil {
				all.Write(b)
			}
		}
		text := all.buf.String()
		require.Contains(t, text, "auth digest:***")
		require.NotContains(t, text, strings.Trim(fmt.Sprint(tp.frames(1)[0].handshake.Password), "[]"), "the session's password")
		raw := []byte("bob:" + secret)
		for _, shown := range []string{
			secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), base64.StdEncoding.EncodeToString(raw),
			fmt.Sprint(raw)[1:], fmt.Sprintf("%#v", raw)[len("[]byte{"):],
		} {
			require.NotContains(t, text, shown)
		}
	})
}
