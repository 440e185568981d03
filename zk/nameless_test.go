package zk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// The name of a sequential node may be its number alone, in "/" too. Under a
// chroot it would stand beside the chroot.
func TestCreate_SequentialAtTheRoot(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		made, err := c.Create(t.Context(), "/", nil, zk.PersistentSequential)
		require.NoError(t, err)
		require.Regexp(t, `^/\d{10}$`, made.Path)
		require.True(t, srv.Exists(made.Path))
		results, err := c.Multi(t.Context(), zk.CreateOp("/", nil, zk.PersistentSequential))
		require.NoError(t, err)
		require.Regexp(t, `^/\d{10}$`, results[0].Path)
		_, err = c.Create(t.Context(), "/", nil, zk.Persistent)
		require.ErrorIs(t, err, zk.ErrInvalidPath)

		require.NoError(t, srv.Create("/app", nil))
		before := srv.Children("/")
		below := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/app" })
		_, err = below.Create(t.Context(), "/", nil, zk.PersistentSequential)
		require.ErrorIs(t, err, zk.ErrInvalidPath)
		require.ErrorContains(t, err, "/app")
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		_, err = below.Multi(t.Context(), zk.CreateOp("/", nil, zk.PersistentSequential))
		require.ErrorIs(t, err, zk.ErrInvalidPath)
		require.Equal(t, before, srv.Children("/"))
		made, err = protect.Create(t.Context(), below, "/", nil, zk.PersistentSequential)
		require.NoError(t, err)
		require.True(t, srv.Exists("/app"+made.Path), "it has a name")
	})
}

// Session ids print as ZooKeeper's log prints them, also those whose first bit is
// set, as with server ids of 128 and more.
func TestSession_IDsPrintAsZooKeeperPrintsThem(t *testing.T) {
	for id, want := range map[int64]string{
		0x1000a: "0x1000a", -1: "0xffffffffffffffff", -0x7f00_0000_0000_0000: "0x8100000000000000",
	} {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			srv.OnConnect(func(zktest.Connect) zktest.Verdict {
				p := proto.ConnectResponse{TimeoutMillis: 6000, SessionID: id, Password: make([]byte, proto.PasswordLen)}
				return zktest.RawReply(serverproto.AppendConnectResponse(nil, p))
			})
			c := clienttest.Open(t, srv)
			require.Equal(t, "session "+want, fmt.Sprint(c.Session()))
			end, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := c.Close(end); err != nil {
				require.ErrorContains(t, err, "session "+want+":")
			}
		})
	}
}
