package presence_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 96: data that was given while the connection was lost is in the next
// session's node from its creation. Update returns nil then, and not earlier.
func TestNode_NewestDataWins(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, reader := connect(t, srv), connect(t, srv)
		n := start(t, c, presence.Config{})
		first := await(t, n, registered)
		require.NoError(t, n.Update(t.Context(), []byte("2")))
		require.Equal(t, "2", data(t, reader, "/p/a"))

		srv.Silence(1, true)
		acked := make(chan error, 2)
		go func() { acked <- n.Update(t.Context(), []byte("3")) }()
		synctest.Wait()
		go func() { acked <- n.Update(t.Context(), []byte("4")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := n.Update(ctx, []byte("5"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		time.Sleep(2 * timeout)
		require.Empty(t, acked, "nothing can have been stored")
		srv.Silence(1, false)
		require.NoError(t, <-acked)
		require.NoError(t, <-acked)
		require.Equal(t, "5", data(t, reader, "/p/a"))
		s := await(t, n, after(first))
		require.NotEqual(t, first.Session, s.Session)

		// After a lost reply the set is repeated before Update returns nil.
		oneReply(srv, "set", zktest.CutBefore)
		require.NoError(t, n.Update(t.Context(), []byte("6")))
		require.Equal(t, "6", data(t, reader, "/p/a"))
		// The next Update replaces the data that another client has written.
		require.NoError(t, srv.Set("/p/a", []byte("other")))
		synctest.Wait()
		require.NoError(t, n.Update(t.Context(), []byte("7")))
		require.Equal(t, "7", data(t, reader, "/p/a"))
		require.NoError(t, n.Leave(t.Context()))
	})
}

func TestNode_DataThatCannotBeStoredIsDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxRequestSize = 1000 })
		n := start(t, c, presence.Config{})
		s := await(t, n, registered)
		big := bytes.Repeat([]byte("x"), 2000)
		require.ErrorIs(t, n.Update(t.Context(), big), zk.ErrTooLarge)
		require.NoError(t, s.Context.Err(), "it is no reason to end the registration")
		require.NoError(t, srv.ExpireSession(s.Session.ID()))
		require.ErrorIs(t, n.Update(t.Context(), big), zk.ErrTooLarge)
		s = await(t, n, after(s))
		require.Equal(t, "1", data(t, c, s.Path))
		oneReply(srv, "set", zktest.Fail(int32(zk.ErrThrottled)))
		require.NoError(t, n.Update(t.Context(), []byte("1b")), "only late")
		oneReply(srv, "set", zktest.Fail(int32(zk.ErrNoAuth)))
		require.ErrorIs(t, n.Update(t.Context(), []byte("2")), zk.ErrNoAuth)
		require.NoError(t, n.Update(t.Context(), []byte("3")))
		require.Equal(t, "3", data(t, c, s.Path))
		require.NoError(t, n.Leave(t.Context()))

		m, err := presence.NewKeeper(c).Start(t.Context(), "/p/b", big, presence.Config{})
		require.NoError(t, err)
		ended := await(t, m, func(s presence.Status) bool { return s.State == presence.Ended })
		require.ErrorIs(t, ended.Err, zk.ErrTooLarge)
		require.NoError(t, m.Leave(t.Context()))
	})
}

// failures: 98: a node that an operator deletes is created again at once, with its
// parents. With ReportDeleted the deletion is reported instead, and not mistaken
// for an expiry.
func TestNode_DeletedByAnOperator(t *testing.T) {
	t.Run("again", func(t *testing.T) {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			c := connect(t, srv)
			n := start(t, c, presence.Config{})
			s := await(t, n, registered)
			time.Sleep(time.Minute)
			at := time.Now()
			require.NoError(t, srv.Delete("/p/a"))
			<-s.Context.Done()
			require.ErrorIs(t, context.Cause(s.Context), presence.ErrDeleted)
			s = await(t, n, after(s))
			require.Zero(t, time.Since(at))

			time.Sleep(time.Minute)
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				srv.OnRequest(nil)
				require.NoError(t, srv.Delete("/p")) // before the node is created again
				return zktest.Pass
			})
			require.NoError(t, srv.Delete("/p/a"))
			s = await(t, n, after(s))
			require.True(t, srv.Exists("/p/a"))

			// A client that deletes the node repeatedly does not cause a busy loop.
			before := srv.Requests()
			for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(time.Millisecond) {
				_ = srv.Delete("/p/a")
			}
			require.Less(t, srv.Requests()-before, int64(500))
			require.NoError(t, n.Leave(t.Context()))
		})
	})
	t.Run("reported", func(t *testing.T) {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			c := connect(t, srv)
			n := start(t, c, presence.Config{ReportDeleted: true})
			s := await(t, n, registered)
			for range 20 {
				require.NoError(t, srv.ExpireSession(s.Session.ID()))
				s = await(t, n, after(s))
			}
			require.NoError(t, srv.Delete("/p/a"))
			s = await(t, n, func(s presence.Status) bool {
				return s.State != presence.Registered && s.State != presence.Unregistered
			})
			require.ErrorIs(t, s.Err, presence.ErrDeleted)
			time.Sleep(time.Minute)
			require.False(t, srv.Exists("/p/a"))
			require.NoError(t, n.Leave(t.Context()))
		})
	})
	t.Run("parents kept by others", func(t *testing.T) {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			c := connect(t, srv)
			n := start(t, c, presence.Config{KeepParents: true})
			s := await(t, n, func(s presence.Status) bool { return s.Err != nil })
			require.ErrorIs(t, s.Err, zk.ErrNoNode)
			require.False(t, srv.Exists("/p"))
			require.NoError(t, srv.Create("/p", nil))
			await(t, n, registered)
			require.NoError(t, n.Leave(t.Context()))
		})
	})
}

