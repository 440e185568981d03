package zk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// attributes is a log handler that looks for newlines in what the lines say. It counts
// the lines by their message.
type attributes struct {
	mu     sync.Mutex
	lines  map[string]int
	broken []string
}

func (*attributes) Enabled(context.Context, slog.Level) bool { return true }
func (h *attributes) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h *attributes) WithGroup(string) slog.Handler          { return h }
func (h *attributes) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lines == nil {
		h.lines = map[string]int{}
	}
	h.lines[r.Message]++
	r.Attrs(func(a slog.Attr) bool {
		if text := fmt.Sprint(a.Value.Any()); strings.Contains(r.Message+text, "\n") {
			h.broken = append(h.broken, fmt.Sprintf("%s: %s=%q", r.Message, a.Key, text))
		}
		return true
	})
	return nil
}

// joined is an error of two lines.
func joined(err error) error { return errors.Join(err, errors.New("and another reason")) }

// sour is a connection whose errors have two lines. If it panics, so has its panic.
type sour struct {
	net.Conn
	panics *atomic.Bool
}

func (c sour) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil {
		return n, nil
	}
	if c.panics.CompareAndSwap(true, false) {
		panic(joined(err))
	}
	return n, joined(err)
}

// sourHook panics with an error of two lines.
type sourHook struct{}

func (sourHook) OnConnOpened(zk.ConnOpened) { panic(joined(errors.New("in the hook"))) }

// Every line of the log is one line, also if the program's own code returns joined errors,
// or panics with one.
func TestLog_JoinedErrorsStayOnOneLine(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var log attributes
		var panics, unnamed, refused atomic.Bool
		cfg := srv.ClientConfig()
		cfg.Logger, cfg.Hooks = slog.New(&log), []zk.Hook{sourHook{}}
		cfg.Auth = []zk.Authenticator{zk.AuthFunc("token", func(context.Context) (zk.Auth, error) {
			if refused.Load() {
				return zk.Auth{}, joined(zk.ErrAuthFailed)
			}
			return zk.DigestAuth("a", "b"), nil
		})}
		servers, dial := cfg.Servers, cfg.DialContext
		cfg.Servers, cfg.Resolve = "", func(context.Context) ([]string, error) {
			if unnamed.Load() {
				return nil, joined(errors.New("no such name"))
			}
			return []string{servers}, nil
		}
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := dial(ctx, network, addr)
			if err != nil {
				return nil, joined(err)
			}
			return sour{nc, &panics}, nil
		}
		c, err := zk.Connect(inTime(t), cfg)
		require.NoError(t, err)
		time.Sleep(time.Second)
		panics.Store(true)
		srv.CutConnections(1)
		time.Sleep(time.Second)
		require.NoError(t, c.Sync(inTime(t), "/"))

		unnamed.Store(true)
		srv.Down(1, true)
		time.Sleep(time.Minute)
		srv.Down(1, false)
		refused.Store(true)
		time.Sleep(time.Minute)
		refused.Store(false)
		unnamed.Store(false)
		until(t, c, zk.StateConnected)

		accompany(c, 1, func() error { return joined(errors.New("left behind")) })
		require.Error(t, c.Close(inTime(t)))
		synctest.Wait()
		log.mu.Lock()
		defer log.mu.Unlock()
		require.Empty(t, log.broken)
		for _, line := range []string{
			"zk: cannot connect, trying on", "zk: still cannot connect", "zk: attempt failed", "zk: disconnected",
			"zk: session is over, its ephemeral nodes are gone", "zk: authentication failed, every call fails until it succeeds",
			"zk: the list of servers is not known in full", "zk: panic in a hook of Config.Hooks",
			"zk: panic while serving a connection", "zk: closed, not everything is confirmed",
		} {
			require.NotZero(t, log.lines[line], line)
		}
	})
}
