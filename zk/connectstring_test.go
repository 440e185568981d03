package zk_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// connectStrings are connect strings with their hosts and chroots. err is a part of
// the error.
var connectStrings = []struct {
	in    string
	hosts []string
	root  string
	err   string
}{
	{in: "h1", hosts: []string{"h1:2181"}},
	{in: "h1:1", hosts: []string{"h1:1"}},
	{in: "h1:65535,h2", hosts: []string{"h1:65535", "h2:2181"}},
	{in: " h1 , h2:7 ", hosts: []string{"h1:2181", "h2:7"}},
	{in: "h1/", hosts: []string{"h1:2181"}},
	{in: "h1/a", hosts: []string{"h1:2181"}, root: "/a"},
	{in: "h1,h2:3/a/b", hosts: []string{"h1:2181", "h2:3"}, root: "/a/b"},
	{in: "10.0.0.1:2", hosts: []string{"10.0.0.1:2"}},
	{in: "[::1]", hosts: []string{"[::1]:2181"}},
	{in: "[::1]:7/r", hosts: []string{"[::1]:7"}, root: "/r"},
	{in: "[fe80::1%eth0]:7", hosts: []string{"[fe80::1%eth0]:7"}},
	{in: "", err: "no server"},
	{in: "  ", err: "no server"},
	{in: "/a", err: "no server"},
	{in: ",", err: "empty server"},
	{in: "h1,,h2", err: "empty server"},
	{in: "h1,", err: "empty server"},
	{in: "::1", err: "brackets"},
	{in: "::1:2181", err: "brackets"},
	{in: "[::1", err: "missing ']'"},
	{in: "[::1]2181", err: "missing port"},
	{in: "[h1]:2181", err: "no address"},
	{in: "h1:", err: "bad port"},
	{in: "h1:0", err: "bad port"},
	{in: "h1:65536", err: "bad port"},
	{in: "h1:-1", err: "bad port"},
	{in: "h1:2181x", err: "bad port"},
	{in: ":2181", err: "bad host"},
	{in: "h 1:2181", err: "bad host"},
	{in: "h]1:2181", err: "bad host"},
	{in: "h1[:2181", err: "bad host"},
	{in: "[]:2181", err: "no address"},
	{in: "[a%b]:2181", err: "no address"},
	{in: "h1,h1:2181", err: "twice"},
	{in: "h1//a", err: "chroot"},
	{in: "h1/a/", err: "chroot"},
	{in: "h1/a//b", err: "chroot"},
	{in: "h1/../b", err: "chroot"},
}

// failures: 124
func TestConnectString_IsParsedOrRefused(t *testing.T) {
	for _, c := range connectStrings {
		hosts, root, err := zk.ParseServers(c.in)
		if c.err != "" {
			require.ErrorContains(t, err, c.err, "%q", c.in)
			_, err = zk.Connect(t.Context(), zk.Config{Servers: c.in})
			require.ErrorContains(t, err, c.err, "and Connect refuses it at once")
			continue
		}
		require.NoError(t, err, "%q", c.in)
		require.Equal(t, c.hosts, hosts, "%q", c.in)
		require.Equal(t, c.root, root, "%q", c.in)
	}
}

// failures: 124: the chroot stands behind the last host, as in other clients. If a
// user puts one behind each host, the error shows how the string was read.
func TestConnectString_MissingChrootIsNamed(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		for servers, root := range map[string]string{
			srv.ConnectString() + "/missing/root": "/missing/root",
			"zk1:2181/r,zk2:2181/r":               "/r,zk2:2181/r",
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			start := time.Now()
			_, err := zk.Connect(ctx, zk.Config{Servers: servers, DialContext: srv.DialContext})
			cancel()
			require.ErrorIs(t, err, zk.ErrNoChroot)
			require.ErrorContains(t, err, root)
			require.Less(t, time.Since(start), time.Second, "it does not wait for it")
		}
		require.Empty(t, srv.Sessions(), "the session was ended")
	})
}

// The dialler gets every host as it was written, in some order.
func TestConnectString_EveryHostIsDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]bool{}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, zk.Config{
			Servers: "h1,[::1]:7,h2:3/root",
			DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
				require.Equal(t, "tcp", network)
				seen[addr] = true
				return nil, errors.New("refused by " + addr)
			},
		})
		require.Equal(t, map[string]bool{"h1:2181": true, "[::1]:7": true, "h2:3": true}, seen)
		for addr := range seen {
			require.ErrorContains(t, err, "refused by "+addr)
		}
	})
}
