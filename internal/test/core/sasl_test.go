package core_test

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// digestMD5 is as much of the SASL mechanism DIGEST-MD5 (RFC 2831) as a test needs.
type digestMD5 struct{ user, password string }

func (digestMD5) Name() string { return "SASL DIGEST-MD5" }

func (d digestMD5) Authenticate(_ context.Context, x *zk.AuthExchange) error {
	challenge, err := x.SASL(nil)
	if err != nil {
		return err
	}
	found := regexp.MustCompile(`realm="([^"]*)",nonce="([^"]*)"`).FindSubmatch(challenge)
	if found == nil {
		return fmt.Errorf("%w: the server does not speak DIGEST-MD5", zk.ErrAuthFailed)
	}
	realm, nonce := string(found[1]), string(found[2])
	const uri, cnonce = "zookeeper/zk-sasl-md5", "a nonce of the client"
	sum := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	user := md5.Sum([]byte(d.user + ":" + realm + ":" + d.password))
	proof := func(a2 string) string {
		return sum(sum(string(user[:])+":"+nonce+":"+cnonce) + ":" + nonce + ":00000001:" + cnonce + ":auth:" + sum(a2))
	}
	answer, err := x.SASL(fmt.Appendf(nil,
		`charset=utf-8,username=%q,realm=%q,nonce=%q,nc=00000001,cnonce=%q,digest-uri=%q,maxbuf=65536,response=%s,qop=auth`,
		d.user, realm, nonce, cnonce, uri, proof("AUTHENTICATE:"+uri)))
	if err == nil && string(answer) != "rspauth="+proof(":"+uri) {
		err = fmt.Errorf("%w: the server cannot prove that it knows the password", zk.ErrAuthFailed)
	}
	return err
}

// A SASL mechanism of several steps works as an Authenticator, on a server that
// requires SASL and on one that does not. A wrong password and a missing Authenticator
// are refused with the reason.
func TestCore_SASLMechanismIsAnAuthenticator(t *testing.T) {
	jaas := filepath.Join(t.TempDir(), "jaas.conf")
	require.NoError(t, os.WriteFile(jaas, []byte(`Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required user_bob="secret";
};
`), 0o600))
	for _, required := range []bool{false, true} {
		t.Run(fmt.Sprintf("required %v", required), func(t *testing.T) {
			e := ensemble.Run(t, ensemble.Options{
				Extra: []string{"authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider"},
				JVM:   []string{"-Djava.security.auth.login.config=" + jaas, fmt.Sprintf("-Dzookeeper.sessionRequireClientSASLAuth=%v", required)},
			})
			try := func(auth ...zk.Authenticator) (*zk.Client, error) {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				return zk.Connect(ctx, zk.Config{Servers: e.Direct(), Auth: auth, SessionTimeout: 8 * time.Second})
			}
			c, err := try(zk.DigestAuth("eve", "x"), digestMD5{"bob", "secret"})
			require.NoError(t, err)
			ctx := t.Context()
			_, err = c.Create(ctx, "/mine", nil, zk.Persistent, zk.WithACL(zk.ACL{Perms: zk.PermAll, Scheme: "sasl", ID: "bob"}))
			require.NoError(t, err)
			_, err = c.Get(ctx, "/mine")
			require.NoError(t, err, "the server knows who it is")
			require.NoError(t, c.Close(ctx))

			_, err = try(digestMD5{"bob", "wrong"})
			require.ErrorIs(t, err, zk.ErrAuthFailed)
			var failed *zk.AuthError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, "SASL DIGEST-MD5", failed.Name)
			require.NotContains(t, err.Error(), "wrong")
			require.Equal(t, required, errors.Is(err, zk.ErrSaslRequired), "%v", err)

			c, err = try()
			require.NoError(t, err, "the handshake needs none")
			_, err = c.Get(ctx, "/mine")
			if !required {
				require.ErrorIs(t, err, zk.ErrNoAuth)
				require.NoError(t, c.Close(ctx))
				return
			}
			require.ErrorIs(t, err, zk.ErrSaslRequired)
			end, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			require.ErrorIs(t, c.Close(end), zk.ErrUnconfirmed, "nor may it close its session")
		})
	}
}
