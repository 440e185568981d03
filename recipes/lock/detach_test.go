package lock_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// restart gives the session of a client to a new one, as two processes would.
func restart(t *testing.T, srv *zktest.Server, c *zk.Client) *zk.Client {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d, err := c.Detach(ctx)
	require.NoError(t, err)
	d, err = zk.ParseDetachedSession(d.Marshal())
	require.NoError(t, err)
	return connect(t, srv, func(cfg *zk.Config) { cfg.Resume = d })
}

// carried returns d as the next process gets it.
func carried(t *testing.T, d recipes.Detached) (got recipes.Detached) {
	text, err := json.Marshal(d)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &got))
	return got
}

func detach(t *testing.T, h *lock.Held) recipes.Detached {
	d, err := h.Detach(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, context.Cause(h.Context()), lock.ErrDetached)
	require.ErrorIs(t, context.Cause(h.Context()), lock.ErrReleased)
	return carried(t, d)
}

// contender returns when a client waits in the queue. got is closed when it has the lock.
func contender(t *testing.T, srv *zktest.Server, get *lock.Lock) (got <-chan *lock.Held) {
	holds := make(chan *lock.Held, 1)
	go func() {
		h, err := get.Acquire(t.Context())
		if err == nil {
			holds <- h
		}
	}()
	synctest.Wait()
	return holds
}

func stillWaits(t *testing.T, got <-chan *lock.Held) {
	t.Helper()
	synctest.Wait()
	select {
	case <-got:
		require.Fail(t, "there are two holders")
	default:
	}
}

// The lock goes from process to process, with its token, while another contender waits.
// It is never free.
func TestDetach_LockMovesWithItsToken(t *testing.T) {
	kinds := map[string]func(*zk.Client) *lock.Lock{
		"lock":   func(c *zk.Client) *lock.Lock { return lock.New(c, "/l", lock.Config{}) },
		"kazoo":  func(c *zk.Client) *lock.Lock { return lock.New(c, "/l", lock.Config{Dialect: recipes.Kazoo}) },
		"writer": func(c *zk.Client) *lock.Lock { return lock.NewReadWrite(c, "/l", lock.Config{}).Write() },
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				h, err := kind(c).Acquire(t.Context())
				require.NoError(t, err)
				token, path := h.Token(), h.Path()
				waiter := contender(t, srv, kind(connect(t, srv)))
				for range 3 {
					d := detach(t, h)
					require.NoError(t, h.Release(t.Context()), "it does nothing")
					stillWaits(t, waiter)
					c = restart(t, srv, c)
					stillWaits(t, waiter)
					h, err = kind(c).Resume(t.Context(), d)
					require.NoError(t, err)
					require.Equal(t, token, h.Token())
					require.Equal(t, path, h.Path())
					require.NoError(t, h.Context().Err())
					stillWaits(t, waiter)
					_, err = c.Multi(t.Context(), h.Check())
					require.NoError(t, err)
				}
				require.NoError(t, h.Release(t.Context()))
				next := <-waiter
				require.Greater(t, next.Token(), token)
				require.NoError(t, next.Release(t.Context()))
			})
		})
	}
}

// The context of the old hold ends before the next one can begin, also in one client.
func TestDetach_EndsTheContextFirst(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		h, err := l.Acquire(t.Context())
		require.NoError(t, err)
		d, err := h.Detach(t.Context())
		require.NoError(t, err)
		require.Error(t, h.Context().Err())
		again, err := l.Resume(t.Context(), d)
		require.NoError(t, err)
		require.NoError(t, again.Context().Err())
		_, err = h.Detach(t.Context())
		require.ErrorIs(t, err, lock.ErrNotHeld)
		require.NoError(t, h.Release(t.Context()))
		require.NoError(t, again.Context().Err(), "the old hold deletes nothing")
		require.True(t, srv.Exists(d.Path))
		require.NoError(t, again.Release(t.Context()))
		require.False(t, srv.Exists(d.Path))
	})
}

