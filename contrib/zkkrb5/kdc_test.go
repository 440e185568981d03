package zkkrb5_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const realm = "ZOOKIT.TEST"

// kdc is a key distribution centre of MIT Kerberos, which runs for one test.
type kdc struct {
	t    *testing.T
	dir  string
	conf string // the Kerberos configuration of its clients
}

// startKDC starts a KDC. It fails the test if the KDC is not installed; `make deps`
// installs it.
func startKDC(t *testing.T) *kdc {
	k := &kdc{t: t, dir: t.TempDir()}
	k.conf = k.file("krb5.conf")
	addr := freeAddr(t)
	k.write("krb5.conf", fmt.Sprintf(`[libdefaults]
	default_realm = %[1]s
	dns_lookup_kdc = false
	dns_lookup_realm = false
	udp_preference_limit = 1
	default_tkt_enctypes = aes256-cts-hmac-sha1-96
	default_tgs_enctypes = aes256-cts-hmac-sha1-96
	permitted_enctypes = aes256-cts-hmac-sha1-96
[realms]
	%[1]s = {
		kdc = %[2]s
	}
`, realm, addr))
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	k.write("kdc.conf", fmt.Sprintf(`[kdcdefaults]
	kdc_ports = ""
	kdc_tcp_ports = %[2]s
[realms]
	%[1]s = {
		database_name = %[3]s
		key_stash_file = %[4]s
		supported_enctypes = aes256-cts-hmac-sha1-96:normal
		max_life = 10h
	}
[logging]
	kdc = FILE:%[5]s
`, realm, port, k.file("db"), k.file("stash"), k.file("kdc.log")))
	k.run("kdb5_util", "create", "-s", "-r", realm, "-P", "master")
	cmd := k.command("krb5kdc", "-n")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			b, _ := os.ReadFile(k.file("kdc.log"))
			t.Logf("log of the KDC:\n%s", b)
		}
	})
	require.Eventually(t, func() bool {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			_ = nc.Close()
		}
		return err == nil
	}, 30*time.Second, 20*time.Millisecond, "the KDC does not listen")
	return k
}

func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

func (k *kdc) file(name string) string { return filepath.Join(k.dir, name) }

func (k *kdc) write(name, text string) string {
	require.NoError(k.t, os.WriteFile(k.file(name), []byte(text), 0o600))
	return k.file(name)
}

func (k *kdc) command(name string, args ...string) *exec.Cmd {
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name // not in the PATH of every user
	}
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+k.conf, "KRB5_KDC_PROFILE="+k.file("kdc.conf"))
	return cmd
}

func (k *kdc) run(name string, args ...string) {
	k.runWith("", name, args...)
}

func (k *kdc) runWith(input, name string, args ...string) {
	cmd := k.command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(k.t, cmd.Run(), "%s %v: %s", name, args, &out)
}

// principal adds a principal with a password.
func (k *kdc) principal(name, password string) {
	k.run("kadmin.local", "-r", realm, "-q", fmt.Sprintf("addprinc -pw %s %s", password, name))
}

// keytab adds a principal with a random key, and returns a file with it.
func (k *kdc) keytab(name string) string {
	k.run("kadmin.local", "-r", realm, "-q", "addprinc -randkey "+name)
	return k.keys(name)
}

// keys gives a principal a new key, and returns a file with it.
func (k *kdc) keys(name string) string {
	file := k.file(strings.ReplaceAll(name, "/", "_") + ".keytab")
	_ = os.Remove(file)
	k.run("kadmin.local", "-r", realm, "-q", fmt.Sprintf("ktadd -k %s %s", file, name))
	return file
}

// cache logs in with a password, and returns a file with a ticket that is good for so
// long.
func (k *kdc) cache(name, password string, life time.Duration) string {
	file := k.file(name + ".ccache")
	k.runWith(password+"\n", "kinit", "-l", fmt.Sprintf("%ds", int(life.Seconds())), "-c", file, name)
	return file
}

// half writes the first half of a file to another one.
func (k *kdc) half(file string) string {
	b, err := os.ReadFile(file)
	require.NoError(k.t, err)
	return k.write("half", string(b[:len(b)/2]))
}