// failures: 100: a refusal of the server is in the status and is retried slowly.
// The node is created when the right is granted.
func TestNode_RefusalIsReportedAndRetriedSlowly(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, admin := connect(t, srv), connect(t, srv)
		_, err := admin.Create(t.Context(), "/p", nil, zk.Persistent, zk.WithACL(zk.WorldACL(zk.PermRead|zk.PermAdmin)...))
		require.NoError(t, err)
		n := start(t, c, presence.Config{})
		s := await(t, n, func(s presence.Status) bool { return s.Err != nil })
		require.Equal(t, presence.Unregistered, s.State)
		require.ErrorIs(t, s.Err, zk.ErrNoAuth)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(s.Err))
		creates := 0
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "create" {
				creates++
			}
			return zktest.Pass
		})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.InDelta(t, 20, creates, 1)
		_, err = admin.SetACL(t.Context(), "/p", zk.WorldACL(zk.PermAll), zk.AnyVersion)
		require.NoError(t, err)
		at := time.Now()
		await(t, n, registered)
		require.LessOrEqual(t, time.Since(at), 30*time.Second)
		require.NoError(t, n.Leave(t.Context()))
	})
}

// Update writes only into our own node, never into one that has replaced it.
func TestNode_UpdateWritesToItsOwnNodeOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{})
		await(t, n, registered)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "exists" { // the look before the write
				srv.OnRequest(nil)
				require.NoError(t, srv.Delete("/p/a"))
				require.NoError(t, srv.Create("/p/a", []byte("other")))
			}
			return zktest.Pass
		})
		require.ErrorIs(t, n.Update(t.Context(), []byte("2")), presence.ErrIDTaken)
		require.Equal(t, "other", data(t, c, "/p/a"))
		require.NoError(t, n.Leave(t.Context()))
		require.NoError(t, srv.Delete("/p/a"))
	})
}

// In one process a path has one Node. The next Node waits until the janitor has
// deleted the earlier node. Otherwise the janitor would delete the next one.
func TestKeeper_OneNodeAtAPath(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		k := presence.NewKeeper(c)
		n, err := k.Start(t.Context(), "/p/a", nil, presence.Config{})
		require.NoError(t, err)
		await(t, n, registered)
		require.Equal(t, n, k.Find("/p/a"))
		_, err = k.Start(t.Context(), "/p/a", nil, presence.Config{})
		require.ErrorIs(t, err, presence.ErrIDTaken)
		_, err = k.Start(t.Context(), "p", nil, presence.Config{})
		require.ErrorIs(t, err, zk.ErrInvalidPath)

		over, cancel := context.WithCancel(t.Context())
		cancel()
		for range 200 {
			require.ErrorIs(t, n.Leave(over), zk.ErrUnconfirmed)
			require.Nil(t, k.Find("/p/a"))
			n, err = k.Start(t.Context(), "/p/a", nil, presence.Config{})
			require.NoError(t, err)
			s := await(t, n, registered)
			time.Sleep(10 * time.Millisecond)
			require.NoError(t, s.Context.Err(), "it was deleted in place of the one before")
		}
		require.NoError(t, n.Leave(t.Context()))
	})
}

// The context of a registration ends before its node is deleted. Many goroutines
// may call Leave concurrently.
func TestNode_ContextEndsBeforeTheNodeIsDeleted(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{})
		s := await(t, n, registered)
		deletes := 0
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "delete" {
				deletes++
				require.ErrorIs(t, context.Cause(s.Context), presence.ErrLeft)
			}
			return zktest.Pass
		})
		left := make(chan error, 10)
		for range cap(left) {
			go func() { left <- n.Leave(t.Context()) }()
		}
		for range cap(left) {
			require.NoError(t, <-left)
		}
		require.Equal(t, 1, deletes)
		require.False(t, srv.Exists("/p/a"))
	})
}

