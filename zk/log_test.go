package zk_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// logTo returns a change of the configuration that logs into all, without the time.
func logTo(all *everything, level slog.Level) func(*zk.Config) {
	return func(cfg *zk.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(all, &slog.HandlerOptions{Level: level}))
	}
}

// linesOf returns the lines that have a text.
func linesOf(all *everything, text string) (lines []string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for line := range strings.Lines(all.buf.String()) {
		if strings.Contains(line, text) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// failures: 122: a client that cannot connect says so at once, with the server and the
// reason, and then less and less often. One line says that it is over.
func TestLog_SaysThatTheClientCannotConnect(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var all everything
		srv.Down(1, true)
		start := time.Now()
		c := connect(t, srv, logTo(&all, slog.LevelInfo), func(cfg *zk.Config) { cfg.Background = true })
		synctest.Wait()
		require.Zero(t, time.Since(start))
		first := linesOf(&all, "level=WARN")
		require.Len(t, first, 1)
		require.Contains(t, first[0], `msg="zk: cannot connect`)
		require.Contains(t, first[0], "server="+srv.ConnectString())
		require.Contains(t, first[0], "why=")
		for _, step := range []struct {
			until time.Duration
			lines int
		}{{9 * time.Second, 1}, {20 * time.Second, 2}, {59 * time.Second, 2}, {70 * time.Second, 3}, {6 * time.Minute, 3}, {6*time.Minute + 30*time.Second, 4}, {11 * time.Minute, 4}, {12 * time.Minute, 5}} {
			time.Sleep(step.until - time.Since(start))
			synctest.Wait()
			require.Len(t, linesOf(&all, "level=WARN"), step.lines, "after %v", step.until)
		}
		srv.Down(1, false)
		require.NoError(t, c.Ready(inTime(t)))
		synctest.Wait()
		over := linesOf(&all, "level=INFO")
		require.Len(t, over, 1, "one line, not two")
		require.Contains(t, over[0], "zk: connected")
		require.Contains(t, over[0], "for=12m")
		require.NoError(t, c.Close(inTime(t)))
		require.Len(t, linesOf(&all, "zk: "), 7, "and one that it is closed")
		require.Empty(t, linesOf(&all, "<nil>"))
		require.Empty(t, linesOf(&all, "nothing left"))
	})
}

// A disconnect, a lapsed lease and an expiry are warnings that say what they mean for
// guards, each once.
func TestLog_WarnsOfWhatEndsGuards(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var all everything
		c := connect(t, srv, logTo(&all, slog.LevelInfo))
		guard, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		srv.Down(1, true)
		<-guard.Done()
		time.Sleep(c.Session().Timeout() * 2)
		synctest.Wait()
		for text, fields := range map[string]string{
			"zk: disconnected":                                  "guards=1 lease=",
			"zk: lease lapsed, guards have ended":               "ended-guards=1",
			"zk: session is over, its ephemeral nodes are gone": "ended-guards=0",
		} {
			lines := linesOf(&all, text)
			require.Len(t, lines, 1, text)
			require.Contains(t, lines[0], "level=WARN")
			require.Contains(t, lines[0], fields)
			require.Contains(t, lines[0], fmt.Sprintf("0x%x", uint64(c.Session().ID())))
		}
		srv.Down(1, false)
	})
}

// Without Config.Logger the client logs to slog.Default().
func TestLog_IsTheDefaultLoggers(t *testing.T) {
	var buf bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&buf, nil)))
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := srv.Client(t)
		require.NoError(t, c.Close(inTime(t)))
	})
	require.Equal(t, 1, strings.Count(buf.String(), "zk: connected"))
	require.Equal(t, 1, strings.Count(buf.String(), "zk: closed"))
}

// A refused credential is one warning. Connect names the reason of each server once, on
// one line.
func TestConnect_NamesARefusalOnce(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var all everything
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "auth" {
				return zktest.Fail(-115)
			}
			return zktest.Pass
		})
		cfg := zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext, Auth: []zk.Authenticator{zk.Auth{Scheme: "custom"}}}
		logTo(&all, slog.LevelInfo)(&cfg)
		_, err := zk.Connect(inTime(t), cfg)
		require.ErrorIs(t, err, zk.ErrAuthFailed)
		require.NotContains(t, err.Error(), "\n")
		require.Equal(t, 1, strings.Count(err.Error(), "authentication by"), err.Error())
		require.Contains(t, err.Error(), srv.ConnectString())
		require.Len(t, linesOf(&all, "level=WARN"), 1)
		require.Len(t, linesOf(&all, "zk: authentication failed"), 1)

		srv.Down(1, true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = zk.Connect(ctx, zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotContains(t, err.Error(), "\n")
		require.Contains(t, err.Error(), "; "+srv.ConnectString()+": ")
	})
}
