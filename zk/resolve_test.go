package zk_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// One name with several addresses: each counts as a server, so that the session
// is opened, and goes on, although some of them are silent.
func TestConnect_EachAddressOfANameIsAServer(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var mu sync.Mutex
		var dialled []string
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers = "zk:2181"
			cfg.LookupHost = func(_ context.Context, host string) ([]string, error) {
				if host != "zk" {
					return nil, errors.New("no such host")
				}
				return []string{"10.0.0.1", "10.0.0.2", "fd00::3"}, nil
			}
			cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				mu.Lock()
				dialled = append(dialled, addr)
				mu.Unlock()
				if addr == "[fd00::3]:2181" {
					return srv.DialContext(ctx, network, srv.ConnectString())
				}
				mine, silent := net.Pipe()
				go io.Copy(io.Discard, silent)
				return mine, nil
			}
		})
		id := c.Session().ID()
		for range 10 {
			srv.CutConnections(1)
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Equal(t, id, c.Session().ID())
			time.Sleep(6 * time.Second)
		}
		require.NoError(t, c.Close(inTime(t)))
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(dialled)
		require.Equal(t, []string{"10.0.0.1:2181", "10.0.0.2:2181", "[fd00::3]:2181"}, slices.Compact(dialled))
	})
}

// A name that does not resolve, or whose lookup never ends, costs its share of
// the time only.
func TestConnect_NameThatDoesNotResolveIsPassedOver(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		hang := make(chan struct{})
		defer close(hang)
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers = "none:1,stuck:1,zk1:2181"
			cfg.LookupHost = func(_ context.Context, host string) ([]string, error) {
				switch host {
				case "zk1":
					return []string{"zk1"}, nil
				case "stuck":
					<-hang
				}
				return nil, errors.New("no such host")
			}
		})
		require.NoError(t, c.Sync(inTime(t), "/"))
	})
}