// failures: 95: a session that has expired only by the client's clock may still own
// the node. Leave is unconfirmed until the node is known to be gone.
func TestNode_LeaveAfterALocalExpiryIsUnconfirmed(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{})
		s := await(t, n, registered)
		srv.SilenceReplies(1, true) // what the client sends keeps the session alive
		<-s.Session.Context().Done()
		require.Equal(t, s.Session.ID(), srv.Owner("/p/a"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, n.Leave(ctx), zk.ErrUnconfirmed)
		require.Equal(t, s.Session.ID(), srv.Owner("/p/a"), "as it said")
		srv.SilenceReplies(1, false)
		for start := time.Now(); n.Leave(t.Context()) != nil; time.Sleep(100 * time.Millisecond) {
			require.Less(t, time.Since(start), 3*timeout)
		}
		require.False(t, srv.Exists("/p/a"))
	})
}

// Closing the client ends its nodes.
func TestNode_EndsWithItsClient(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{})
		s := await(t, n, registered)
		require.NoError(t, c.Close(t.Context()))
		<-s.Context.Done()
		if cause := context.Cause(s.Context); cause != presence.ErrDeleted {
			// The server may report the node's deletion before it answers the
			// close.
			require.ErrorIs(t, cause, zk.ErrClosed)
		}
		ended := await(t, n, func(s presence.Status) bool { return s.State == presence.Ended })
		require.ErrorIs(t, ended.Err, zk.ErrClosed)
		require.ErrorIs(t, n.Update(t.Context(), nil), zk.ErrClosed)
		require.NoError(t, n.Leave(t.Context()), "Close has confirmed that the node is gone")
	})
}

// failures: 93: an observer on another server sees no event of a reconnect inside
// the session.
func TestNode_ReconnectInsideTheSessionIsNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 2})
		member := connect(t, srv)
		require.NoError(t, srv.Create("/p", nil))
		n := start(t, member, presence.Config{})
		first := await(t, n, registered)
		ask, cancel := context.WithCancel(t.Context())
		for s := range 2 {
			srv.Down(s+1, true)
			observer := connect(t, srv) // on the other one
			sub, err := observer.Subscribe(t.Context(), "/p", zk.Recursive())
			require.NoError(t, err)
			defer sub.Close()
			go func() {
				for ev, err := range sub.Events(ask) {
					if err == nil && ev.Type != zk.EventResync {
						t.Errorf("observer saw %v", ev)
					}
				}
			}()
			srv.Down(s+1, false)
		}
		for range 20 {
			srv.Silence(0, true)
			time.Sleep(timeout / 2)
			srv.Silence(0, false)
			time.Sleep(timeout / 2)
			srv.CutConnections(0)
			time.Sleep(time.Second)
		}
		cancel()
		synctest.Wait()
		s := await(t, n, registered)
		require.Equal(t, first.Czxid, s.Czxid)
		require.Equal(t, first.Session, s.Session)
		require.NoError(t, n.Leave(t.Context()))
	})
}

// The create was lost before it reached the server. The janitor looks for its node
// only after the next Node was created, and must not delete that one.
func TestKeeper_JanitorDoesNotDeleteTheNextNode(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.NoError(t, srv.Create("/p", nil))
		k := presence.NewKeeper(c)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			oneReply(srv, "create", zktest.Hang)
			n, err := k.Start(t.Context(), "/p/a", nil, presence.Config{})
			require.NoError(t, err)
			synctest.Wait()
			require.ErrorIs(t, n.Leave(over), zk.ErrUnconfirmed)
			n, err = k.Start(t.Context(), "/p/a", nil, presence.Config{})
			require.NoError(t, err)
			s := await(t, n, registered)
			time.Sleep(time.Minute)
			require.NoError(t, s.Context.Err())
			require.NoError(t, n.Leave(t.Context()))
		}
	})
}

// After a lost reply a Node does not adopt another session's node. It neither keeps
// nor deletes that node.
func TestNode_LostReplyDoesNotAdoptAnothersNode(t *testing.T) {
	for name, verdict := range map[string]zktest.Verdict{"done": zktest.DropReplyAndCut, "not done": zktest.CutBefore} {
		for _, leave := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *zktest.Server) {
					c, other := connect(t, srv), connect(t, srv)
					require.NoError(t, srv.Create("/p", nil))
					_, err := other.Create(t.Context(), "/p/a", []byte("other"), zk.Ephemeral)
					require.NoError(t, err)
					oneReply(srv, "create", verdict)
					n := start(t, c, presence.Config{})
					if !leave {
						s := await(t, n, func(s presence.Status) bool { return s.Err != nil || registered(s) })
						require.ErrorIs(t, s.Err, presence.ErrIDTaken)
					}
					require.NoError(t, n.Leave(t.Context()))
					require.Equal(t, "other", data(t, other, "/p/a"))
					require.NoError(t, other.Delete(t.Context(), "/p/a", 0))
				})
			})
		}
	}
}
