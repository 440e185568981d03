package zk_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// onLevel runs f with a server of a version and a client of its level.
func onLevel(t *testing.T, v zktest.Version, f func(t *testing.T, srv *zktest.Server, c *zk.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Version: v})
		f(t, srv, connect(t, srv, func(cfg *zk.Config) { cfg.Compat = clienttest.Levels[v] }))
	})
}

// compatCalls are the calls that some level lacks, each with the newest that does.
var compatCalls = map[string]struct {
	lacking zk.Compat
	call    func(ctx context.Context, c *zk.Client) error
}{
	"container nodes": {zk.Compat3_4, func(ctx context.Context, c *zk.Client) error {
		_, err := c.Create(ctx, "/container", nil, zk.Container)
		return err
	}},
	"TTL nodes": {zk.Compat3_4, func(ctx context.Context, c *zk.Client) error {
		_, err := c.Create(ctx, "/ttl", nil, zk.PersistentTTL, zk.TTL(time.Hour))
		return err
	}},
	"container nodes in a multi": {zk.Compat3_4, func(ctx context.Context, c *zk.Client) error {
		_, err := c.Multi(ctx, zk.CreateOp("/a", nil, zk.Persistent), zk.CreateOp("/b", nil, zk.Container))
		return err
	}},
	"TTL nodes in a multi": {zk.Compat3_4, func(ctx context.Context, c *zk.Client) error {
		_, err := c.Multi(ctx, zk.CreateOp("/c", nil, zk.PersistentSequentialTTL, zk.TTL(time.Hour)))
		return err
	}},
	"reconfig": {zk.Compat3_4, func(ctx context.Context, c *zk.Client) error {
		_, err := c.Reconfig(ctx, zk.Reconfig{Leaving: []int64{3}}, zk.AnyConfig)
		return err
	}},
	"addWatch": {zk.Compat3_5, func(ctx context.Context, c *zk.Client) error {
		s, err := c.Subscribe(ctx, "/", zk.Recursive())
		if err == nil {
			err = s.Close()
		}
		return err
	}},
	"multiRead":        {zk.Compat3_5, newer["multiRead"]},
	"ephemerals":       {zk.Compat3_5, newer["ephemerals"]},
	"countDescendants": {zk.Compat3_5, newer["countDescendants"]},
	"whoAmI":           {zk.Compat3_6, newer["whoAmI"]},
}

// At the level of its server a client either gets an answer, or a CompatError before
// anything is sent. The connection stays.
func TestCompat_NothingIsSentThatTheServerLacks(t *testing.T) {
	for v, level := range clienttest.Levels {
		t.Run(v.String(), func(t *testing.T) {
			onLevel(t, v, func(t *testing.T, srv *zktest.Server, c *zk.Client) {
				for what, q := range compatCalls {
					require.NoError(t, c.Sync(t.Context(), "/"), "the removal of a watch is queued before it")
					before := srv.Requests()
					err := q.call(t.Context(), c)
					if level < q.lacking {
						require.NotErrorIs(t, err, zk.ErrUnimplemented, what)
						continue
					}
					require.ErrorIs(t, err, zk.ErrUnimplemented, what)
					require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), what)
					require.False(t, zk.SafeToRetry(err), what)
					e, ok := errors.AsType[*zk.CompatError](err)
					require.True(t, ok, what)
					require.Equal(t, &zk.CompatError{What: e.What, Compat: level, Since: q.lacking - 1}, e)
					require.Contains(t, what, e.What)
					require.Equal(t, before, srv.Requests(), what)
				}
				require.NoError(t, c.Sync(t.Context(), "/"))
				require.Zero(t, c.Stats().Reconnects)
			})
		})
	}
}

func TestCompat_ErrorNamesTheLevel(t *testing.T) {
	onLevel(t, zktest.V3_4, func(t *testing.T, _ *zktest.Server, c *zk.Client) {
		_, err := c.Create(t.Context(), "/a", nil, zk.Container)
		require.EqualError(t, err, "zk: create /a: Config.Compat is 3.4: servers of this level have no container nodes (new in 3.5) (not sent)")
		f := c.Pipeline().WhoAmI(t.Context())
		_, err = f.Wait(t.Context())
		require.EqualError(t, err, "zk: whoAmI: Config.Compat is 3.4: servers of this level have no whoAmI (new in 3.7) (not sent)")
	})
	_, err := zk.Connect(t.Context(), zk.Config{Servers: "x:1", Compat: zk.CompatKeeper + 1})
	require.ErrorIs(t, err, zk.ErrInvalidConfig)
	require.ErrorContains(t, err, "Compat is 7: want one of Compat3_9 to CompatKeeper")
}

