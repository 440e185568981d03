package acceptance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// Run runs the whole suite. First contenders and candidates run under every kind of
// fault that the ensemble can cause. Then holders are cut off, one at a time, while
// a waiter waits for their lock.
func Run(t *testing.T, e ensemble.Ensemble, p Params) {
	t.Logf("ZOOKIT_SEED=%d", p.Seed)
	t.Run("faults", func(t *testing.T) { underFaults(t, e, p) })
	for _, c := range cuts {
		if n := c.rounds(p); n > 0 {
			t.Run(c.name, func(t *testing.T) { c.run(t, e, n, p.Seed) })
		}
	}
	if p.Stops > 0 {
		t.Run("the holder's process is stopped", func(t *testing.T) { stoppedHolders(t, e, p.Stops, p.Seed) })
	}
}

// underFaults lets all workers run under faults. It checks their claims and writes,
// and that they leave nothing behind.
func underFaults(t *testing.T, e ensemble.Ensemble, p Params) {
	ctx := t.Context()
	check := checker(t, e)
	createStores(ctx, t, check)

	r, err := newRig(ctx, e, p)
	require.NoError(t, err)
	closed := false
	defer func() {
		if !closed { // the test has failed already
			t.Logf("while ending after a failure: %v; broken promises: %q; claims: %v", r.close(), r.board.broken, r.board.claims.check())
		}
	}()
	start := now()
	h := newHarm(t, e, r, p.Seed)
	err = h.run(ctx, p.Faults, p.Soak)
	end := now()
	if err == nil {
		err = r.board.await(ctx, func() bool { return r.board.total >= p.Acquisitions })
	}
	t.Logf("%v of faults, %d contenders for locks in %d sessions and %d processes\n%s\n%s",
		(now() - start).Round(time.Second), p.Contenders, clients, 1+processes, r.board.summary(), h.table())
	require.NoError(t, err)

	ending, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	require.NoError(t, e.Ready(ending))
	require.NoError(t, r.rest(ending), "contenders do not come to rest")
	require.NoError(t, lastLeader(ending, check, r.board))
	require.NoError(t, r.board.await(ending, r.board.agree), "watchers do not see the members")
	require.NoError(t, r.blind(ending))
	require.NoError(t, nothingLeft(ending, check, e))
	closed = true
	require.NoError(t, r.close())

	require.NoError(t, r.board.await(ending, func() bool { return true }))
	if err := r.board.claims.check(); err != nil {
		if v, ok := errors.AsType[*violation](err); ok {
			t.Log(r.board.claims.around(v.name, v.at, 3*time.Second))
		}
		require.NoError(t, err)
	}
	if p.Soak > 0 {
		second, last, err := growth(r.board.weights, start, end)
		t.Logf("heap in use: %d bytes in the second quarter, %d in the last", second, last)
		require.NoError(t, err)
	}
	require.NoError(t, rounds(r.board.parties))
	for _, v := range r.board.groups {
		require.NoError(t, v.flaps())
	}
	checkStores(ctx, t, check, r.board)
}

func createStores(ctx context.Context, t *testing.T, check *zk.Client) {
	_, err := check.Create(ctx, storeDir, nil, zk.Persistent)
	require.NoError(t, err)
	for _, name := range lockNames {
		_, err := check.Create(ctx, storeDir+"/"+name, []byte("0"), zk.Persistent)
		require.NoError(t, err)
	}
}

// checkStores checks that the guarded writes to each store were made in the order
// of their tokens, and that the newest of them was not overwritten by an older one.
func checkStores(ctx context.Context, t *testing.T, check *zk.Client, b *board) {
	total := 0
	for _, name := range lockNames {
		require.NotEmpty(t, b.writes[name])
		lost, err := storeOrder(b.writes[name])
		require.NoError(t, err)
		for _, l := range lost {
			t.Logf("the ensemble has lost writes that it had acknowledged: %s", l)
		}
		node, err := check.Get(ctx, storeDir+"/"+name)
		require.NoError(t, err)
		writes := b.writes[name] // in the order of their zxids by now
		var token int64
		_, err = fmt.Sscan(string(node.Data), &token)
		require.NoError(t, err)
		require.GreaterOrEqual(t, token, writes[len(writes)-1].Token)
		total += len(writes)
	}
	t.Logf("history accepted: sweep and porcupine; guarded writes in order: %d", total)
}

// checker returns a client that bypasses the clients' proxies. It is closed with
// the test.
func checker(t *testing.T, e ensemble.Ensemble) *zk.Client {
	t.Helper()
	c, err := connect(t.Context(), e.Direct(), false)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		require.NoError(t, c.Close(ctx))
	})
	return c
}
