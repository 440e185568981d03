package zk_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A client copies its configuration. A program may wipe its secret once the client
// is connected.
func TestConnect_CopiesItsConfiguration(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		secret := []byte("bob:secret")
		var seen atomic.Int32
		cfg := zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext, SessionTimeout: 6 * time.Second}
		cfg.Auth = []zk.Authenticator{zk.Auth{Scheme: "digest", Data: secret}}
		cfg.Hooks = []zk.Hook{onCall(func(zk.CallEnded) { seen.Add(1) })}
		c, err := zk.Connect(inTime(t), cfg)
		require.NoError(t, err)
		defer func() { require.NoError(t, c.Close(inTime(t))) }()
		_, err = c.Create(t.Context(), "/mine", nil, zk.Persistent, zk.WithACL(zk.CreatorACL(zk.PermAll)...))
		require.NoError(t, err)

		clear(secret)
		cfg.Auth[0] = zk.Auth{Scheme: "gone"}
		cfg.Hooks[0] = nil
		srv.CutConnections(1)
		synctest.Wait()
		_, err = c.Get(inTime(t), "/mine")
		require.NoError(t, err, "after a reconnect")
		require.EqualValues(t, 2, seen.Load())
	})
}

// An op copies its arguments, so that the multi may run later.
func TestOp_CopiesItsData(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.NoError(t, srv.Create("/old", nil))
		buf := []byte("first")
		ops := []zk.Op{zk.CreateOp("/new", buf, zk.Persistent), zk.SetOp("/old", buf, zk.AnyVersion)}
		copy(buf, "xxxxx")
		_, err := c.Multi(t.Context(), ops...)
		require.NoError(t, err)
		for _, path := range []string{"/new", "/old"} {
			data, _ := srv.Get(path)
			require.Equal(t, "first", string(data), path)
		}

		_, err = c.Multi(t.Context(), zk.SetOp("/old", nil, zk.AnyVersion), zk.SetOp("/new", []byte{}, zk.AnyVersion))
		require.NoError(t, err)
		node, err := c.Get(t.Context(), "/old")
		require.NoError(t, err)
		require.Nil(t, node.Data, "null data stays null")
		node, err = c.Get(t.Context(), "/new")
		require.NoError(t, err)
		require.NotNil(t, node.Data)
	})
}

// When a call returns, it has encoded its arguments: the data may be used again.
func TestPipeline_DoesNotKeepData(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		srv.Down(1, true) // all of it waits in the queue
		synctest.Wait()
		p, buf, acl := c.Pipeline(), []byte("first"), zk.WorldACL(zk.PermAll)
		made := p.Create(t.Context(), "/n", buf, zk.Persistent)
		multi := p.Multi(t.Context(), zk.CreateOp("/m", buf, zk.Persistent))
		set := p.Set(t.Context(), "/n", buf, 0)
		admin := p.SetACL(t.Context(), "/n", acl, 0)
		copy(buf, "xxxxx")
		acl[0].Scheme = "gone"
		srv.Down(1, false)
		_, err := made.Wait(inTime(t))
		require.NoError(t, err)
		_, err = multi.Wait(inTime(t))
		require.NoError(t, err)
		_, err = set.Wait(inTime(t))
		require.NoError(t, err)
		_, err = admin.Wait(inTime(t))
		require.NoError(t, err)
		for _, path := range []string{"/n", "/m"} {
			data, _ := srv.Get(path)
			require.Equal(t, "first", string(data), path)
		}
	})
}
