package xsync_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/xsync"
)

var errWhy = errors.New("why")

// endedBy returns a context that ends after d with errWhy.
func endedBy(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	timer := time.AfterFunc(d, func() { cancel(errWhy) })
	t.Cleanup(func() { timer.Stop(); cancel(nil) })
	return ctx
}

func requireEnded(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, errWhy)
	require.ErrorIs(t, err, context.Canceled)
}

func TestMutex_FirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m xsync.Mutex
		require.NoError(t, m.Lock(t.Context()))
		var order []int // guarded by m
		var waiting sync.WaitGroup
		for i := range 5 {
			waiting.Go(func() {
				if err := m.Lock(t.Context()); err != nil {
					t.Error(err)
					return
				}
				order = append(order, i)
				m.Unlock()
			})
			synctest.Wait() // the goroutine waits for the lock now
		}
		require.Empty(t, order)
		m.Unlock()
		waiting.Wait()
		require.Equal(t, []int{0, 1, 2, 3, 4}, order)
	})
}

func TestMutex_WaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m xsync.Mutex
		require.NoError(t, m.Lock(t.Context()))
		start := time.Now()
		requireEnded(t, m.Lock(endedBy(t, time.Second)))
		require.Equal(t, time.Second, time.Since(start))
		require.False(t, m.TryLock(), "the first caller has the lock")
		m.Unlock()
		require.True(t, m.TryLock(), "the caller that gave up left nothing behind")
	})
}

// A select takes any case that is ready. Lock must ask the context first, or it would
// lock a free mutex now and then.
func TestMutex_EndedContextNeverLocks(t *testing.T) {
	var m xsync.Mutex
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errWhy)
	for range 100 {
		requireEnded(t, m.Lock(ctx))
	}
	require.True(t, m.TryLock())
	require.False(t, m.TryLock())
	m.Unlock()
	require.NoError(t, m.Lock(t.Context()))
}

func TestMutex_UnlockOfAFreeOnePanics(t *testing.T) {
	var m xsync.Mutex
	require.Panics(t, m.Unlock)
	require.NoError(t, m.Lock(t.Context()))
	m.Unlock()
	require.Panics(t, m.Unlock)
}

// The race detector sees it if two of them are in the section at once, or if one does
// not see what the one before has written.
func TestMutex_Excludes(t *testing.T) {
	var m xsync.Mutex
	n := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				if err := m.Lock(t.Context()); err != nil {
					t.Error(err)
					return
				}
				n++
				m.Unlock()
			}
		})
	}
	all.Wait()
	require.Equal(t, 8*500, n)
}

func TestWakeup_SeveralAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w xsync.Wakeup
		for range 3 {
			w.Wake() // nobody receives; it does not wait
		}
		<-w.C()
		select {
		case <-w.C():
			t.Fatal("woken once more")
		default:
		}
		woken := false
		go func() { <-w.C(); woken = true }()
		synctest.Wait()
		require.False(t, woken)
		w.Wake()
		synctest.Wait()
		require.True(t, woken)
	})
}

// No work may be left over when its producers have returned.
func TestWakeup_LosesNoWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			w      xsync.Wakeup
			mu     sync.Mutex
			queue  int
			done   int
			stop   = make(chan struct{})
			worker sync.WaitGroup
			giving sync.WaitGroup
		)
		worker.Go(func() {
			for {
				select {
				case <-w.C():
				case <-stop:
					return
				}
				mu.Lock()
				done, queue = done+queue, 0
				mu.Unlock()
			}
		})
		for range 4 {
			giving.Go(func() {
				for range 500 {
					mu.Lock()
					queue++
					mu.Unlock()
					w.Wake()
				}
			})
		}
		giving.Wait()
		synctest.Wait()
		mu.Lock()
		require.Equal(t, [2]int{0, 4 * 500}, [2]int{queue, done})
		mu.Unlock()
		close(stop)
		worker.Wait()
	})
}

func TestBroadcast_WakesAllThatWaitAndNoneTooEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			b     xsync.Broadcast
			mu    sync.Mutex
			state int
			seen  int
		)
		change := func(to int) {
			mu.Lock()
			defer mu.Unlock()
			state = to
			b.Notify()
		}
		await := func(want int) {
			for {
				mu.Lock()
				now, changed := state, b.C()
				if now == want {
					seen++
					mu.Unlock()
					return
				}
				mu.Unlock()
				<-changed
			}
		}
		change(1) // nobody waits
		var waiting sync.WaitGroup
		for range 3 {
			waiting.Go(func() { await(3) })
		}
		synctest.Wait()
		change(2)
		synctest.Wait()
		require.Zero(t, seen)
		change(3)
		waiting.Wait()
		require.Equal(t, 3, seen)
		select {
		case <-b.C():
			t.Fatal("closed by a change of the past")
		default:
		}
	})
}

func TestPause_EndsInTimeOrWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		require.NoError(t, xsync.Pause(t.Context(), time.Hour))
		require.Equal(t, time.Hour, time.Since(start))

		start = time.Now()
		requireEnded(t, xsync.Pause(endedBy(t, time.Second), time.Hour))
		require.Equal(t, time.Second, time.Since(start))

		start = time.Now()
		require.NoError(t, xsync.Pause(t.Context(), 0))
		require.NoError(t, xsync.Pause(t.Context(), -time.Hour))
		require.Zero(t, time.Since(start))
	})
}

// A select takes any case that is ready. A loop that pauses must not continue when its
// context has ended.
func TestPause_EndedContextWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := endedBy(t, 0)
		<-ended.Done()
		for range 100 {
			requireEnded(t, xsync.Pause(ended, 0))
			requireEnded(t, xsync.Pause(ended, time.Nanosecond))
		}
	})
}

// Hot paths lock, wake and notify.
func TestNothingIsAllocatedAfterTheFirstUse(t *testing.T) {
	var (
		m xsync.Mutex
		w xsync.Wakeup
		b xsync.Broadcast
	)
	ctx := t.Context()
	w.Wake()
	require.True(t, m.TryLock())
	m.Unlock()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = m.Lock(ctx)
		m.Unlock()
		w.Wake()
		<-w.C()
		w.Wake()
		b.Notify()
	}))
}
