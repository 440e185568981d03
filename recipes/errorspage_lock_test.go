package recipes_test

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// lockErrors are the situations of locks.
var lockErrors = []situation{
	{"the lease lapses", lostBy(func(w *world, _ *lock.Held) { w.srv.Silence(1, true) })},
	{"the session expires", lostBy(func(w *world, _ *lock.Held) {
		w.srv.Down(1, true) // else the server reports first that the node was deleted
		time.Sleep(100 * time.Millisecond)
		_ = w.srv.ExpireSession(w.c.Session().ID())
		w.srv.Down(1, false)
	})},
	{"the node is deleted", lostBy(func(w *world, h *lock.Held) { _ = w.srv.Delete(h.Path()) })},
	{"the client is closed", lostBy(func(w *world, _ *lock.Held) { _ = w.c.Close(w.t.Context()) })},
	{"released", causeAfter(func(w *world, h *lock.Held) error { return h.Release(w.t.Context()) })},
	{"detached", causeAfter(func(w *world, h *lock.Held) error { _, err := h.Detach(w.t.Context()); return err })},
	{"a write under a lost lock", func(w *world) error {
		h := w.lock(w.c, lock.Config{})
		require.NoError(w.t, h.Release(w.t.Context()))
		_, err := w.c.Multi(w.t.Context(), h.Check())
		return err
	}},
	{"a release without time", func(w *world) error { return w.lock(w.c, lock.Config{}).Release(w.ended()) }},
	{"a release while no server answers", func(w *world) error {
		h := w.lock(w.c, lock.Config{})
		time.Sleep(time.Second)
		w.srv.Down(1, true)
		return h.Release(w.soon())
	}},
	{"held by another", func(w *world) error {
		w.lock(w.other, lock.Config{Data: []byte("worker-7")})
		_, err := lock.New(w.c, "/l", lock.Config{}).TryAcquire(w.t.Context())
		return err
	}},
	{"behind another", func(w *world) error {
		w.lock(w.other, lock.Config{Data: []byte("worker-7")})
		_, err := lock.New(w.c, "/l", lock.Config{}).Acquire(w.soon())
		return err
	}},
	{"behind two others", func(w *world) error {
		w.lock(w.other, lock.Config{Data: []byte("worker-7")})
		go func() { _, _ = lock.New(w.other, "/l", lock.Config{Data: []byte("worker-8")}).Acquire(w.t.Context()) }()
		time.Sleep(time.Second)
		_, err := lock.New(w.c, "/l", lock.Config{}).Acquire(w.soon())
		return err
	}},
	{"a reader that waits for itself", func(w *world) error {
		rw := lock.NewReadWrite(w.c, "/l", lock.Config{})
		_, err := rw.Read().Acquire(w.t.Context())
		require.NoError(w.t, err)
		_, err = rw.Write().Acquire(w.soon())
		return err
	}},
	{"a reader that wants to write", func(w *world) error {
		rw := lock.NewReadWrite(w.c, "/l", lock.Config{})
		h, err := rw.Read().Acquire(w.t.Context())
		require.NoError(w.t, err)
		_, err = rw.Write().Acquire(h.Context())
		return err
	}},
	{"no server answers", func(w *world) error {
		w.srv.Down(1, true)
		time.Sleep(time.Second)
		_, err := lock.New(w.c, "/l", lock.Config{}).Acquire(w.soon())
		return err
	}},
	{"after Close", func(w *world) error {
		require.NoError(w.t, w.c.Close(w.t.Context()))
		_, err := lock.New(w.c, "/l", lock.Config{}).Acquire(w.t.Context())
		return err
	}},
	{"a chroot that is missing", func(w *world) error {
		c := clienttest.Connect(w.t, w.srv, func(cfg *zk.Config) { cfg.Servers, cfg.Background = cfg.Servers+"/no/such", true })
		_, err := lock.New(c, "/l", lock.Config{}).Acquire(w.soon())
		return err
	}},
	{"no CREATE", func(w *world) error {
		w.dir("/l", zk.PermCreate)
		_, err := lock.New(w.c, "/l", lock.Config{}).Acquire(w.t.Context())
		return err
	}},
	{"no READ", func(w *world) error {
		w.dir("/l", zk.PermRead)
		_, err := lock.New(w.c, "/l", lock.Config{}).Acquire(w.t.Context())
		return err
	}},
	{"no DELETE", func(w *world) error {
		w.dir("/l", zk.PermDelete)
		return w.lock(w.c, lock.Config{}).Release(w.t.Context())
	}},
	{"two dialects", func(w *world) error {
		w.lock(w.other, lock.Config{Dialect: recipes.Kazoo})
		_, err := lock.New(w.c, "/l", lock.Config{}).Acquire(w.t.Context())
		return err
	}},
	{"the counter is at its end", func(w *world) error {
		w.dir("/l", 0)
		require.NoError(w.t, w.srv.SetSequence("/l", 2147483000))
		_, err := lock.New(w.c, "/l", lock.Config{}).Acquire(w.t.Context())
		return err
	}},
	{"nobody to revoke", func(w *world) error { return lock.New(w.c, "/l", lock.Config{}).Revoke(w.t.Context()) }},
	{"a downgrade of a plain lock", func(w *world) error { return w.lock(w.c, lock.Config{}).Downgrade(w.t.Context()) }},
	{"one directory twice", func(w *world) error {
		l := func() *lock.Lock { return lock.New(w.c, "/l", lock.Config{}) }
		_, err := lock.NewMulti(l(), l()).Acquire(w.t.Context())
		return err
	}},
}

