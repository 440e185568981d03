package barrier_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// inBubble runs a test on an embedded server in virtual time, and checks that it
// leaves nothing below /b and no watch behind.
func inBubble(t *testing.T, servers int, f func(t *testing.T, srv *zktest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: servers})
		f(t, srv)
		time.Sleep(time.Minute)
		require.Empty(t, srv.Children("/b"), "left behind")
		require.Zero(t, srv.Watches(), "watches left behind: %v", srv.WatchPaths())
	})
}

// connect returns a client. If a server is named, the client uses that one alone.
func connect(t testing.TB, srv *zktest.Server, server ...int) *zk.Client {
	t.Helper()
	return clienttest.Connect(t, srv, func(cfg *zk.Config) {
		if len(server) > 0 {
			cfg.Servers = strings.Split(cfg.Servers, ",")[server[0]-1]
		}
	})
}

// once returns the verdict for the first request that matches, and Pass for all
// others.
func once(match func(zktest.Request) bool, v zktest.Verdict) func(zktest.Request) zktest.Verdict {
	var done atomic.Bool
	return func(r zktest.Request) zktest.Verdict {
		if match(r) && done.CompareAndSwap(false, true) {
			return v
		}
		return zktest.Pass
	}
}

func isOp(op string) func(zktest.Request) bool {
	return func(r zktest.Request) bool { return r.Op == op }
}

// entering is a call of Enter in the background.
type entering struct {
	e    *barrier.Entry
	err  error
	done chan struct{}
}

func enter(ctx context.Context, d *barrier.Double) *entering {
	r := &entering{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.e, r.err = d.Enter(ctx)
	}()
	return r
}

// in waits until the party has been let in.
func (r *entering) in(t testing.TB) *barrier.Entry {
	t.Helper()
	r.failed()
	require.NoError(t, r.err)
	return r.e
}

// failed waits for the error of Enter.
func (r *entering) failed() error {
	<-r.done
	return r.err
}

// waits waits until the bubble is idle, and reports whether Enter has not returned.
func (r *entering) waits() bool {
	synctest.Wait()
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// leaveAll calls Leave of all entries at once.
func leaveAll(t testing.TB, entries ...*barrier.Entry) {
	t.Helper()
	errs := make(chan error)
	for _, e := range entries {
		go func() { errs <- e.Leave(context.Background()) }()
	}
	for range entries {
		require.NoError(t, <-errs)
	}
}
