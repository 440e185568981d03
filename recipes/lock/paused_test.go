//go:build unix

package lock_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// pausedServers passes the servers to a second process of the test binary, which
// holds the lock there.
const pausedServers = "ZOOKIT_PAUSED_HOLDER"

// findings are what the paused holder finds, in the order in which it looks.
type findings struct {
	Token      int64
	ContextErr string // its first look
	Guarded    string // a write with Check
	NotHeld    bool
}

// holdAndReport is the holder's process. It prints its token, and on a command what it
// finds.
func holdAndReport(servers string) error {
	ctx := context.Background()
	c, err := zk.Connect(ctx, zk.Config{Servers: servers, SessionTimeout: 2 * time.Second})
	if err != nil {
		return err
	}
	h, err := lock.New(c, "/l", lock.Config{}).Acquire(ctx)
	if err != nil {
		return err
	}
	fmt.Println("token", h.Token())
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	f := findings{Token: h.Token(), ContextErr: fmt.Sprint(h.Context().Err())}
	for { // until a reply comes: the first may be lost with its connection
		_, err = c.Multi(ctx, h.Check(), zk.SetOp("/data", []byte("late"), zk.AnyVersion))
		if err == nil || zk.OutcomeOf(err) != zk.OutcomeUnknown {
			break
		}
	}
	f.Guarded, f.NotHeld = fmt.Sprint(err), errors.Is(err, lock.ErrNotHeld) || errors.Is(err, zk.ErrSessionExpired)
	line, err := json.Marshal(f)
	fmt.Println("found", string(line))
	return errors.Join(err, c.Close(ctx))
}

// failures: 62: the holder's process is stopped for longer than its session lasts.
// The next holder works. Then the first process continues. At its first look its
// Context has ended. A store that compares tokens refuses its write, and so does
// ZooKeeper itself when the write has a Check.
func TestLock_PausedHolder(t *testing.T) {
	if servers := os.Getenv(pausedServers); servers != "" {
		require.NoError(t, holdAndReport(servers))
		return
	}
	e := ensemble.Run(t, ensemble.Options{Size: 1})
	c := clienttest.ConnectTo(t, e.Servers(), clienttest.Timeout(2*time.Second))
	_, err := c.Create(t.Context(), "/data", []byte("first"), zk.Persistent)
	require.NoError(t, err)

	holder := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLock_PausedHolder$")
	holder.Env = append(os.Environ(), pausedServers+"="+e.Servers())
	in, err := holder.StdinPipe()
	require.NoError(t, err)
	out, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	lines := bufio.NewScanner(out)
	read := func(what string) string {
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), what+" "); ok {
				return rest
			}
		}
		require.FailNow(t, "the holder ended", lines.Err())
		return ""
	}
	store := int64(0) // the highest token that has written
	write := func(token int64) bool {
		if token < store {
			return false
		}
		store = token
		return true
	}
	var token int64
	_, err = fmt.Sscan(read("token"), &token)
	require.NoError(t, err)
	require.True(t, write(token))

	require.NoError(t, holder.Process.Signal(syscall.SIGSTOP))
	next, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
	require.NoError(t, err)
	require.Greater(t, next.Token(), token)
	require.True(t, write(next.Token()))
	_, err = c.Multi(t.Context(), next.Check(), zk.SetOp("/data", []byte("second"), zk.AnyVersion))
	require.NoError(t, err)
	_, err = fmt.Fprintln(in, "write") // the process reads it when it continues
	require.NoError(t, err)
	require.NoError(t, holder.Process.Signal(syscall.SIGCONT))

	var f findings
	require.NoError(t, json.Unmarshal([]byte(read("found")), &f))
	require.NotEqual(t, "<nil>", f.ContextErr, "it checked, and its context said that it holds the lock")
	require.True(t, f.NotHeld, f.Guarded)
	require.False(t, write(f.Token))
	n, err := c.Get(t.Context(), "/data")
	require.NoError(t, err)
	require.Equal(t, "second", string(n.Data))
	require.NoError(t, next.Context().Err())
	require.NoError(t, next.Release(t.Context()))
	require.NoError(t, holder.Wait())
}
