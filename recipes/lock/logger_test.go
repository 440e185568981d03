package lock_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// lines is a log in memory.
type lines struct {
	mu  sync.Mutex // guards the fields below
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// take returns the lines since the last take. Each has only the named attributes.
func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return strings.Split(strings.TrimSuffix(l.buf.String(), "\n"), "\n")
}

// logger returns a Logger of level and messages, and what it has written. Nodes
// and times are left out.
func logger() (*slog.Logger, *lines) {
	out := &lines{}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, "node", "behind", "of", "token", "session", "first", "of_session", "since":
				return slog.Attr{}
			}
			return a
		},
	})), out
}

// The log of a lock has a line for each step in the life of a hold.
func TestLock_LogsWaitingGrantedLostAndReleased(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		log, out := logger()
		c := connect(t, srv)
		l := lock.New(c, "/l", lock.Config{Logger: log})
		h, err := l.Acquire(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.NoError(t, h.Release(t.Context()))
		require.Equal(t, []string{
			`level=DEBUG msg="lock: granted" dir=/l waited=0s`,
			`level=DEBUG msg="lock: released" dir=/l held=1s`,
		}, out.take())

		h, err = lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		got := later(t, t.Context(), l)
		time.Sleep(4 * time.Second)
		require.Equal(t, []string{
			`level=DEBUG msg="lock: queue listed" dir=/l ahead=1`,
			`level=DEBUG msg="lock: watches predecessor" dir=/l ahead=1`,
			`level=INFO msg="lock: waiting" dir=/l ahead=1`,
		}, out.take())
		release(t, h)
		h = <-got
		time.Sleep(time.Second)
		require.NoError(t, srv.Delete(h.Path()))
		<-h.Context().Done()
		release(t, h)
		require.Equal(t, []string{
			`level=DEBUG msg="lock: watch ended" dir=/l what=deleted`,
			`level=INFO msg="lock: granted" dir=/l waited=4.1s`,
			`level=WARN msg="lock: lost" dir=/l held=1s why="own node was deleted"`,
		}, out.take())
	})
}

// So has the log of a semaphore, and that of each lock of a Multi.
func TestSemaphore_LogsTheLifeOfPermits(t *testing.T) {
	inSemaphoreBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		log, out := logger()
		c := connect(t, srv)
		s := lock.NewSemaphore(c, "/s", 2, lock.Config{Logger: log})
		p := mustAcquire(t, s, 2)
		waiting := permitsLater(t, s, 1)
		time.Sleep(4 * time.Second)
		giveBack(t, p)
		giveBack(t, taken(t, waiting))
		lines := out.take()
		require.Len(t, lines, 5)
		require.Equal(t, []string{
			`level=DEBUG msg="semaphore: granted" dir=/s permits=2 waited=0s`,
			`level=INFO msg="semaphore: waiting" dir=/s permits=1 held=2 limit=2`,
		}, lines[:2])
		// The delete of the ticket reaches the waiter while Release still returns.
		require.ElementsMatch(t, []string{
			`level=DEBUG msg="semaphore: released" dir=/s permits=2 held=4.1s`,
			`level=INFO msg="semaphore: granted" dir=/s permits=1 waited=4.1s`,
		}, lines[2:4])
		require.Equal(t, `level=DEBUG msg="semaphore: released" dir=/s permits=1 held=0s`, lines[4])

		m := lock.NewMulti(lock.New(c, "/b", lock.Config{Logger: log}), lock.New(c, "/a", lock.Config{Logger: log}))
		require.NoError(t, m.Do(t.Context(), func(context.Context, *lock.MultiHeld) error { return nil }))
		require.Equal(t, []string{
			`level=DEBUG msg="lock: granted" dir=/a waited=0s`,
			`level=DEBUG msg="lock: granted" dir=/b waited=0s`,
			`level=DEBUG msg="lock: released" dir=/b held=0s`,
			`level=DEBUG msg="lock: released" dir=/a held=0s`,
		}, out.take())
	})
}
