package core_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// DIGEST-MD5 works on a server that requires SASL and on one that does not, also with
// characters that are not ASCII. A wrong password and a missing Authenticator are refused
// with the reason.
func TestCore_DigestMD5(t *testing.T) {
	jaas := filepath.Join(t.TempDir(), "jaas.conf")
	require.NoError(t, os.WriteFile(jaas, []byte(`Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required user_bob="secret" user_jürgen="pässwörd" user_日本="語 語";
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
			c, err := try(zk.DigestAuth("eve", "x"), zk.DigestMD5("bob", "secret"))
			require.NoError(t, err)
			ctx := t.Context()
			_, err = c.Create(ctx, "/mine", nil, zk.Persistent, zk.WithACL(zk.SASLACL(zk.PermAll, "bob")...))
			require.NoError(t, err)
			_, err = c.Get(ctx, "/mine")
			require.NoError(t, err, "the server knows who it is")
			require.NoError(t, c.Close(ctx))

			for user, password := range map[string]string{"jürgen": "pässwörd", "日本": "語 語"} {
				c, err := try(zk.DigestMD5(user, password))
				require.NoError(t, err, user)
				_, err = c.Create(ctx, "/of-"+user, nil, zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
				require.NoError(t, err)
				acl, _, err := c.GetACL(ctx, "/of-"+user)
				require.NoError(t, err)
				require.Equal(t, zk.SASLACL(zk.PermAll, user), acl)
				require.NoError(t, c.Close(ctx))
			}

			_, err = try(zk.DigestMD5("bob", "wrong"))
			require.ErrorIs(t, err, zk.ErrAuthFailed)
			var failed *zk.AuthError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, "SASL DIGEST-MD5", failed.Name)
			require.NotContains(t, err.Error(), "wrong")
			require.Equal(t, required, errors.Is(err, zk.ErrSaslRequired), "%v", err)

			c, err = try()
			if required {
				require.ErrorIs(t, err, zk.ErrAuthFailed)
				require.ErrorIs(t, err, zk.ErrSaslRequired)
				require.ErrorContains(t, err, "the server requires SASL")
				return
			}
			require.NoError(t, err)
			_, err = c.Get(ctx, "/mine")
			require.ErrorIs(t, err, zk.ErrNoAuth)
			require.NoError(t, c.Close(ctx))
		})
	}
}
