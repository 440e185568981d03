package zkenv_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/zkenv"
	"github.com/zookit/zookit/zktest"
)

func write(t *testing.T, name, content string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestParse_EveryVariable(t *testing.T) {
	cfg, err := zkenv.Parse([]string{
		"HOME=/root", "ZOOKIT_SERVERS=zk1:2181,zk2/app", "ZOOKIT_SESSION_TIMEOUT=12s", "ZOOKIT_COMPAT=3.6",
		"ZOOKIT_DIGEST_FILE=" + write(t, "digest", "bob:secret\n"), "ZOOKIT_SASL_FILE=" + write(t, "sasl", "ann:pass:word\r\n"),
		"ZOOKIT_TLS=true", "ZOOKIT_TLS_SERVER_NAME=zk.example.org",
		"ZOOKIT_MAX_IN_FLIGHT=7", "ZOOKIT_MAX_REQUEST_SIZE=8000", "ZOOKIT_MAX_REPLY_SIZE=9000",
		"ZOOKIT_QUORUM_LEASE=1", "ZOOKIT_TOUCH_DELAY=2s", "ZOOKIT_RECONNECT_SPREAD=1s", "ZOOKIT_BACKGROUND=true",
		"ZOOKIT_SRV=",
	})
	require.NoError(t, err)
	require.Len(t, cfg.Auth, 2)
	loaded, err := cfg.LoadTLS()
	require.NoError(t, err)
	require.Equal(t, "zk.example.org", loaded.ServerName)
	cfg.Auth, cfg.LoadTLS = nil, nil
	require.Equal(t, zk.Config{
		Servers: "zk1:2181,zk2/app", SessionTimeout: 12 * time.Second, Compat: zk.Compat3_6, MaxInFlight: 7, MaxRequestSize: 8000,
		MaxReplySize: 9000, QuorumLease: true, TouchDelay: 2 * time.Second, ReconnectSpread: time.Second, Background: true,
	}, cfg)

	cfg, err = zkenv.Parse([]string{"ZOOKIT_SRV=_zookeeper._tcp.example.org", "ZOOKIT_SERVERS=/app"})
	require.NoError(t, err)
	require.NotNil(t, cfg.Resolve)
	require.Nil(t, cfg.LoadTLS, "no TLS unless a variable asks for it")
}

// All faults are named at once: of variables, of files, and those that Connect would find.
func TestParse_AllFaultsAtOnce(t *testing.T) {
	_, err := zkenv.Parse([]string{
		"ZOOKIT_SERVER=zk1", "ZOOKIT_PASSWORD=hush", "ZOOKIT_SESSION_TIMEOUT=ten", "ZOOKIT_COMPAT=2.0", "ZOOKIT_MAX_IN_FLIGHT=-1",
		"ZOOKIT_MAX_REPLY_SIZE=1MB", "ZOOKIT_BACKGROUND=perhaps", "ZOOKIT_DIGEST_FILE=/none", "ZOOKIT_TOUCH_DELAY=-1s",
		"ZOOKIT_SASL_FILE=" + write(t, "sasl", "no-colon-but-a-secret"), "ZOOKIT_TLS=false", "ZOOKIT_TLS_CA_FILE=/none.pem",
	})
	require.ErrorIs(t, err, zk.ErrInvalidConfig)
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, want := range []string{
		"ZOOKIT_SERVERS is not set, nor is ZOOKIT_SRV", "ZOOKIT_SERVER is not known", "ZOOKIT_PASSWORD is not known",
		`ZOOKIT_SESSION_TIMEOUT is "ten": want a duration`, `ZOOKIT_COMPAT is "2.0"`, "MaxInFlight -1 is negative", `ZOOKIT_MAX_REPLY_SIZE is "1MB"`,
		`ZOOKIT_BACKGROUND is "perhaps"`, "ZOOKIT_DIGEST_FILE names no credential", "TouchDelay -1s is negative",
		"ZOOKIT_SASL_FILE names no credential", `ZOOKIT_TLS is "false", and other variables set up TLS`, "/none.pem",
	} {
		require.ErrorContains(t, err, want)
	}
	for _, secret := range []string{"hush", "but-a-secret"} {
		require.NotContains(t, err.Error(), secret)
	}
	_, err = zkenv.Parse([]string{"ZOOKIT_SERVERS=zk1:none/../x"})
	require.ErrorContains(t, err, "connect string")
}

// Config reads the environment of the process.
func TestConfig_ReadsTheProcess(t *testing.T) {
	for _, one := range os.Environ() { // those of other tests
		if name, value, _ := strings.Cut(one, "="); strings.HasPrefix(name, "ZOOKIT_") {
			t.Setenv(name, value)
			require.NoError(t, os.Unsetenv(name))
		}
	}
	t.Setenv("ZOOKIT_SERVERS", "zk1")
	cfg, err := zkenv.Config()
	require.NoError(t, err)
	require.Equal(t, "zk1", cfg.Servers)
	t.Setenv("ZOOKIT_SEVERS", "zk1")
	_, err = zkenv.Config()
	require.ErrorContains(t, err, "ZOOKIT_SEVERS")
}

// A credential is read again at every connect.
func TestParse_CredentialIsReadAtEveryConnect(t *testing.T) {
	path := write(t, "digest", "bob:old")
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		cfg, err := zkenv.Parse([]string{"ZOOKIT_SERVERS=" + srv.ConnectString(), "ZOOKIT_DIGEST_FILE=" + path})
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprintf("%+v", cfg), "old")
		cfg.DialContext = srv.DialContext
		c, err := zk.Connect(t.Context(), cfg)
		require.NoError(t, err)
		defer func() { require.NoError(t, c.Close(t.Context())) }()
		create := func(path, password string) {
			_, err := c.Create(t.Context(), path, nil, zk.Persistent, zk.WithACL(zk.DigestACL(zk.PermAll, "bob", password)...))
			require.NoError(t, err)
		}
		create("/old", "old")
		create("/new", "new")
		_, err = c.Get(t.Context(), "/old")
		require.NoError(t, err)
		_, err = c.Get(t.Context(), "/new")
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.NoError(t, os.WriteFile(path, []byte("bob:new\n"), 0o600))
		srv.CutConnections(0)
		require.NoError(t, c.Sync(t.Context(), "/"))
		_, err = c.Get(t.Context(), "/new")
		require.NoError(t, err)
	})
}

func ExampleParse() {
	cfg, err := zkenv.Parse([]string{"ZOOKIT_SERVERS=zk1:2181,zk2:2181/app", "ZOOKIT_SESSION_TIMEOUT=15s"})
	fmt.Println(cfg.Servers, cfg.SessionTimeout, err)
	_, err = zkenv.Parse([]string{"ZOOKIT_SERVER=zk1:2181", "ZOOKIT_SESSION_TIMEOUT=15"})
	fmt.Println(err)
	// Output:
	// zk1:2181,zk2:2181/app 15s <nil>
	// zkenv: invalid config: ZOOKIT_SESSION_TIMEOUT is "15": want a duration, such as "10s"
	// ZOOKIT_SERVERS is not set, nor is ZOOKIT_SRV
	// ZOOKIT_SERVER is not known: see the list in package zkenv
}
