package zk_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

const threeServers = `server.1=zk1:2888:3888:participant;0.0.0.0:2181
server.2=10.0.0.2:2888:3888|[fd00::2]:2889:3889:participant;[fd00::2]:2181
server.3=zk3:2888:3888:observer
version=1a00000003`

func TestParseEnsembleConfig(t *testing.T) {
	got, err := zk.ParseEnsembleConfig([]byte(threeServers))
	require.NoError(t, err)
	require.Equal(t, zk.EnsembleConfig{Version: 0x1a00000003, Servers: []zk.EnsembleServer{
		{ID: 1, Peers: []zk.PeerAddress{{Host: "zk1", Quorum: 2888, Election: 3888}}, Client: "0.0.0.0:2181"},
		{ID: 2, Peers: []zk.PeerAddress{
			{Host: "10.0.0.2", Quorum: 2888, Election: 3888}, {Host: "fd00::2", Quorum: 2889, Election: 3889},
		}, Client: "[fd00::2]:2181"},
		{ID: 3, Role: zk.Observer, Peers: []zk.PeerAddress{{Host: "zk3", Quorum: 2888, Election: 3888}}},
	}}, got)
	lines := strings.Split(threeServers, "\n")
	for i, s := range got.Servers {
		require.Equal(t, lines[i], s.String())
	}

	// What a hand-written file may have.
	got, err = zk.ParseEnsembleConfig([]byte("# three\r\n\r\n server.7 = h:1:2:OBSERVER;2181\ngroup.1=1:2\nweight.1=2\n"))
	require.NoError(t, err)
	require.Equal(t, []zk.EnsembleServer{{ID: 7, Role: zk.Observer, Peers: []zk.PeerAddress{{Host: "h", Quorum: 1, Election: 2}}, Client: "0.0.0.0:2181"}}, got.Servers)

	got, err = zk.ParseEnsembleConfig(nil)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestParseEnsembleConfig_Malformed(t *testing.T) {
	for _, bad := range []string{
		"server", "server.x=h:1:2", "server.=h:1:2", "server.1=", "server.1=h", "server.1=h:1", "server.1=:1:2",
		"server.1=h:1:2:leader", "server.1=h:1:2:", "server.1=h:1:2:observer:x", "server.1=h:1:65536", "server.1=h:-1:2",
		"server.1=[::1:1:2", "server.1=[]:1:2", "server.1=::1:1:2", "server.1=h:1:2|", "server.1=h:1:2;", "server.1=h:1:2;h",
		"server.1=h:1:2;:2181", "server.1=h:1:2;h:1;h:2", "version=", "version=xyz", "version=12345678901234567",
		"server.1=a:1:2\nserver.1=b:1:2", "\x00",
	} {
		got, err := zk.ParseEnsembleConfig([]byte(bad))
		require.ErrorIs(t, err, zk.ErrEnsembleConfig, bad)
		require.Empty(t, got, bad)
	}
	_, err := zk.ParseEnsembleConfig([]byte("server.1=h:1\nserver.2=h:1:2\nversion=?"))
	require.ErrorContains(t, err, `"server.1=h:1": "h:1" is not host:port:port`)
	require.ErrorContains(t, err, `"version=?"`, "all faults at once")
}

// FuzzParseEnsembleConfig holds that what was parsed is parsed again from its lines.
func FuzzParseEnsembleConfig(f *testing.F) {
	f.Add(threeServers)
	f.Add("server.1=[::1]:1:2|h:1:2;h:3\nversion=ffffffff\n")
	f.Add("server.1=h:1:2:observer;")
	f.Add("server.0=[ ]:0:0")
	f.Add("server.0=h:0:0;[ ]:1")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := zk.ParseEnsembleConfig([]byte(text))
		if err != nil {
			require.ErrorIs(t, err, zk.ErrEnsembleConfig)
			return
		}
		var lines []string
		for _, s := range got.Servers {
			lines = append(lines, s.String())
		}
		again, err := zk.ParseEnsembleConfig([]byte(strings.Join(lines, "\n")))
		require.NoError(t, err)
		require.Equal(t, got.Servers, again.Servers)
	})
}

func TestClient_EnsembleConfig(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app", nil))
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/app" })
		got, err := c.EnsembleConfig(t.Context())
		require.NoError(t, err)
		require.Empty(t, got, "a server that runs alone")

		got, w, err := c.EnsembleConfigW(t.Context())
		require.NoError(t, err)
		require.Empty(t, got)
		srv.CutConnections(0) // the watch is restored
		require.NoError(t, srv.Set("/zookeeper/config", []byte(threeServers)))
		ev, err := w.Wait(inTime(t))
		require.NoError(t, err)
		require.Equal(t, zk.EventDataChanged, ev.Type)
		got, err = c.EnsembleConfig(t.Context())
		require.NoError(t, err)
		require.Len(t, got.Servers, 3)
		require.EqualValues(t, int64(0x1a00000003), got.Version)

		require.NoError(t, srv.Set("/zookeeper/config", []byte("server.1")))
		_, err = c.EnsembleConfig(t.Context())
		require.ErrorIs(t, err, zk.ErrEnsembleConfig)
		require.ErrorContains(t, err, "zk: get /zookeeper/config: ")
		_, w, err = c.EnsembleConfigW(t.Context())
		require.ErrorIs(t, err, zk.ErrEnsembleConfig)
		require.Nil(t, w)
		nothingWatched(t, srv, c)
	})
}
