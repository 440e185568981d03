package recipes_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// brokenLog is a log handler that panics at each line.
type brokenLog struct{}

func (brokenLog) Enabled(context.Context, slog.Level) bool  { return true }
func (brokenLog) Handle(context.Context, slog.Record) error { panic("in the log handler") }
func (brokenLog) WithAttrs([]slog.Attr) slog.Handler        { return brokenLog{} }
func (brokenLog) WithGroup(string) slog.Handler             { return brokenLog{} }

// A log handler that panics ends neither the program nor a call: holds are granted, lost
// and released as always, although most of their lines are logged on goroutines of their
// own.
func TestRecipes_LogHandlerPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		c, log, ctx := clienttest.Connect(t, srv), slog.New(brokenLog{}), t.Context()
		l := lock.New(c, "/l", lock.Config{Logger: log})
		h, err := l.Acquire(ctx)
		require.NoError(t, err)
		waiting, cancel := context.WithTimeout(ctx, 4*time.Second)
		defer cancel()
		_, err = lock.New(clienttest.Connect(t, srv), "/l", lock.Config{Logger: log}).Acquire(waiting)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, srv.Delete(h.Path()))
		<-h.Context().Done()
		require.NoError(t, h.Release(ctx))
		require.NoError(t, lock.NewSemaphore(c, "/s", 1, lock.Config{Logger: log}).Do(ctx, 1, func(context.Context, *lock.Permits) error { return nil }))

		working, end := context.WithCancel(ctx)
		require.NoError(t, election.New(c, "/e", election.Config{Logger: log}).Run(working, func(context.Context, *election.Leadership) error {
			end()
			time.Sleep(time.Minute)
			return nil
		}))
		e, err := barrier.NewDouble(c, "/b", 1, barrier.DoubleConfig{Logger: log}).Enter(ctx)
		require.NoError(t, err)
		require.NoError(t, e.Leave(ctx))
		m, err := groupmembership.New(c, "/g", groupmembership.Config{Logger: log}).Join(ctx, "me", nil)
		require.NoError(t, err)
		require.NoError(t, m.Leave(ctx))
		r, err := discovery.New(c, "/d", discovery.Config{Logger: log}).Registration(discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		serving, stop := context.WithTimeout(ctx, 10*time.Second)
		defer stop()
		err = r.Serve(serving, discovery.Gate{Check: func(context.Context) error { return errors.New("sick") }})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
