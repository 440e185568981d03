package zk_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// tlsFolder is a folder with the PEM files of a client.
type tlsFolder struct {
	t             testing.TB
	ca, cert, key string
}

func newTLSFolder(t testing.TB) tlsFolder {
	dir := t.TempDir()
	return tlsFolder{t, filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// write puts the certificate of an authority, and one that client has issued, into the
// files.
func (f tlsFolder) write(ca, client *authority) {
	f.t.Helper()
	_, cert, key := client.issue(time.Now().Add(time.Hour), "client")
	require.NoError(f.t, os.WriteFile(f.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), 0o600))
	require.NoError(f.t, os.WriteFile(f.cert, cert, 0o600))
	require.NoError(f.t, os.WriteFile(f.key, key, 0o600))
}

// The authorities and the client's certificate are replaced while the client runs, and the
// server changes to another authority. The session goes on. Files that are broken or missing
// meanwhile cost nothing.
func TestTLSFiles_AreReadAtEveryConnect(t *testing.T) {
	before, after := newAuthority(t), newAuthority(t)
	srv := zktest.Start(t, zktest.Config{})
	var current atomic.Pointer[authority]
	var server [2]tls.Certificate
	server[0], _, _ = before.issue(time.Now().Add(time.Hour), "127.0.0.1")
	server[1], _, _ = after.issue(time.Now().Add(time.Hour), "127.0.0.1")
	current.Store(before)
	addr := listenTLS(t, srv, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		a, pair := current.Load(), server[0]
		if a == after {
			pair = server[1]
		}
		return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert}, nil
	}})
	files := newTLSFolder(t)
	files.write(before, before)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := connect(t, srv, clienttest.Timeout(20*time.Second), func(cfg *zk.Config) {
		cfg.Servers, cfg.DialContext = addr, nil
		cfg.LoadTLS = zk.TLSFiles(files.ca, files.cert, files.key)
	})
	id := c.Session().ID()

	require.NoError(t, os.Remove(files.ca))
	require.NoError(t, os.WriteFile(files.key, []byte("half"), 0o600))
	srv.CutConnections(1)
	require.NoError(t, c.Sync(ctx, "/"), "those that were read before are in force")

	current.Store(after)
	files.write(after, after)
	srv.CutConnections(1)
	require.NoError(t, c.Sync(ctx, "/"))
	require.Equal(t, id, c.Session().ID())
	require.NoError(t, c.Close(ctx))
}

// The name of the server is checked, also when it is an address.
func TestTLSFiles_ChecksTheServer(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	srv := zktest.Start(t, zktest.Config{})
	files := newTLSFolder(t)
	for _, c := range []struct {
		ca         *authority
		name, text string
	}{{a, "127.0.0.2", "certificate is valid for 127.0.0.2, not 127.0.0.1"}, {stranger, "127.0.0.1", "unknown authority"}} {
		pair, _, _ := a.issue(time.Now().Add(time.Hour), c.name)
		addr := listenTLS(t, srv, &tls.Config{Certificates: []tls.Certificate{pair}})
		files.write(c.ca, a)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, zk.Config{Servers: addr, LoadTLS: zk.TLSFiles(files.ca, "", "")})
		require.ErrorContains(t, err, c.text)
	}
}

func TestTLSFiles_BadInput(t *testing.T) {
	a, files := newAuthority(t), newTLSFolder(t)
	files.write(a, a)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	other := newTLSFolder(t)
	other.write(a, a)
	for name, c := range map[string]struct {
		load func() (*tls.Config, error)
		text string
	}{
		"missing":        {zk.TLSFiles(files.ca+"x", files.cert, files.key+"x"), "ca.pemx: no such file"},
		"missing too":    {zk.TLSFiles(files.ca+"x", files.cert, files.key+"x"), "key.pemx: no such file"},
		"empty":          {zk.TLSFiles(empty, "", ""), "no certificate in PEM"},
		"no key":         {zk.TLSFiles("", files.cert, ""), "a certificate without a key"},
		"no certificate": {zk.TLSFiles("", "", files.key), "a key without a certificate"},
		"another key":    {zk.TLSFiles("", files.cert, other.key), "private key does not match public key"},
		"returns nil":    {func() (*tls.Config, error) { return nil, nil }, "it returned no configuration"},
		"fails":          {func() (*tls.Config, error) { return nil, errors.New("sealed") }, "LoadTLS: sealed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := zk.Connect(t.Context(), zk.Config{Servers: "h1", LoadTLS: c.load})
			require.ErrorIs(t, err, zk.ErrInvalidConfig)
			require.ErrorContains(t, err, c.text)
		})
	}
	_, err := zk.Connect(t.Context(), zk.Config{Servers: "h1", LoadTLS: zk.TLSFiles(files.ca, "", ""), TLS: &tls.Config{}})
	require.ErrorContains(t, err, "TLS and LoadTLS are both set")
}
