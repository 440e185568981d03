package interop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// rig is one server, our client, and a process of each library.
type rig struct {
	e     ensemble.Ensemble
	c     *zk.Client // through the proxy; the peers connect directly
	peers map[library]*process
	dirs  atomic.Int64
}

// newRig starts a rig that ends with the test. It is for tests that disturb others.
// timeout is the session timeout of all clients.
func newRig(t *testing.T, timeout time.Duration) *rig {
	t.Helper()
	r, err := startRig(timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(r.logs())
		}
		require.NoError(t, r.close())
	})
	return r
}

// shared is the rig of the tests that disturb no others. The first of them starts it;
// TestMain closes it.
var shared struct {
	once sync.Once
	r    *rig
	err  error
}

func sharedRig(t *testing.T) *rig {
	t.Helper()
	shared.once.Do(func() { shared.r, shared.err = startRig(10 * time.Second) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.r
}

func startRig(timeout time.Duration) (_ *rig, err error) {
	// This takes long: the first rig compiles a peer, and three Java VMs start at once.
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	r := &rig{peers: map[library]*process{}}
	defer func() {
		if err != nil {
			_ = r.close()
		}
	}()
	if r.e, err = ensemble.Start(ctx, ensemble.Options{}); err != nil {
		return nil, err
	}
	for _, l := range []library{curator, kazoo, goZookeeper} {
		cmd, err := l.command()
		if err == nil {
			cmd.Args = append(cmd.Args, r.e.Direct(), strconv.FormatInt(timeout.Milliseconds(), 10))
			r.peers[l], err = spawn(string(l), cmd)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w; %s", l, err, install)
		}
	}
	for l, p := range r.peers {
		if err := p.ready(); err != nil {
			return nil, fmt.Errorf("%s: %w; %s", l, err, install)
		}
	}
	r.c, err = zk.Connect(ctx, zk.Config{Servers: r.e.Servers(), SessionTimeout: timeout})
	return r, err
}

func (r *rig) close() error {
	var errs []error
	for _, p := range r.peers {
		errs = append(errs, p.end())
	}
	if r.c != nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		errs = append(errs, r.c.Close(ctx))
	}
	if r.e != nil {
		errs = append(errs, r.e.Close())
	}
	return errors.Join(errs...)
}

// logs returns the logs that a failed test prints.
func (r *rig) logs() string {
	logs := r.e.Logs()
	for _, p := range r.peers {
		logs += p.name + ":\n" + p.stderr.String()
	}
	return logs
}

// dir returns a new directory for a test.
func (r *rig) dir() string { return "/interop/" + strconv.FormatInt(r.dirs.Add(1), 10) }

// within returns a context for a short call: a call that blocks fails the test.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// awaitWatch waits until a session watches a node: a contender with this watch has
// found its predecessor, and waits for it.
func (r *rig) awaitWatch(t *testing.T, path string, session int64) {
	t.Helper()
	owner := fmt.Sprintf("0x%x", uint64(session))
	r.await(t, "watch of "+owner+" on "+path, func(ctx context.Context) bool {
		answer, err := r.e.FourLetter(ctx, 0, "wchp")
		require.NoError(t, err)
		at := ""
		for line := range strings.Lines(answer) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "/") {
				at = line
			} else if at == path && line == owner {
				return true
			}
		}
		return false
	})
}

// await waits for a condition.
func (r *rig) await(t *testing.T, what string, met func(ctx context.Context) bool) {
	t.Helper()
	ctx := within(t)
	for !met(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("no %s after %v", what, patience)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// children returns the paths of the nodes in dir, none if dir does not exist: it may not
// be created yet, or the server has removed it since it was empty.
func (r *rig) children(t *testing.T, dir string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	names, _, err := r.c.Children(ctx, dir)
	if !errors.Is(err, zk.ErrNoNode) {
		require.NoError(t, err)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = zk.Join(dir, name)
	}
	return names
}

// awaitEmpty waits until dir has no nodes. Some peers delete theirs in the background.
func (r *rig) awaitEmpty(t *testing.T, dir string) {
	t.Helper()
	r.await(t, "empty "+dir, func(context.Context) bool { return len(r.children(t, dir)) == 0 })
}
