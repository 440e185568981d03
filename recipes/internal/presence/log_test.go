package presence_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// logged keeps the records of a logger.
type logged struct {
	slog.Handler
	mu    sync.Mutex
	lines []map[string]any
}

func newLogged() *logged { return &logged{Handler: slog.DiscardHandler} }

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }

func (l *logged) Handle(_ context.Context, r slog.Record) error {
	line := map[string]any{"msg": r.Message}
	r.Attrs(func(a slog.Attr) bool {
		line[a.Key] = a.Value.Any()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

// take returns the records since the last time.
func (l *logged) take() []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.lines
	l.lines = nil
	return out
}

// A transition leads from one state to another. A try that fails for the reason of
// the one before is no news, in the log or for those who read the status.
func TestNode_LogsNoTransitionThatChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, admin, log := connect(t, srv), connect(t, srv), newLogged()
		grant(t, admin, zk.PermRead)
		n := start(t, c, presence.Config{Logger: slog.New(log)})
		told := make(chan presence.Status, 100)
		go func() {
			defer close(told)
			for s := range n.Statuses(context.Background()) {
				told <- s
			}
		}()
		time.Sleep(10 * time.Minute) // twenty refusals
		lines := log.take()
		require.Len(t, lines, 1, "%v", lines)
		require.ErrorIs(t, lines[0]["why"].(error), zk.ErrNoAuth)

		grant(t, admin, zk.PermAll)
		s := await(t, n, registered)
		time.Sleep(time.Second)
		srv.Silence(1, true)
		<-s.Context.Done()
		time.Sleep(time.Second)
		srv.Silence(1, false)
		await(t, n, registered)
		require.NoError(t, n.Leave(t.Context()))
		transitions := 0
		for _, line := range log.take() {
			if line["msg"] == "presence: state" {
				require.NotEqual(t, line["from"], line["to"], "%v", line)
				for key, value := range line {
					require.NotContains(t, []any{nil, error(nil), ""}, value, "%s of %v", key, line)
				}
				transitions++
			}
		}
		require.Equal(t, 4, transitions, "registered, lapsed, registered, left")
		news := 0
		for range told {
			news++
		}
		require.LessOrEqual(t, news, 7)
	})
}
