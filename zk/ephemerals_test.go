package zk_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func TestEphemerals(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c, other := connect(t, srv), connect(t, srv)
		for _, path := range []string{"/locks", "/locks/ab"} {
			require.NoError(t, srv.Create(path, nil))
		}
		for _, path := range []string{"/locks/a", "/locks/ab/x", "/top"} {
			_, err := c.Create(t.Context(), path, nil, zk.Ephemeral)
			require.NoError(t, err)
		}
		_, err := other.Create(t.Context(), "/locks/other", nil, zk.Ephemeral)
		require.NoError(t, err)
		for prefix, want := range map[string][]string{
			"/":         {"/locks/a", "/locks/ab/x", "/top"},
			"/locks":    {"/locks/a", "/locks/ab/x"},
			"/locks/":   {"/locks/a", "/locks/ab/x"},
			"/locks/a":  {"/locks/a", "/locks/ab/x"},
			"/locks/ab": {"/locks/ab/x"},
			"/none":     {},
		} {
			got, err := c.Ephemerals(t.Context(), prefix)
			require.NoError(t, err)
			require.ElementsMatch(t, want, got, prefix)
			got, err = c.Pipeline().Ephemerals(t.Context(), prefix).Wait(t.Context())
			require.NoError(t, err)
			require.ElementsMatch(t, want, got, prefix)
		}
		for _, bad := range []string{"", "locks", "/locks//", "//", "/\x01"} {
			_, err := c.Ephemerals(t.Context(), bad)
			require.ErrorIs(t, err, zk.ErrInvalidPath, "%q", bad)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		}
	})
}

// A session can have nodes beside the chroot whose paths begin like the chroot's: it
// was taken over from another client, for instance. The server finds them too.
func TestEphemerals_StaysInTheChroot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := make(chan string, 1)
		s := &script{play: []func(*scripted){func(c *scripted) {
			c.serve(func(q asked) []byte {
				if q.Op != proto.OpGetEphemerals {
					return nil
				}
				sent <- proto.NewReader(q.body).String()
				return replyTo(q.Xid, 10, proto.OK, proto.AppendStrings(nil, []string{"/app2/e", "/app/e", "/app", "/apple", "/app/a/b"}))
			})
		}}}
		c := s.client(t, func(cfg *zk.Config) { cfg.Servers += "/app" })
		for prefix, want := range map[string]string{"/": "/app", "/a": "/app/a", "/a/": "/app/a/"} {
			got, err := c.Ephemerals(t.Context(), prefix)
			require.NoError(t, err)
			require.ElementsMatch(t, []string{"/e", "/", "/a/b"}, got)
			require.Equal(t, want, <-sent)
		}
	})
}

func TestEphemerals_OfTheNextSession(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		_, err := c.Create(t.Context(), "/e", nil, zk.Ephemeral)
		require.NoError(t, err)
		old := c.Session()
		time.Sleep(time.Second)
		require.NoError(t, srv.ExpireSession(old.ID()))
		<-old.Context().Done()
		got, err := c.Ephemerals(t.Context(), "/")
		require.NoError(t, err)
		require.Empty(t, got)
	})
}
