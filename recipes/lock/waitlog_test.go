package lock_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// attributes is a log that keeps the attributes of each line by its message.
type attributes struct {
	slog.Handler
	level slog.Level
	lines chan map[string]string
}

func logOf(level slog.Level) *attributes {
	return &attributes{Handler: slog.DiscardHandler, level: level, lines: make(chan map[string]string, 1000)}
}

func (a *attributes) Enabled(_ context.Context, l slog.Level) bool { return l >= a.level }

func (a *attributes) Handle(_ context.Context, r slog.Record) error {
	line := map[string]string{"msg": r.Message, "level": r.Level.String()}
	r.Attrs(func(at slog.Attr) bool {
		line[at.Key] = at.Value.String()
		return true
	})
	a.lines <- line
	return nil
}

// next returns the next line, without the attributes that are left out.
func (a *attributes) next() map[string]string {
	line := <-a.lines
	delete(line, "dir")
	return line
}

// nodesInOrder returns the contender nodes of a directory, the first one first.
func nodesInOrder(srv *zktest.Server, dir string) (paths []string) {
	for _, name := range srv.Children(dir) {
		paths = append(paths, dir+"/"+name)
	}
	slices.SortFunc(paths, func(a, b string) int { return strings.Compare(a[len(a)-10:], b[len(b)-10:]) })
	return paths
}

// The log of a waiter tells where a wake-up was lost: which node it watches, what that
// watch has reported, and what the waiter found in the queue after that.
func TestLock_LogsWhatAWaiterWaitsFor(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		first, err := lock.New(connect(t, srv), "/l", lock.Config{Data: []byte("billing-7 on host a")}).Acquire(t.Context())
		require.NoError(t, err)
		given, giveUp := context.WithCancel(t.Context())
		later(t, given, lock.New(connect(t, srv), "/l", lock.Config{}))
		before := nodesInOrder(srv, "/l")
		log := logOf(slog.LevelDebug)
		got := later(t, t.Context(), lock.New(connect(t, srv), "/l", lock.Config{Logger: slog.New(log)}))
		time.Sleep(4 * time.Second)
		own := nodesInOrder(srv, "/l")[2]

		require.Equal(t, map[string]string{"msg": "lock: queue listed", "level": "DEBUG", "node": own, "ahead": "2"}, log.next())
		require.Equal(t, map[string]string{"msg": "lock: watches predecessor", "level": "DEBUG", "node": own, "behind": before[1], "ahead": "2"}, log.next())
		require.Equal(t, map[string]string{
			"msg": "lock: waiting", "level": "INFO", "node": own, "behind": before[1], "ahead": "2",
			"first": first.Path(), "of_session": fmt.Sprintf("%#x", srv.Owner(first.Path())), "since": "2000-01-01T00:00:00Z", "data": "billing-7 on host a",
		}, log.next())
		giveUp()
		settle(t)
		require.Equal(t, map[string]string{"msg": "lock: watch ended", "level": "DEBUG", "of": before[1], "what": "deleted"}, log.next())
		require.Equal(t, map[string]string{"msg": "lock: queue listed", "level": "DEBUG", "node": own, "ahead": "1"}, log.next())
		require.Equal(t, map[string]string{"msg": "lock: watches predecessor", "level": "DEBUG", "node": own, "behind": before[0], "ahead": "1"}, log.next())
		release(t, first)
		held := <-got
		session := fmt.Sprintf("%#x", srv.Owner(own))
		release(t, held)
		require.Equal(t, map[string]string{"msg": "lock: watch ended", "level": "DEBUG", "of": before[0], "what": "deleted"}, log.next())
		line := log.next()
		require.Equal(t, "lock: granted", line["msg"])
		require.Equal(t, own, line["node"])
		require.Equal(t, "4.2s", line["waited"])
		require.Equal(t, session, line["session"], "as the client names it")
	})
}

// A waiter that gives up says so, after what time, and behind which node it was: at
// level Info if its waiting was logged at that level, and otherwise at level Debug.
func TestLock_LogsAWaiterThatGivesUp(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		first, err := lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		defer release(t, first)
		for wait, level := range map[time.Duration]string{4 * time.Second: "INFO", 100 * time.Millisecond: "DEBUG"} {
			log := logOf(slog.LevelDebug)
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			_, err := lock.New(connect(t, srv), "/l", lock.Config{Logger: slog.New(log)}).Acquire(ctx)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			line := log.next()
			for line["msg"] != "lock: gave up" {
				line = log.next()
			}
			require.Equal(t, level, line["level"])
			require.Equal(t, wait.String(), line["waited"])
			require.Equal(t, first.Path(), line["behind"])
			require.Equal(t, "1", line["ahead"])
			require.Contains(t, line["why"], context.DeadlineExceeded.Error())
		}
	})
}