// withoutTimes returns a Stat without its times.
func withoutTimes(s zk.Stat) zk.Stat {
	s.Ctime, s.Mtime = 0, 0
	return s
}

// Without create2 a plain create has the Stat of the new node, but for its times.
func TestCompat_CreateWithoutCreate2(t *testing.T) {
	for _, v := range []zktest.Version{zktest.V3_4, zktest.V3_9} { // a client may be set to less than its servers can do
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{Version: v})
				c := connect(t, srv, func(cfg *zk.Config) { cfg.Compat = zk.Compat3_4 })
				p := c.Pipeline()
				for _, mode := range []zk.CreateMode{zk.Persistent, zk.Ephemeral, zk.PersistentSequential, zk.EphemeralSequential} {
					for _, data := range []string{"", "data"} {
						path := "/" + mode.String() + data
						made, err := c.Create(t.Context(), path, []byte(data), mode)
						require.NoError(t, err)
						later, err := p.Create(t.Context(), path+"-later", []byte(data), mode).Wait(t.Context())
						require.NoError(t, err)
						for _, made := range []zk.Created{made, later} {
							stat, ok, err := c.Exists(t.Context(), made.Path)
							require.NoError(t, err)
							require.True(t, ok)
							require.Equal(t, withoutTimes(stat), made.Stat, made.Path)
						}
					}
				}
				results, err := c.Multi(t.Context(), zk.CreateOp("/m", nil, zk.Persistent), zk.CreateOp("/m/e-", nil, zk.EphemeralSequential))
				require.NoError(t, err)
				require.Equal(t, "/m/e-0000000000", results[1].Path)
				_, err = c.Create(t.Context(), "/m", nil, zk.Persistent)
				require.ErrorIs(t, err, zk.ErrNodeExists)
				_, err = c.Create(t.Context(), "/none/x", nil, zk.Persistent)
				require.ErrorIs(t, err, zk.ErrNoNode)
			})
		})
	}
}

// The Stat is that of the node as it was created. What others do to the node before
// the reply arrives does not show in it, or a caller would overwrite their data.
func TestCompat_StatOfACreateIsNotThatOfALaterNode(t *testing.T) {
	onLevel(t, zktest.V3_4, func(t *testing.T, srv *zktest.Server, c *zk.Client) {
		srv.Delay(0, time.Second)
		done := make(chan zk.Created, 1)
		go func() {
			made, err := c.Create(t.Context(), "/a", []byte("mine"), zk.Persistent)
			if err != nil {
				t.Error(err)
			}
			done <- made
		}()
		time.Sleep(time.Second / 2)
		synctest.Wait()
		require.True(t, srv.Exists("/a"))
		require.NoError(t, srv.Delete("/a"))
		require.NoError(t, srv.Create("/a", []byte("of another")))
		made := <-done
		srv.Delay(0, 0)
		stat, _, err := c.Exists(t.Context(), "/a")
		require.NoError(t, err)
		require.Less(t, made.Stat.Czxid, stat.Czxid)
		require.EqualValues(t, 4, made.Stat.DataLength)
	})
}

// If the reply of a plain create is lost, the outcome is unknown, as that of a create2.
func TestCompat_LostReplyOfAPlainCreate(t *testing.T) {
	onLevel(t, zktest.V3_4, func(t *testing.T, srv *zktest.Server, c *zk.Client) {
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "create" {
				return zktest.DropReplyAndCut
			}
			return zktest.Pass
		})
		_, err := c.Create(t.Context(), "/a", nil, zk.Persistent)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		require.True(t, srv.Exists("/a"))
	})
}

// Without removeWatches a watch that is not used any more stays on the server until it
// fires. Its event disturbs nobody.
func TestCompat_StoppedWatchesStay(t *testing.T) {
	onLevel(t, zktest.V3_4, func(t *testing.T, srv *zktest.Server, c *zk.Client) {
		require.NoError(t, srv.Create("/a", nil))
		_, w, err := c.GetW(t.Context(), "/a")
		require.NoError(t, err)
		w.Stop()
		require.NoError(t, c.Sync(t.Context(), "/a"))
		require.Equal(t, 1, srv.Watches())
		_, _, kids, err := c.ChildrenW(t.Context(), "/a")
		require.NoError(t, err)

		require.NoError(t, srv.Set("/a", []byte("new")))
		require.NoError(t, c.Sync(t.Context(), "/a"))
		require.False(t, kids.Fired(), "the event of the stopped watch has ended another one")
		require.NoError(t, srv.Create("/a/b", nil))
		_, err = kids.Wait(t.Context())
		require.NoError(t, err)
		require.Zero(t, srv.Watches())
		require.Zero(t, c.Stats().Reconnects)
	})
}
