package zkkrb5_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/contrib/zkkrb5"
	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// hostOf is for servers that are listed by their address.
func hostOf(string) string { return "localhost" }

// server starts a server that requires SASL, with the principal zookeeper/localhost.
func server(t *testing.T, k *kdc) ensemble.Ensemble {
	jaas := k.write("jaas.conf", fmt.Sprintf(`Server {
  com.sun.security.auth.module.Krb5LoginModule required
  useKeyTab=true storeKey=true isInitiator=false keyTab="%s" principal="zookeeper/localhost@%s";
};
`, k.keytab("zookeeper/localhost"), realm))
	return ensemble.Run(t, ensemble.Options{
		Extra: []string{"authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider"},
		JVM: []string{
			"-Djava.security.auth.login.config=" + jaas, "-Djava.security.krb5.conf=" + k.conf,
			"-Dzookeeper.sessionRequireClientSASLAuth=true",
		},
	})
}

func connect(t *testing.T, e ensemble.Ensemble, cfg zkkrb5.Config) (*zk.Client, error) {
	t.Helper()
	return connectFor(t, e, cfg, 30*time.Second)
}

func connectFor(t *testing.T, e ensemble.Ensemble, cfg zkkrb5.Config, d time.Duration) (*zk.Client, error) {
	t.Helper()
	auth, err := zkkrb5.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return zk.Connect(ctx, zk.Config{Servers: e.Servers(), Auth: []zk.Authenticator{auth}, SessionTimeout: 8 * time.Second})
}

func TestKerberos(t *testing.T) {
	k := startKDC(t)
	e := server(t, k)
	k.principal("alice", "secret-of-alice")
	app := k.keytab("app/web1")

	for name, right := range map[string]struct {
		cfg zkkrb5.Config
		id  string
	}{
		"keytab":           {zkkrb5.Config{Principal: "app/web1@" + realm, Keytab: app}, "app/web1@" + realm},
		"password":         {zkkrb5.Config{Principal: "alice", Password: func() (string, error) { return "secret-of-alice", nil }}, "alice@" + realm},
		"credential cache": {zkkrb5.Config{CredentialCache: k.cache("alice", "secret-of-alice", time.Hour)}, "alice@" + realm},
	} {
		t.Run(name, func(t *testing.T) {
			right.cfg.Kerberos, right.cfg.Host = k.conf, hostOf
			c, err := connect(t, e, right.cfg)
			require.NoError(t, err)
			path := "/" + t.Name()[len("TestKerberos/"):]
			_, err = c.Create(t.Context(), path, []byte("x"), zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
			require.NoError(t, err)
			acl, _, err := c.GetACL(t.Context(), path)
			require.NoError(t, err)
			require.Equal(t, zk.SASLACL(zk.PermAll, right.id), acl)
			e.Clients(0).Cut()
			_, err = c.Get(t.Context(), path)
			require.NoError(t, err, "it authenticates again after a reconnect")
			require.NoError(t, c.Close(t.Context()))
		})
	}

	expired := k.cache("alice", "secret-of-alice", time.Second)
	for name, wrong := range map[string]struct {
		cfg  zkkrb5.Config
		want string
	}{
		"expired ticket":     {zkkrb5.Config{CredentialCache: expired}, "the ticket of alice@" + realm + " expired at "},
		"unknown principal":  {zkkrb5.Config{Principal: "nobody", Password: func() (string, error) { return "hidden", nil }}, "nobody@" + realm + " cannot log in"},
		"wrong password":     {zkkrb5.Config{Principal: "alice", Password: func() (string, error) { return "hidden", nil }}, "alice@" + realm + " cannot log in"},
		"unknown server":     {zkkrb5.Config{Principal: "app/web1", Keytab: app, Service: "hbase"}, "app/web1@" + realm + " gets no ticket for hbase/localhost"},
		"not in the keytab":  {zkkrb5.Config{Principal: "alice", Keytab: app}, "alice@" + realm},
		"missing keytab":     {zkkrb5.Config{Principal: "alice", Keytab: k.file("missing")}, "keytab " + k.file("missing")},
		"damaged keytab":     {zkkrb5.Config{Principal: "alice", Keytab: k.write("damaged", "\x05\x02\x00\x00\x00\x50xx")}, "keytab " + k.file("damaged")},
		"no cache":           {zkkrb5.Config{CredentialCache: k.write("other", "other")}, "credential cache " + k.file("other")},
		"damaged cache":      {zkkrb5.Config{CredentialCache: k.half(expired)}, "damaged"},
		"cache of another":   {zkkrb5.Config{Principal: "bob", CredentialCache: expired}, "it is of alice@" + realm + ", want bob"},
		"no configuration":   {zkkrb5.Config{Principal: "alice", Keytab: app, Kerberos: k.file("none.conf")}, "Kerberos configuration " + k.file("none.conf")},
		"password not given": {zkkrb5.Config{Principal: "alice", Password: func() (string, error) { return "", fmt.Errorf("%w: vault is sealed", zk.ErrAuthFailed) }}, "vault is sealed"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "expired ticket" {
				time.Sleep(1100 * time.Millisecond) // its ticket's life
			}
			if wrong.cfg.Kerberos == "" {
				wrong.cfg.Kerberos = k.conf
			}
			wrong.cfg.Host = hostOf
			_, err := connect(t, e, wrong.cfg)
			var failed *zk.AuthError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, "SASL GSSAPI", failed.Name)
			require.ErrorIs(t, err, zk.ErrAuthFailed)
			require.ErrorContains(t, err, wrong.want)
			require.NotContains(t, err.Error(), "hidden")
		})
	}

	t.Run("no KDC answers", func(t *testing.T) {
		none := k.write("none-answers.conf", fmt.Sprintf("[libdefaults]\n default_realm = %[1]s\n udp_preference_limit = 1\n[realms]\n %[1]s = {\n  kdc = %[2]s\n }\n", realm, freeAddr(t)))
		_, err := connectFor(t, e, zkkrb5.Config{Principal: "app/web1", Keytab: app, Kerberos: none, Host: hostOf}, 2*time.Second)
		require.Error(t, err)
		require.False(t, errors.Is(err, zk.ErrAuthFailed), "the credential may be right: %v", err)
		require.ErrorContains(t, err, "cannot log in")
	})
}

