package core_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/fourletter"
	"github.com/zookit/zookit/zktest"
)

// Servers of each version, and the embedded one, answer all words.
func TestCore_FourLetterWords(t *testing.T) {
	onEachVersion(t, ensemble.Options{}, fourLetterWords)
	t.Run("embedded", func(t *testing.T) {
		addr, err := zktest.Start(t, zktest.Config{}).Listen("127.0.0.1:0")
		require.NoError(t, err)
		fourLetterWords(t, addr)
	})
}

func fourLetterWords(t *testing.T, addr string) {
	c := connect(t, addr)
	ctx := t.Context()
	_, err := c.Create(ctx, "/n", nil, zk.Persistent)
	require.NoError(t, err)
	_, _, watch, err := c.ExistsW(ctx, "/x")
	require.NoError(t, err)
	defer watch.Stop()
	stat, _, err := c.Exists(ctx, "/n")
	require.NoError(t, err)
	s := fourletter.Server{Addr: addr}

	status, err := s.Srvr(ctx)
	require.NoError(t, err)
	require.Equal(t, "standalone", status.Mode)
	require.Regexp(t, `^3\.\d+\.\d+$`, status.Version)
	require.Equal(t, stat.Czxid, status.Zxid)
	require.GreaterOrEqual(t, status.Connections, int64(2), "the client and this one")
	require.GreaterOrEqual(t, status.Received, int64(3))
	require.GreaterOrEqual(t, status.Nodes, int64(2))
	require.LessOrEqual(t, status.MinLatency, status.MaxLatency)
	require.NoError(t, s.Ruok(ctx))

	metrics, err := s.Mntr(ctx)
	require.NoError(t, err)
	n, ok := metrics.Int("zk_watch_count")
	require.True(t, ok)
	require.EqualValues(t, 1, n)
	_, ok = metrics.Float("zk_avg_latency")
	require.True(t, ok)
	require.Equal(t, "standalone", metrics["zk_server_state"])

	ourConnection(t, s, c)
	watches, err := s.Wchs(ctx)
	require.NoError(t, err)
	require.Equal(t, fourletter.Watches{Connections: 1, Paths: 1, Total: 1}, watches)
	dirs, err := s.Dirs(ctx)
	require.NoError(t, err)
	require.GreaterOrEqual(t, dirs.Data, int64(0))
	readOnly, err := s.Isro(ctx)
	require.NoError(t, err)
	require.False(t, readOnly)
	conf, err := s.Conf(ctx)
	require.NoError(t, err)
	_, ok = conf.Int("clientPort")
	require.True(t, ok)
	env, err := s.Envi(ctx)
	require.NoError(t, err)
	require.Contains(t, env["zookeeper.version"], status.Version)
	_, err = s.Ask(ctx, "nope")
	require.ErrorIs(t, err, fourletter.ErrNoAnswer)
}

// ourConnection finds the connection of c among those that the server lists.
func ourConnection(t *testing.T, s fourletter.Server, c *zk.Client) {
	t.Helper()
	conns, err := s.Cons(t.Context())
	require.NoError(t, err)
	var ours *fourletter.Conn
	for i := range conns {
		if conns[i].Session == c.Session().ID() {
			ours = &conns[i]
		}
	}
	require.NotNil(t, ours)
	require.Contains(t, ours.Addr, "127.0.0.1:")
	require.Equal(t, c.Session().Timeout(), ours.Timeout)
	require.WithinDuration(t, time.Now(), ours.Since, time.Hour)
	require.NotEmpty(t, ours.Fields["avglat"])
}

// A server that answers srvr alone, as they do by default.
func TestCore_FourLetterWordsThatAreNotListed(t *testing.T) {
	onEachVersion(t, ensemble.Options{Extra: []string{"4lw.commands.whitelist=srvr"}}, func(t *testing.T, addr string) {
		s := fourletter.Server{Addr: addr}
		_, err := s.Srvr(t.Context())
		require.NoError(t, err)
		_, err = s.Mntr(t.Context())
		require.ErrorIs(t, err, fourletter.ErrNotListed)
		require.ErrorIs(t, s.Ruok(t.Context()), fourletter.ErrNotListed)
	})
}