// Two holds of one node would both count as the holder.
func TestResume_OnlyOnce(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		d := detach(t, h)
		c = restart(t, srv, c)
		first, err := lock.New(c, "/l", lock.Config{}).Resume(t.Context(), d)
		require.NoError(t, err)
		_, err = lock.New(c, "/l", lock.Config{}).Resume(t.Context(), d)
		require.ErrorIs(t, err, recipes.ErrResumed)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		require.NoError(t, first.Context().Err())

		d = detach(t, first)
		first, err = lock.New(c, "/l", lock.Config{}).Resume(t.Context(), d)
		require.NoError(t, err, "it was detached again")
		require.NoError(t, first.Release(t.Context()))
	})
}

// A Detached that was made by hand names a lock that the client holds, and has not
// detached.
func TestResume_OfALiveHoldIsRefused(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		below, err := c.At("/a")
		require.NoError(t, err)
		l := lock.New(c, "/a/l", lock.Config{})
		h, err := l.Acquire(t.Context())
		require.NoError(t, err)
		byHand := recipes.Detached{Path: h.Path(), Token: h.Token()}
		_, err = l.Resume(t.Context(), byHand)
		require.ErrorIs(t, err, recipes.ErrResumed)
		fromBelow := recipes.Detached{Path: strings.TrimPrefix(h.Path(), "/a"), Token: h.Token()}
		_, err = lock.New(below, "/l", lock.Config{}).Resume(t.Context(), fromBelow)
		require.ErrorIs(t, err, recipes.ErrResumed, "a sub-client has another path for the node")
		require.NoError(t, h.Context().Err())
		require.Equal(t, byHand, detach(t, h))
		h, err = l.Resume(t.Context(), byHand)
		require.NoError(t, err, "it was detached")
		require.NoError(t, h.Release(t.Context()))
		_, err = l.Resume(t.Context(), byHand)
		require.Error(t, err, "it was released")
	})
}

func TestResume_IsRefusedWithTheReason(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		d := detach(t, h)
		resume := func(c *zk.Client, dir string, cfg lock.Config, d recipes.Detached) error {
			h, err := lock.New(c, dir, cfg).Resume(t.Context(), d)
			require.Nil(t, h)
			require.Error(t, err)
			return err
		}
		other := connect(t, srv)
		err = resume(other, "/l", lock.Config{}, d)
		require.ErrorIs(t, err, recipes.ErrIDTaken, "of another session")
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		require.ErrorIs(t, resume(c, "/m", lock.Config{}, d), zk.ErrBadArguments, "another directory")
		require.ErrorIs(t, resume(c, "/l", lock.Config{Dialect: recipes.Kazoo}, d), lock.ErrForeign)
		require.ErrorIs(t, resume(c, "/l", lock.Config{}, recipes.Detached{Path: "/l/x", Token: 1}), lock.ErrForeign)
		require.ErrorIs(t, resume(c, "/l", lock.Config{}, recipes.Detached{}), zk.ErrInvalidPath)
		_, err = lock.NewReadWrite(c, "/l", lock.Config{}).Read().Resume(t.Context(), d)
		require.ErrorIs(t, err, lock.ErrForeign)
		wrong := d
		wrong.Token++
		require.ErrorIs(t, resume(c, "/l", lock.Config{}, wrong), lock.ErrDeleted, "another node of that name")

		// Somebody forces a node in front of ours, or we were never first.
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = lock.New(c, "/l", lock.Config{}).Acquire(ctx) }()
		synctest.Wait()
		var waiter recipes.Detached
		for _, name := range srv.Children("/l") {
			if path := "/l/" + name; path != d.Path {
				stat, _, err := c.Exists(t.Context(), path)
				require.NoError(t, err)
				waiter = recipes.Detached{Path: path, Token: stat.Czxid}
			}
		}
		require.ErrorIs(t, resume(c, "/l", lock.Config{}, waiter), lock.ErrHeld)
		require.True(t, srv.Exists(waiter.Path), "a refusal deletes nothing")
		cancel()
		synctest.Wait()

		require.True(t, srv.Exists(d.Path))
		require.NoError(t, srv.Delete(d.Path))
		require.ErrorIs(t, resume(c, "/l", lock.Config{}, d), lock.ErrDeleted)
	})
}