// lostBy returns the error of a Do whose lock is lost.
func lostBy(lose func(*world, *lock.Held)) func(*world) error {
	return func(w *world) error {
		return lock.New(w.c, "/l", lock.Config{}).Do(w.t.Context(), func(ctx context.Context, h *lock.Held) error {
			time.Sleep(time.Second)
			lose(w, h)
			<-ctx.Done()
			w.srv.Silence(1, false)
			return nil
		})
	}
}

// causeAfter returns the cause of a hold's context after end.
func causeAfter(end func(*world, *lock.Held) error) func(*world) error {
	return func(w *world) error {
		h := w.lock(w.c, lock.Config{})
		require.NoError(w.t, end(w, h))
		return context.Cause(h.Context())
	}
}

// semaphoreErrors are the situations of semaphores.
var semaphoreErrors = []situation{
	{"no limit", func(w *world) error { return permit(w.soon(), w, 0, 1) }},
	{"a limit below zero", func(w *world) error { return permit(w.soon(), w, -1, 1) }},
	{"a new limit of zero", func(w *world) error {
		return lock.NewSemaphore(w.c, "/s", 0, lock.Config{}).SetLimit(w.t.Context(), 0)
	}},
	{"another limit", func(w *world) error {
		require.NoError(w.t, permit(w.t.Context(), w, 3, 1))
		return permit(w.soon(), w, 5, 1)
	}},
	{"data that is no limit", func(w *world) error {
		require.NoError(w.t, w.srv.Create("/s", []byte("three")))
		return permit(w.soon(), w, 0, 1)
	}},
	{"more permits than the limit", func(w *world) error { return permit(w.soon(), w, 3, 5) }},
	{"no permits", func(w *world) error { return permit(w.soon(), w, 3, 0) }},
	{"two permits of kazoo", func(w *world) error {
		_, err := lock.NewSemaphore(w.c, "/s", 3, lock.Config{Dialect: recipes.Kazoo}).Acquire(w.soon(), 2)
		return err
	}},
	{"too many permits", func(w *world) error {
		c := clienttest.Connect(w.t, w.srv, func(cfg *zk.Config) { cfg.MaxRequestSize = 1500 })
		_, err := lock.NewSemaphore(c, "/s", 100, lock.Config{}).Acquire(w.soon(), 100)
		return err
	}},
	{"no room", func(w *world) error {
		require.NoError(w.t, permit(w.t.Context(), w, 4, 3))
		return permit(w.soon(), w, 4, 2)
	}},
	{"no room now", func(w *world) error {
		require.NoError(w.t, permit(w.t.Context(), w, 4, 3))
		_, err := lock.NewSemaphore(w.c, "/s", 4, lock.Config{}).TryAcquire(w.t.Context(), 2)
		return err
	}},
}

// permit acquires permits of the semaphore /s.
func permit(ctx context.Context, w *world, limit, n int) error {
	_, err := lock.NewSemaphore(w.c, "/s", limit, lock.Config{}).Acquire(ctx, n)
	return err
}
