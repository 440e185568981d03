package groupmembership_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The membership goes from process to process. The node is there all the time, with its
// czxid, and the new process's data is stored in it.
func TestDetach_MembershipMoves(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		m, err := groupmembership.New(c, "/g", groupmembership.Config{}).Join(t.Context(), "one", []byte("0"))
		require.NoError(t, err)
		czxid := m.Status().Czxid
		gone := 0
		watcher := clienttest.Connect(t, srv)
		sub, err := watcher.Subscribe(t.Context(), "/g", zk.Recursive())
		require.NoError(t, err)
		go func() {
			for e := range sub.Events(t.Context()) {
				if e.Type == zk.EventDeleted {
					gone++
				}
			}
		}()
		for i := range 3 {
			old := m
			d, err := m.Detach(t.Context())
			require.NoError(t, err)
			require.ErrorIs(t, context.Cause(m.Context()), recipes.ErrDetached)
			require.Equal(t, groupmembership.Ended, m.Status().State)
			require.NoError(t, m.Leave(t.Context()), "it does nothing")
			session, err := c.Detach(t.Context())
			require.NoError(t, err)
			c = clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.Resume = session })
			g := groupmembership.New(c, "/g", groupmembership.Config{})
			data := []byte{byte('0' + i)}
			m, err = g.Resume(t.Context(), "one", d, data)
			require.NoError(t, err)
			require.Equal(t, czxid, m.Status().Czxid)
			require.NoError(t, m.Context().Err())
			require.NoError(t, old.Leave(t.Context()))
			synctest.Wait()
			stored, there := srv.Get("/g/one")
			require.True(t, there)
			require.Equal(t, data, stored)
			_, err = g.Resume(t.Context(), "one", d, nil)
			require.ErrorIs(t, err, groupmembership.ErrIDTaken)
			require.NoError(t, m.Context().Err())
		}
		require.Zero(t, gone)
		require.NoError(t, m.Update(t.Context(), []byte("later")))
		require.NoError(t, m.Leave(t.Context()))
		require.False(t, srv.Exists("/g/one"))
		_, err = m.Detach(t.Context())
		require.ErrorIs(t, err, recipes.ErrNotHeld)
	})
}

func TestResume_IsRefusedWithTheReason(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		g := groupmembership.New(c, "/g", groupmembership.Config{})
		m, err := g.Join(t.Context(), "one", []byte("0"))
		require.NoError(t, err)
		d, err := m.Detach(t.Context())
		require.NoError(t, err)

		other := groupmembership.New(clienttest.Connect(t, srv), "/g", groupmembership.Config{})
		_, err = other.Resume(t.Context(), "one", d, nil)
		require.ErrorIs(t, err, groupmembership.ErrIDTaken)
		_, err = g.Resume(t.Context(), "two", d, nil)
		require.ErrorIs(t, err, zk.ErrBadArguments)
		wrong := d
		wrong.Token++
		_, err = g.Resume(t.Context(), "one", wrong, nil)
		require.ErrorIs(t, err, groupmembership.ErrDeleted)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = g.Resume(ended, "one", d, nil)
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, srv.Exists("/g/one"), "no refusal deletes the node")
		data, _ := srv.Get("/g/one")
		require.Equal(t, "0", string(data))

		m, err = g.Resume(t.Context(), "one", d, []byte("0"))
		require.NoError(t, err)
		d, err = m.Detach(t.Context())
		require.NoError(t, err)
		require.NoError(t, srv.Delete("/g/one"))
		_, err = g.Resume(t.Context(), "one", d, nil)
		require.ErrorIs(t, err, groupmembership.ErrDeleted)
		require.False(t, srv.Exists("/g/one"))
	})
}

// Detach needs no request. So it detaches also with a context that has ended, and the
// next member can go on with the node.
func TestDetach_WithAContextThatHasEnded(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		g := groupmembership.New(clienttest.Connect(t, srv), "/g", groupmembership.Config{})
		m, err := g.Join(t.Context(), "one", []byte("0"))
		require.NoError(t, err)
		czxid := m.Status().Czxid
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		d, err := m.Detach(ended)
		require.NoError(t, err)
		require.ErrorIs(t, context.Cause(m.Context()), recipes.ErrDetached)
		next, err := g.Resume(t.Context(), "one", d, []byte("0"))
		require.NoError(t, err)
		require.Equal(t, czxid, next.Status().Czxid)
		require.NoError(t, next.Leave(t.Context()))
		require.False(t, srv.Exists("/g/one"))
	})
}

// Two members that rest on one node would both count as registered. The second is refused,
// also that of another Group, until the first has detached the node again.
func TestResume_OnlyOnce(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		group := func() *groupmembership.Group { return groupmembership.New(c, "/g", groupmembership.Config{}) }
		m, err := group().Join(t.Context(), "one", nil)
		require.NoError(t, err)
		d, err := m.Detach(t.Context())
		require.NoError(t, err)
		for range 3 {
			first, err := group().Resume(t.Context(), "one", d, nil)
			require.NoError(t, err)
			_, err = group().Resume(t.Context(), "one", d, nil)
			require.ErrorIs(t, err, recipes.ErrResumed, "two members rest on one node")
			require.ErrorContains(t, err, "/g/one: this client has it already")
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
			require.NoError(t, first.Context().Err())
			require.True(t, srv.Exists("/g/one"))
			d, err = first.Detach(t.Context())
			require.NoError(t, err)
		}

		ended, cancel := context.WithCancel(t.Context())
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "get" {
				cancel() // Resume gives up
				return zktest.Hang
			}
			return zktest.Pass
		})
		_, err = group().Resume(ended, "one", d, nil)
		require.ErrorIs(t, err, context.Canceled)
		srv.OnRequest(nil)
		last, err := group().Resume(t.Context(), "one", d, nil)
		require.NoError(t, err, "a Resume that has failed takes nothing")
		require.NoError(t, last.Leave(t.Context()))
		require.False(t, srv.Exists("/g/one"))
	})
}

// The session expires while Resume reads the node. Resume says so, and registers nothing.
func TestResume_SessionExpiresMeanwhile(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		g := groupmembership.New(c, "/g", groupmembership.Config{})
		m, err := g.Join(t.Context(), "one", nil)
		require.NoError(t, err)
		d, err := m.Detach(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Second)
		var once sync.Once
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "get" {
				once.Do(func() { _ = srv.ExpireSession(r.Session) }) // an error shows in what the test sees
			}
			return zktest.Pass
		})
		_, err = g.Resume(t.Context(), "one", d, nil)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.False(t, srv.Exists("/g/one"))
	})
}
