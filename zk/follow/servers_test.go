package follow_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/follow"
	"github.com/zookit/zookit/zktest"
)

func TestClientAddress(t *testing.T) {
	for line, want := range map[string]string{
		"server.1=zk1:2888:3888:participant;2181":                      "zk1:2181",
		"server.1=zk1:2888:3888:observer;0.0.0.0:2182":                 "zk1:2182",
		"server.1=zk1:2888:3888|zk1b:2888:3888:participant;[::]:2181":  "zk1:2181",
		"server.1=zk1:2888:3888:participant;10.0.0.1:2181":             "10.0.0.1:2181",
		"server.1=[fd00::1]:2888:3888:participant;2181":                "[fd00::1]:2181",
		"server.1=[fd00::1]:2888:3888:participant;[fd00::2]:2181":      "[fd00::2]:2181",
		"server.1=zk1:2888:3888:participant":                           "",
		"server.1=zk1:2888:3888:participant;clients.example.org:12181": "clients.example.org:12181",
	} {
		cfg, err := zk.ParseEnsembleConfig([]byte(line))
		require.NoError(t, err)
		require.Equal(t, want, follow.ClientAddress(cfg.Servers[0]), line)
	}
	require.Empty(t, follow.ClientAddress(zk.EnsembleServer{Client: "0.0.0.0:2181"}))
}

// following runs follow.Servers until cancel, which returns its error.
func following(t *testing.T, c *zk.Client, address func(zk.EnsembleServer) string) (cancel func() error) {
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- follow.Servers(ctx, c, address) }()
	synctest.Wait()
	return func() error { stop(); return <-ended }
}

// config returns the text of a configuration of these servers of the embedded ensemble.
func config(version int64, servers ...int) []byte {
	var b strings.Builder
	for _, n := range servers {
		fmt.Fprintf(&b, "server.%d=zk%d:2888:3888:participant;0.0.0.0:2181\n", n, n)
	}
	fmt.Fprintf(&b, "version=%x", version)
	return []byte(b.String())
}

// lines is a writer for a log that tests read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), s)
}

// The list follows the configuration: over a move, a lost connection and an expired
// session. Configurations that cannot be used, and older ones, change nothing.
func TestServers_ListFollowsTheConfiguration(t *testing.T) {
	clienttest.Bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app", nil))
		var log lines
		c := clienttest.Watching(t, srv, func(cfg *zk.Config) {
			cfg.Servers, cfg.Logger = "zk1/app", slog.New(slog.NewTextHandler(&log, nil))
		})
		cancel := following(t, c, nil)
		set := func(data []byte) {
			require.NoError(t, srv.Set("/zookeeper/config", data))
			time.Sleep(15 * time.Second) // a pause of 5 s and a move of 6 s are over
			synctest.Wait()
		}
		warned := 0
		kept := func(data, reason string) {
			before := c.Config().Servers
			set([]byte(data))
			require.Equal(t, before, c.Config().Servers)
			if reason != "" {
				warned++
				require.Equal(t, 1, log.count(reason), reason)
			}
			require.Equal(t, warned, log.count(`level=WARN msg="zk: the list of servers is kept`))
		}
		require.Equal(t, "zk1:2181,zk2:2181,zk3:2181/app", c.Config().Servers, "the first configuration")

		set(config(0x10, 1, 2))
		require.Equal(t, "zk1:2181,zk2:2181/app", c.Config().Servers)
		id := c.Session().ID()
		set(config(0x20, 2))
		require.Equal(t, "zk2:2181/app", c.Config().Servers)
		require.Equal(t, "zk2:2181", c.Stats().Server)
		require.Equal(t, id, c.Session().ID())

		kept(string(config(0x1f, 1)), "")
		kept(string(config(0x20, 3)), "")
		kept("version=21", "")
		kept("server.1=zk1:2888:3888:participant\nversion=22", "it names no address for clients")
		kept("server.1\nversion=30", "malformed configuration")

		set(config(0x40, 3))
		require.Equal(t, "zk3:2181", c.Stats().Server)
		srv.CutConnections(0)
		set(config(0x50, 1))
		require.Equal(t, "zk1:2181", c.Stats().Server)
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		set(config(0x60, 2))
		require.Equal(t, "zk2:2181", c.Stats().Server)
		require.ErrorIs(t, cancel(), context.Canceled)
		kept(string(config(0x70, 1)), "")
	})
}

