package zkpkcs12_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/zookit/zookit/contrib/zkpkcs12"
	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

const secret = "changeit"

func password() (string, error) { return secret, nil }

// keytool runs Java's keytool, with which operators make such files.
func keytool(t *testing.T, args ...string) {
	name := "keytool"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		name = filepath.Join(home, "bin", name)
	}
	args = append(args, "-storepass", secret, "-storetype", "PKCS12", "-J-XX:TieredStopAtLevel=1")
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// keyStore makes a key store with a new key, and returns it and a file with its
// certificate.
func keyStore(t *testing.T, dir, name string) (keys, cert string) {
	keys, cert = filepath.Join(dir, name+".p12"), filepath.Join(dir, name+".der")
	keytool(t, "-genkeypair", "-alias", name, "-keyalg", "EC", "-dname", "CN="+name, "-ext", "san=ip:127.0.0.1", "-keystore", keys)
	b, err := os.ReadFile(keys)
	require.NoError(t, err)
	_, leaf, _, err := pkcs12.DecodeChain(b, secret)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cert, leaf.Raw, 0o600))
	return keys, cert
}

// trustStore makes a trust store with certificates.
func trustStore(t *testing.T, dir, name string, certs ...string) string {
	file := filepath.Join(dir, name+".p12")
	for _, cert := range certs {
		keytool(t, "-importcert", "-noprompt", "-alias", filepath.Base(cert), "-keystore", file, "-file", cert)
	}
	return file
}

// A server and a client know each other by files that keytool has made. The client's
// key is replaced while it runs: after the next connect it is somebody else.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	serverKeys, serverCert := keyStore(t, dir, "server")
	bobKeys, bobCert := keyStore(t, dir, "bob")
	annKeys, annCert := keyStore(t, dir, "ann")
	serverTrust := trustStore(t, dir, "trusted-by-clients", serverCert)
	trusted := trustStore(t, dir, "trusted-by-server", bobCert, annCert)
	cannotBeUsed(t, dir, serverTrust, annKeys)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	ensemble.Run(t, ensemble.Options{
		Extra: []string{
			"secureClientPort=" + port, "secureClientPortAddress=127.0.0.1",
			"authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider",
			"ssl.keyStore.location=" + serverKeys, "ssl.keyStore.password=" + secret,
			"ssl.trustStore.location=" + trusted, "ssl.trustStore.password=" + secret,
			"ssl.clientAuth=need",
		},
		JVM: []string{"-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory"},
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var conn atomic.Pointer[net.Conn]
	c := clienttest.ConnectTo(t, addr, func(cfg *zk.Config) {
		cfg.LoadTLS = zkpkcs12.Files(serverTrust, bobKeys, password)
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			conn.Store(&nc)
			return nc, err
		}
	})
	for _, name := range []string{"bob", "ann"} {
		_, err = c.Create(ctx, "/of-"+name, nil, zk.Persistent, zk.WithACL(zk.X509ACL(zk.PermAll, "CN="+name)...))
		require.NoError(t, err)
	}
	_, err = c.Get(ctx, "/of-bob")
	require.NoError(t, err)
	_, err = c.Get(ctx, "/of-ann")
	require.ErrorIs(t, err, zk.ErrNoAuth)

	require.NoError(t, os.Rename(annKeys, bobKeys))
	require.NoError(t, (*conn.Load()).Close())
	_, err = c.Get(ctx, "/of-ann")
	require.NoError(t, err, "it has read the new key")
	require.NoError(t, c.Close(ctx))
}

// cannotBeUsed tries files that cannot be used. The first read must succeed, and its
// error names every file. Later ones fall back on what was read last.
func cannotBeUsed(t *testing.T, dir, trust, from string) {
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	keys := filepath.Join(dir, "copy.p12")
	require.NoError(t, os.WriteFile(keys, b, 0o600))
	cut := filepath.Join(dir, "cut.p12")
	require.NoError(t, os.WriteFile(cut, b[:len(b)/2], 0o600))
	missing := filepath.Join(dir, "missing.p12")

	for _, wrong := range []struct {
		trust, keys string
		password    func() (string, error)
		want        []string
	}{
		{trust, cut, password, []string{"key store " + cut}},
		{missing, cut, password, []string{missing, "key store " + cut}},
		{cut, keys, password, []string{"trust store " + cut}},
		{trust, keys, func() (string, error) { return "hidden", nil }, []string{"trust store " + trust, "key store " + keys, "password"}},
		{trust, keys, nil, []string{"trust store " + trust, "password"}},
		{trust, keys, func() (string, error) { return "", errors.New("vault is sealed") }, []string{"password of the PKCS#12 files: vault is sealed"}},
	} {
		_, err := zkpkcs12.Files(wrong.trust, wrong.keys, wrong.password)()
		for _, text := range wrong.want {
			require.ErrorContains(t, err, text)
		}
		require.NotContains(t, err.Error(), "hidden")
	}

	load := zkpkcs12.Files(trust, keys, password)
	first, err := load()
	require.NoError(t, err)
	require.Len(t, first.Certificates, 1)
	require.NoError(t, os.Remove(keys))
	again, err := load()
	require.NoError(t, err)
	require.Same(t, first, again)
}