// The key of the server is replaced while a client holds a ticket for the old key. The
// client gets another ticket.
func TestKerberos_ServerWithNewKeys(t *testing.T) {
	k := startKDC(t)
	e := server(t, k)
	app := k.keytab("app")
	auth, err := zkkrb5.New(zkkrb5.Config{Principal: "app", Keytab: app, Kerberos: k.conf, Host: hostOf})
	require.NoError(t, err)
	c := clienttest.ConnectTo(t, e.Servers(), clienttest.Timeout(20*time.Second), func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{auth} })
	k.keys("zookeeper/localhost")
	require.NoError(t, e.Stop(0))
	require.NoError(t, e.Start(t.Context(), 0))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if _, err = c.Get(ctx, "/"); !errors.Is(err, zk.ErrAuthFailed) {
			break
		}
		time.Sleep(100 * time.Millisecond) // the next attempt has a back-off
	}
	require.NoError(t, err)
	require.NoError(t, c.Close(ctx))
}

func TestNew_NamesEveryProblem(t *testing.T) {
	_, err := zkkrb5.New(zkkrb5.Config{Principal: "a@b@c", Keytab: "x", CredentialCache: "y", Service: "zookeeper/host"})
	require.ErrorIs(t, err, zkkrb5.ErrConfig)
	require.EqualError(t, err, `zkkrb5: configuration: 2 of Keytab, CredentialCache and Password are set, want one; Principal is "a@b@c", want name@REALM, name/host@REALM or name; Service is "zookeeper/host", want the first part of the servers' principals`)
	_, err = zkkrb5.New(zkkrb5.Config{})
	require.EqualError(t, err, "zkkrb5: configuration: 0 of Keytab, CredentialCache and Password are set, want one; Principal is missing")
}

// An Authenticator prints without its secret.
func TestNew_PrintsWithoutSecrets(t *testing.T) {
	auth, err := zkkrb5.New(zkkrb5.Config{Principal: "alice", Password: func() (string, error) { return "hidden", nil }})
	require.NoError(t, err)
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "SASL GSSAPI", fmt.Sprintf(form, auth))
	}
}
