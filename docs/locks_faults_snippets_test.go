package docs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The snippets of locks.md about what goes wrong, in virtual time.

// docs:begin limit
// acquireSoon waits for five seconds at most.
func acquireSoon(ctx context.Context, l *lock.Lock) (*lock.Held, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	h, err := l.Acquire(ctx)
	if late, ok := errors.AsType[*recipes.WaitError](err); ok {
		return nil, fmt.Errorf("%d ahead, %q holds the lock: %w", late.Ahead, late.First.Data, err)
	}
	return h, err // h.Context() has no deadline
}

// docs:end limit

func TestLocksPage_WaitHasALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		holder, waiter := srv.Client(t), srv.Client(t)
		h, err := lock.New(holder, "/l", lock.Config{Data: []byte("worker-8")}).Acquire(t.Context())
		require.NoError(t, err)

		began := time.Now()
		_, err = acquireSoon(t.Context(), lock.New(waiter, "/l", lock.Config{}))
		require.Equal(t, 5*time.Second, time.Since(began))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, `1 ahead, "worker-8" holds the lock`)
		require.NoError(t, h.Release(t.Context()))

		h, err = acquireSoon(t.Context(), lock.New(waiter, "/l", lock.Config{}))
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		require.NoError(t, h.Context().Err(), "the deadline was for the wait")
		require.NoError(t, h.Release(t.Context()))
	})
}

// docs:begin lost
func drain(ctx context.Context, l *lock.Lock, step func(ctx context.Context, token int64) error) error {
	err := l.Do(ctx, func(ctx context.Context, h *lock.Held) error {
		for ctx.Err() == nil {
			if err := step(ctx, h.Token()); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	})
	if errors.Is(err, lock.ErrLost) {
		return fmt.Errorf("another process goes on from here: %w", err)
	}
	return err
}

// docs:end lost

// The figures of lease-clock.svg: a session timeout of 12 s, ticks of 2 s.
func TestLocksPage_LeaseEndsLongBeforeTheNextHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout, tick, heartbeat = 12 * time.Second, 2 * time.Second, time.Second
		srv := zktest.Start(t, zktest.Config{Servers: 2, TickTime: tick})
		client := func(server string) *zk.Client {
			return srv.Client(t, func(cfg *zk.Config) { cfg.Servers, cfg.SessionTimeout = server, timeout })
		}
		mine, theirs := lock.New(client("zk1:2181"), "/l", lock.Config{}), lock.New(client("zk2:2181"), "/l", lock.Config{})

		var last int64 // the last token that a step has used
		done := make(chan error, 1)
		go func() {
			done <- drain(t.Context(), mine, func(ctx context.Context, token int64) error {
				last = token
				select {
				case <-ctx.Done():
				case <-time.After(time.Minute):
				}
				return nil
			})
		}()
		time.Sleep(20*time.Second + 300*time.Millisecond) // not when a heartbeat is due
		held := mine.Status().Holds
		require.Len(t, held, 1)
		granted := make(chan *lock.Held, 1)
		go func() {
			h, err := theirs.Acquire(t.Context())
			require.NoError(t, err)
			granted <- h
		}()
		time.Sleep(heartbeat)

		srv.Silence(1, true)
		cut := time.Now()
		<-held[0].Context().Done()
		require.ErrorIs(t, context.Cause(held[0].Context()), zk.ErrLeaseLapsed)
		ended := time.Since(cut)
		require.GreaterOrEqual(t, ended, timeout/2-heartbeat)
		require.LessOrEqual(t, ended, timeout/2+heartbeat)

		next := <-granted
		free := time.Since(cut)
		require.GreaterOrEqual(t, free, timeout-heartbeat)
		require.LessOrEqual(t, free, timeout+tick)
		srv.Silence(1, false)
		err := <-done
		require.ErrorIs(t, err, lock.ErrLost)
		require.ErrorContains(t, err, "another process goes on from here: lock: /l: lock was lost: session lease lapsed")
		require.Greater(t, next.Token(), last)
		require.NoError(t, next.Release(t.Context()))
	})
}

// The story of fencing.svg.
func TestLocksPage_PausedHoldersWriteIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		a, b, store := srv.Client(t), srv.Client(t), &table{}
		old, err := lock.New(a, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, store.Write(t.Context(), old.Token(), "a's first"))
		time.Sleep(2 * time.Second)
		require.NoError(t, srv.ExpireSession(a.Session().ID())) // while the holder is paused

		next, err := lock.New(b, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, store.Write(t.Context(), next.Token(), "b's"))
		require.ErrorContains(t, store.Write(t.Context(), old.Token(), "a's late one"), "came too late")
		require.Equal(t, []string{"a's first", "b's"}, store.rows)
		<-old.Context().Done() // what the holder would have seen if it had looked
		require.NoError(t, next.Release(t.Context()))
	})
}
