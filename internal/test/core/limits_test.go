package core_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// wipe removes a server's snapshots and log.
func wipe(t *testing.T, dataDir string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(dataDir, "version-2")))
}

// failures: 40, 45: requests around the size limit of the server. The client refuses
// exactly those that the server would refuse, to the byte, and sends none of them.
// And multis of every shape, below a chroot.
func TestCore_LargeRequestsAndMultis(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{})
	root := connect(t, e.Direct())
	ctx := t.Context()
	_, err := root.Create(ctx, "/root", nil, zk.Persistent)
	require.NoError(t, err)
	c := connect(t, e.Servers()+"/root")
	id := c.Session().ID()
	_, err = c.Create(ctx, "/n", nil, zk.Persistent)
	require.NoError(t, err)

	const limit = 1_048_575
	const head = 8 + 4 + len("/root/n") + 4 + 4 // header, path, length of the data, version
	for _, size := range []int{1_000_000, 1_048_500, limit - head - 1, limit - head, limit - head + 1, 1_048_576, 1_100_000} {
		_, err := c.Set(ctx, "/n", make([]byte, size), zk.AnyVersion)
		if size <= limit-head {
			require.NoError(t, err, "%d bytes", size)
		} else {
			require.ErrorIs(t, err, zk.ErrTooLarge, "%d bytes", size)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		}
	}
	big := make([]byte, 600_000)
	_, err = c.Multi(ctx, zk.SetOp("/n", big, -1), zk.SetOp("/n", big, -1))
	require.ErrorIs(t, err, zk.ErrTooLarge)
	n, err := c.Get(ctx, "/n")
	require.NoError(t, err)
	require.Len(t, n.Data, limit-head)

	results, err := c.Multi(ctx)
	require.NoError(t, err)
	require.Empty(t, results)
	results, err = c.Multi(
		ctx,
		zk.CreateOp("/a", []byte("x"), zk.Persistent),
		zk.CreateOp("/a/e-", nil, zk.EphemeralSequential),
		zk.CreateOp("/c", nil, zk.Container),
		zk.CreateOp("/ttl", nil, zk.PersistentTTL, zk.TTL(time.Hour)),
		zk.SetOp("/a", []byte("y"), 0),
		zk.CheckOp("/a", 1),
		zk.CreateOp("/gone", nil, zk.Persistent),
		zk.DeleteOp("/gone", 0),
	)
	require.NoError(t, err)
	var paths []string
	for _, r := range results {
		require.Equal(t, zk.OpDone, r.State)
		paths = append(paths, r.Path)
	}
	require.Equal(t, []string{"/a", "/a/e-0000000000", "/c", "/ttl", "/a", "/a", "/gone", "/gone"}, paths)
	require.EqualValues(t, 1, results[4].Stat.Version)
	_, ok, err := root.Exists(ctx, "/root/a/e-0000000000")
	require.NoError(t, err)
	require.True(t, ok)

	reason := errors.New("the reason")
	fails := []struct {
		op   zk.Op
		code zk.Code
	}{
		{zk.CheckOp("/a", 7), zk.ErrBadVersion},
		{zk.CreateOp("/a", nil, zk.Persistent), zk.ErrNodeExists},
		{zk.CreateOp("/no/such", nil, zk.Ephemeral), zk.ErrNoNode},
		{zk.DeleteOp("/a", -1), zk.ErrNotEmpty},
		{zk.SetOp("/absent", nil, -1), zk.ErrNoNode},
	}
	for _, bad := range fails {
		for k := range 4 { // k is the op that fails
			ops := []zk.Op{zk.CreateOp("/new", nil, zk.Persistent), zk.SetOp("/a", []byte("z"), 1), zk.CheckOp("/a", -1)}
			ops = append(ops[:k:k], append([]zk.Op{c.Bind(bad.op, reason)}, ops[k:]...)...)
			if bad.code == zk.ErrBadVersion && k < 2 {
				ops = append(ops, zk.CheckOp("/a", -1)) // one op more
			}
			results, err := c.Multi(ctx, ops...)
			require.ErrorIs(t, err, bad.code)
			require.ErrorIs(t, err, reason)
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
			require.Len(t, results, len(ops))
			for i, r := range results {
				switch {
				case i < k:
					require.Equal(t, zk.OpRolledBack, r.State)
				case i == k:
					require.Equal(t, zk.OpFailed, r.State)
					require.ErrorIs(t, r.Err, bad.code)
				default:
					require.Equal(t, zk.OpNotRun, r.State)
				}
			}
			_, ok, err := c.Exists(ctx, "/new")
			require.NoError(t, err)
			require.False(t, ok)
		}
	}
	require.Equal(t, id, c.Session().ID())
	require.Equal(t, 1, e.Clients(0).Accepted(), "on one connection")

	// failures: 110: a scheme that the server does not have.
	_, err = zk.Connect(ctx, zk.Config{Servers: e.Servers(), Auth: []zk.Authenticator{zk.Auth{Scheme: "nobody-knows", Data: []byte("secret")}}})
	require.ErrorIs(t, err, zk.ErrAuthFailed)
	require.ErrorContains(t, err, "nobody-knows")
	require.NotContains(t, err.Error(), "secret")
}

