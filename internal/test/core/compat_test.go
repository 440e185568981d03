package core_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// The Stat of a create without create2 is that of the node, also while others write to
// every server of an ensemble. It only lacks the times. The zxid of the reply is that of
// the create, on which this rests.
func TestCore_CreatesWithoutCreate2(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 3})
	var running sync.WaitGroup
	for i := range e.Size() {
		c := connect(t, e.Addr(i), func(cfg *zk.Config) { cfg.Compat = zk.Compat3_4 })
		for worker := range 4 {
			running.Go(func() {
				if err := createPlainly(t, c, fmt.Sprintf("/node-%d-%d-", i, worker)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	running.Wait()
}

func createPlainly(t *testing.T, c *zk.Client, prefix string) error {
	for n := range 40 {
		mode := []zk.CreateMode{zk.Persistent, zk.Ephemeral, zk.PersistentSequential, zk.EphemeralSequential}[n%4]
		made, err := c.Create(t.Context(), fmt.Sprint(prefix, n), []byte("data"), mode)
		if err != nil {
			return err
		}
		stat, ok, err := c.Exists(t.Context(), made.Path)
		if err != nil || !ok {
			return fmt.Errorf("%s: %v, %w", made.Path, ok, err)
		}
		stat.Ctime, stat.Mtime = 0, 0
		if made.Stat != stat {
			return fmt.Errorf("%s: the create says %+v, exists says %+v", made.Path, made.Stat, stat)
		}
	}
	return nil
}

// At the level of the server a client sends nothing that the server does not know. Below
// that level it fails before it sends anything.
func TestCore_LevelsOfServers(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{})
	level := clienttest.Level()
	c := connect(t, e.Direct())
	for _, q := range []struct {
		first zk.Compat // the oldest level that has it
		call  func() error
	}{
		{zk.Compat3_5, func() error { _, err := c.Create(t.Context(), "/container", nil, zk.Container); return err }},
		{zk.Compat3_6, func() error { _, err := c.CountDescendants(t.Context(), "/"); return err }},
		{zk.Compat3_6, func() error { _, err := c.Ephemerals(t.Context(), "/"); return err }},
		{zk.Compat3_6, func() error { _, err := c.MultiRead(t.Context(), zk.GetOp("/")); return err }},
		{zk.Compat3_7, func() error { _, err := c.WhoAmI(t.Context()); return err }},
		{zk.Compat3_6, func() error {
			s, err := c.Subscribe(t.Context(), "/")
			if err == nil {
				err = s.Close()
			}
			return err
		}},
	} {
		err := q.call()
		if level <= q.first {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, zk.ErrUnimplemented)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
	}
	_, w, err := c.GetW(t.Context(), "/")
	require.NoError(t, err)
	w.Stop()
	require.NoError(t, c.Sync(t.Context(), "/"))
	require.Zero(t, c.Stats().Reconnects)
}