// A hold that is not there any more, or has no node with its token, cannot be detached.
func TestDetach_IsRefusedWithTheReason(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.Release(t.Context()))
		_, err = h.Detach(t.Context())
		require.ErrorIs(t, err, lock.ErrNotHeld)

		rw := lock.NewReadWrite(c, "/rw", lock.Config{})
		w, err := rw.Write().Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, w.Downgrade(t.Context()))
		_, err = w.Detach(t.Context())
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.NoError(t, w.Context().Err(), "the hold is as before")
		require.NoError(t, w.Release(t.Context()))

		h, err = lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.NoError(t, srv.Delete(h.Path()))
		synctest.Wait()
		_, err = h.Detach(t.Context())
		require.ErrorIs(t, err, lock.ErrNotHeld)
		require.ErrorIs(t, err, lock.ErrDeleted)
	})
}

// A request to release that was made while nobody had the lock is not lost.
func TestResume_ReportsARevocation(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		d := detach(t, h)
		require.NoError(t, lock.New(connect(t, srv), "/l", lock.Config{}).Revoke(t.Context()))
		c = restart(t, srv, c)
		h, err = lock.New(c, "/l", lock.Config{}).Resume(t.Context(), d)
		require.NoError(t, err)
		select {
		case <-h.Revoked():
		case <-time.After(time.Minute):
			require.Fail(t, "no request")
		}
		require.NoError(t, h.Release(t.Context()))
	})
}

// A client that is closed after Detach, and holds that were not detached, leave all nodes
// to the session.
func TestDetach_TheOldProcessDeletesNothing(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		forgotten, err := lock.New(c, "/f", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		d := detach(t, h)
		session, err := c.Detach(t.Context())
		require.NoError(t, err)
		require.ErrorIs(t, context.Cause(forgotten.Context()), zk.ErrDetached)
		require.ErrorIs(t, forgotten.Release(t.Context()), zk.ErrDetached)
		require.NoError(t, h.Release(t.Context()))
		require.NoError(t, c.Close(t.Context()))
		require.True(t, srv.Exists(d.Path))
		require.True(t, srv.Exists(forgotten.Path()))
		next := connect(t, srv, func(cfg *zk.Config) { cfg.Resume = session })
		require.True(t, srv.Exists(d.Path))
		require.NoError(t, next.Close(t.Context()))
		require.Empty(t, srv.Sessions())
	})
}

// The node is deleted, or the connection lost, at each request of Resume in turn. Either
// the hold is there, or an error says why not.
func TestResume_FaultsAtEachStep(t *testing.T) {
	for _, verdict := range []zktest.Verdict{zktest.CutBefore, zktest.DropReplyAndCut} {
		for step := 1; step <= 4; step++ {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
				require.NoError(t, err)
				d := detach(t, h)
				c = restart(t, srv, c)
				n := 0
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == "ping" || r.Op == "setWatches" {
						return zktest.Pass
					}
					if n++; n == step {
						return verdict
					}
					return zktest.Pass
				})
				h, err = lock.New(c, "/l", lock.Config{}).Resume(t.Context(), d)
				require.NoError(t, err, "step %d: reads are repeated", step)
				require.Equal(t, d.Token, h.Token())
				require.NoError(t, h.Context().Err())
				srv.OnRequest(nil)
				require.NoError(t, h.Release(t.Context()))
			})
		}
	}
}

// A hold that was detached guards no write any more, although its node is there: the
// hold that goes on with the node does.
func TestDetach_CheckOfTheOldHoldFails(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.NoError(t, srv.Create("/n", nil))
		l := lock.New(c, "/l", lock.Config{})
		old, err := l.Acquire(t.Context())
		require.NoError(t, err)
		h, err := l.Resume(t.Context(), detach(t, old))
		require.NoError(t, err)
		_, err = c.Multi(t.Context(), old.Check(), zk.SetOp("/n", nil, zk.AnyVersion))
		require.ErrorIs(t, err, lock.ErrNotHeld)
		_, err = c.Multi(t.Context(), h.Check(), zk.SetOp("/n", nil, zk.AnyVersion))
		require.NoError(t, err)
		require.NoError(t, h.Release(t.Context()))
	})
}