// failures: 18: a server that lost its quorum serves reads only. A client that did not
// ask for that gets no session from it: its calls wait, and no recipe grants anything.
// When there is a quorum again, the client goes on by itself.
//
// failures: 129: Sync, and only Sync, makes a read see an earlier write of another
// client.
func TestCore_ReadOnlyServersAndServersThatLag(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 3, JVM: []string{"-Dreadonlymode.enabled=true"}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	leader, err := e.Leader(ctx)
	require.NoError(t, err)
	behind := (leader + 1) % 3
	writer, reader := connect(t, e.DirectAddr(leader)), connect(t, e.Addr(behind))
	_, err = writer.Create(ctx, "/n", []byte("old"), zk.Persistent)
	require.NoError(t, err)
	require.NoError(t, reader.Sync(ctx, "/n"))

	const lag = 300 * time.Millisecond
	require.NoError(t, e.DelayPeers(leader, behind, lag))
	for _, pipelined := range []bool{false, true} {
		st, err := writer.Set(ctx, "/n", []byte("new"), zk.AnyVersion)
		require.NoError(t, err)
		n, err := reader.Get(ctx, "/n")
		require.NoError(t, err)
		require.NotEqual(t, st.Version, n.Stat.Version, "its server has not heard of it")
		if pipelined {
			p := reader.Pipeline()
			p.Sync(ctx, "/n")
			n, err = p.Get(ctx, "/n").Wait(ctx)
		} else {
			require.NoError(t, reader.Sync(ctx, "/n"))
			n, err = reader.Get(ctx, "/n")
		}
		require.NoError(t, err)
		require.Equal(t, st.Version, n.Stat.Version)
	}
	require.NoError(t, e.HealPeers(behind))

	require.NoError(t, e.Kill(leader))
	other := (leader + 2) % 3
	require.NoError(t, e.Kill(other))
	for { // until it serves reads
		text, err := e.FourLetter(ctx, behind, "isro")
		require.NoError(t, ctx.Err())
		if err == nil && text == "ro" {
			break
		}
	}
	refused := e.Clients(behind).Accepted()
	for e.Clients(behind).Accepted() < refused+5 { // the client has tried it and was refused
		require.NoError(t, ctx.Err())
		require.NotEqual(t, zk.StateConnected, reader.State())
		time.Sleep(time.Millisecond)
	}
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err = reader.Create(short, "/granted", nil, zk.Ephemeral)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
	if s := reader.Session(); s.Context().Err() == nil {
		g, release, err := s.Guard(short)
		if err == nil {
			require.Error(t, g.Err())
			release()
		}
	}
	_, err = zk.Connect(short, zk.Config{Servers: e.Addr(behind)})
	require.Error(t, err)
	require.NoError(t, e.Start(ctx, leader))
	require.NoError(t, e.Start(ctx, other))
	_, err = reader.Create(ctx, "/after", nil, zk.Ephemeral)
	require.NoError(t, err)
	_, ok, err := reader.Exists(ctx, "/granted")
	require.NoError(t, err)
	require.False(t, ok)
}
