package zk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zktest"
)

// A program of the fork recognises its own Close by ErrClosing. Vitess does.
func TestConnectAsFork_SaysThatTheClientIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _ := connectBy(t, srv, "zk1", ConnectAsFork)
		require.True(t, c.State().IsConnected())
		c.Close()
		require.False(t, c.State().IsConnected())
		_, _, err := c.Get("/")
		require.True(t, err == ErrClosing, "%v", err)
		_, err = c.Multi(&DeleteRequest{Path: "/n", Version: -1})
		require.True(t, err == ErrClosing, "%v", err)
		err = NewLock(c, "/lock", WorldACL(PermAll)).Lock()
		require.True(t, err == ErrClosing, "%v", err)
	})
}

func TestCreate2_ReturnsTheStat(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, _ := connect(t, srv)
		path, stat, err := c.Create2("/n", []byte("data"), FlagEphemeral, WorldACL(PermAll))
		require.NoError(t, err)
		require.Equal(t, "/n", path)
		require.EqualValues(t, 4, stat.DataLength)
		require.Equal(t, c.SessionID(), stat.EphemeralOwner)
		path, stat, err = c.Create2("/n", nil, 0, WorldACL(PermAll))
		require.True(t, err == ErrNodeExists)
		require.Empty(t, path)
		require.Nil(t, stat)
	})
}

// Close looks for a server for a while, to end the session. The program is disconnected
// meanwhile, whatever Close does. Vitess looks at the state of a client that it closed
// when its server had gone.
func TestClose_IsDisconnectedWhileItLooksForAServer(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		c, events := connect(t, srv)
		id := c.SessionID()
		time.Sleep(time.Second)
		srv.Down(1, true)
		for e := range events {
			if e.State == StateDisconnected {
				break
			}
		}
		time.Sleep(100 * time.Millisecond) // an attempt has failed
		require.Equal(t, StateConnecting, c.State())
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			c.Close()
		}()
		defer func() { <-closed }()
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, StateDisconnected, c.State())
		_, _, err := c.Get("/")
		require.True(t, err == ErrConnectionClosed, "%v", err)
		srv.Down(1, false)
		<-closed
		require.NotContains(t, srv.Sessions(), id, "Close has ended the session")
		last := Event{}
		for e := range events {
			last = e
		}
		require.Equal(t, StateDisconnected, last.State)
	})
}

// A server that starts accepts connections before it answers. A program that waits for
// StateConnected and takes StateDisconnected for a loss, as Vitess does, waits on.
func TestConnect_IsConnectedWhenTheServerHasAnswered(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server) {
		starting := 2
		srv.OnConnect(func(zktest.Connect) zktest.Verdict {
			if starting--; starting >= 0 {
				return zktest.CutBefore
			}
			return zktest.Pass
		})
		c, events, err := Connect([]string{"zk1"}, timeout, WithHostProvider(&asNamed{}), WithDialer(dialer(t, srv)), WithLogger(nowhere{}))
		require.NoError(t, err)
		t.Cleanup(c.Close)
		for _, want := range []State{StateConnecting, StateConnecting, StateConnecting, StateConnected, StateHasSession} {
			require.Equal(t, want, (<-events).State)
		}
	})
}
