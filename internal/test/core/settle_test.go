package core_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/settle"
)

// loser loses a connection: before the next request is written, or when the next reply is
// there.
type loser struct{ before, after atomic.Bool }

func (l *loser) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	return &losing{nc, l}, err
}

type losing struct {
	net.Conn
	l *loser
}

func (c *losing) Write(b []byte) (int, error) {
	if c.l.before.CompareAndSwap(true, false) {
		c.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func (c *losing) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.l.after.CompareAndSwap(true, false) {
		c.Close() // the server has run the request
		return 0, net.ErrClosed
	}
	return n, err
}

// On real servers a write whose connection is lost, before or after it has run, is settled,
// and has run once.
func TestCore_LostWritesAreSettled(t *testing.T) {
	onEachVersion(t, ensemble.Options{}, func(t *testing.T, servers string) {
		ctx := t.Context()
		l := &loser{}
		c := connect(t, servers, func(cfg *zk.Config) {
			cfg.DialContext = l.dial
			cfg.BackOff = func() backoff.BackOff { return backoff.NewConstantBackOff(5 * time.Millisecond) }
		})
		for i, lose := range []*atomic.Bool{&l.before, &l.after} {
			path := fmt.Sprintf("/n%d", i)
			for _, mode := range []zk.CreateMode{zk.Persistent, zk.Ephemeral} {
				lose.Store(true)
				made, err := settle.Create(ctx, c, path, []byte("0"), mode)
				require.NoError(t, err)
				require.False(t, lose.Load())
				lose.Store(true)
				stat, err := settle.Set(ctx, c, path, []byte("1"), 0)
				require.NoError(t, err)
				require.EqualValues(t, 1, stat.Version)
				require.Equal(t, made.Stat.Czxid, stat.Czxid)
				node, err := settle.Update(ctx, c, path, func(old []byte, _ zk.Stat) ([]byte, error) {
					lose.Store(true)
					return append(old, '2'), nil
				}, settle.UpdateConfig{Unique: true})
				require.NoError(t, err)
				require.Equal(t, "12", string(node.Data))
				require.EqualValues(t, 2, node.Stat.Version)
				lose.Store(true)
				require.NoError(t, settle.Delete(ctx, c, path, node.Stat))
				_, exists, err := c.Exists(ctx, path)
				require.NoError(t, err)
				require.False(t, exists)
			}
		}
	})
}
