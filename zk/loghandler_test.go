package zk_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// brokenLog is a log handler that panics at each line.
type brokenLog struct{}

func (brokenLog) Enabled(context.Context, slog.Level) bool  { return true }
func (brokenLog) Handle(context.Context, slog.Record) error { panic("in the log handler") }
func (brokenLog) WithAttrs([]slog.Attr) slog.Handler        { return brokenLog{} }
func (brokenLog) WithGroup(string) slog.Handler             { return brokenLog{} }

// A log handler that panics ends neither the program nor a connection. The session loop
// logs the outage, a timer the end of the lease, and the reader that answers are slow.
func TestClient_LogHandlerPanics(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Logger = slog.New(brokenLog{}) })
		guard, release, err := c.Session().Guard(inTime(t))
		require.NoError(t, err)
		defer release()
		srv.Delay(1, c.Session().Timeout()*7/48)
		time.Sleep(10 * time.Second)
		require.Zero(t, c.Session().Resumed(), "the connection has ended")
		srv.Delay(1, 0)
		srv.Down(0, true)
		time.Sleep(20 * time.Second)
		require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
		srv.Down(0, false)
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.NoError(t, c.Close(inTime(t)))
	})
}