// The program says where a client reaches the servers, and which of them it uses.
func TestServers_AddressesOfTheProgram(t *testing.T) {
	clienttest.Bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Set("/zookeeper/config", []byte(
			"server.1=a:1:2:participant\nserver.2=b:1:2:observer;2181\nserver.3=c:1:2:participant;2181\nversion=1")))
		c := clienttest.Watching(t, srv, func(cfg *zk.Config) { cfg.Servers = "zk1" })
		cancel := following(t, c, func(s zk.EnsembleServer) string {
			if s.Role == zk.Observer {
				return ""
			}
			return fmt.Sprintf("zk%d", s.ID)
		})
		require.Equal(t, "zk1:2181,zk3:2181", c.Config().Servers)
		require.ErrorIs(t, cancel(), context.Canceled)

		var log lines
		c = clienttest.Watching(t, srv, func(cfg *zk.Config) {
			cfg.Servers, cfg.Logger = "zk1:2181", slog.New(slog.NewTextHandler(&log, nil))
		})
		cancel = following(t, c, func(zk.EnsembleServer) string { return "z k1" })
		require.Equal(t, "zk1:2181", c.Config().Servers, "an address that cannot be one changes nothing")
		require.Equal(t, 1, log.count("bad host"))
		require.ErrorIs(t, cancel(), context.Canceled)
	})
}

// Servers returns when there is nothing to follow.
func TestServers_ReturnsWhereItCannotFollow(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Set("/zookeeper/config", config(1, 1)))
		resolving := clienttest.Watching(t, srv, func(cfg *zk.Config) {
			cfg.Servers, cfg.Resolve = "", func(context.Context) ([]string, error) { return []string{"zk1"}, nil }
		})
		require.ErrorContains(t, follow.Servers(clienttest.InTime(t), resolving, nil), "Config.Resolve names the servers")

		c := clienttest.Connect(t, srv)
		clienttest.OnNth(srv, "get", 1, zktest.Fail(-101))
		require.ErrorIs(t, follow.Servers(clienttest.InTime(t), c, nil), zk.ErrNoNode)
		clienttest.OnNth(srv, "get", 1, zktest.Fail(-102))
		require.ErrorIs(t, follow.Servers(clienttest.InTime(t), c, nil), zk.ErrNoAuth)

		ended := make(chan error, 1)
		go func() { ended <- follow.Servers(clienttest.InTime(t), c, nil) }()
		synctest.Wait()
		require.NoError(t, c.Close(clienttest.InTime(t)))
		require.ErrorIs(t, <-ended, zk.ErrClosed)
	})
}

// A server that lags behind shows an older configuration after a reconnect, and the
// newer one when it has caught up.
func TestServers_OlderVersionIsNotApplied(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Set("/zookeeper/config", config(0x20, 1)))
		c := clienttest.Watching(t, srv)
		cancel := following(t, c, nil)
		require.Equal(t, "zk1:2181", c.Config().Servers)
		require.NoError(t, srv.Set("/zookeeper/config", config(0x10, 1, 2)))
		srv.CutConnections(0)
		time.Sleep(time.Minute)
		require.Equal(t, "zk1:2181", c.Config().Servers)
		require.NoError(t, srv.Set("/zookeeper/config", config(0x21, 1, 2)))
		synctest.Wait()
		require.Equal(t, "zk1:2181,zk2:2181", c.Config().Servers)
		require.ErrorIs(t, cancel(), context.Canceled)
	})
}

// A server that runs alone has no configuration. The list stays as it is, until there is
// one.
func TestServers_ServerThatRunsAloneKeepsTheList(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Watching(t, srv, func(cfg *zk.Config) { cfg.Servers = "zk1,standby" })
		cancel := following(t, c, nil)
		require.Equal(t, "zk1,standby", c.Config().Servers)
		require.NoError(t, srv.Set("/zookeeper/config", config(1, 1)))
		synctest.Wait()
		require.Equal(t, "zk1:2181", c.Config().Servers)
		require.ErrorIs(t, cancel(), context.Canceled)
	})
}
