package zk_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// subClient returns a client with the chroot /base and its sub-client at /app/v1.
func subClient(t *testing.T, srv *zktest.Server, change ...func(*zk.Config)) (base, sub *zk.Client) {
	t.Helper()
	for _, path := range []string{"/base", "/base/app", "/base/app/v1"} {
		require.NoError(t, srv.Create(path, nil))
	}
	change = append(change, func(cfg *zk.Config) { cfg.Servers += "/base" })
	base = connect(t, srv, change...)
	app, err := base.At("/app")
	require.NoError(t, err)
	sub, err = app.At("/v1")
	require.NoError(t, err)
	return base, sub
}

// Every call of a sub-client works below its chroot, in the session of its client.
func TestAt_CallsWorkBelowTheirChroot(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		base, sub := subClient(t, srv)
		ctx := inTime(t)
		require.Same(t, base.Session(), sub.Session())

		made, err := sub.Create(ctx, "/e-", []byte("1"), zk.EphemeralSequential)
		require.NoError(t, err)
		require.Equal(t, "/e-0000000000", made.Path)
		require.Equal(t, base.Session().ID(), srv.Owner("/base/app/v1"+made.Path))
		_, err = sub.Set(ctx, made.Path, []byte("2"), 0)
		require.NoError(t, err)
		n, err := base.Get(ctx, "/app/v1"+made.Path)
		require.NoError(t, err)
		require.Equal(t, "2", string(n.Data))
		names, _, err := sub.Children(ctx, "/")
		require.NoError(t, err)
		require.Equal(t, []string{"e-0000000000"}, names)
		paths, err := sub.Ephemerals(ctx, "/")
		require.NoError(t, err)
		require.Equal(t, []string{made.Path}, paths)
		count, err := sub.CountDescendants(ctx, "/")
		require.NoError(t, err)
		require.Equal(t, 1, count)

		results, err := sub.Multi(ctx, zk.CheckOp("/", zk.AnyVersion), zk.CreateOp("/m-", nil, zk.PersistentSequential))
		require.NoError(t, err)
		require.Equal(t, "/m-0000000001", results[1].Path)
		require.True(t, srv.Exists("/base/app/v1/m-0000000001"))
		reads, err := sub.MultiRead(ctx, zk.GetOp(made.Path), zk.ChildrenOp("/none"))
		require.NoError(t, err)
		require.Equal(t, "2", string(reads[0].Data))
		require.ErrorIs(t, reads[1].Err, zk.ErrNoNode)

		p := sub.Pipeline()
		first, second := p.Create(ctx, "/p", nil, zk.Persistent), p.Get(ctx, "/p")
		got, err := first.Wait(ctx)
		require.NoError(t, err)
		require.Equal(t, "/p", got.Path)
		_, err = second.Wait(ctx)
		require.NoError(t, err)
		require.True(t, srv.Exists("/base/app/v1/p"))
		require.NoError(t, sub.Sync(ctx, "/"))
		require.NoError(t, sub.Delete(ctx, "/p", zk.AnyVersion))

		held, err := protect.Create(ctx, sub, "/lock-", nil, zk.EphemeralSequential)
		require.NoError(t, err)
		protect.Abandon(sub, sub.Session(), held.Path)
		time.Sleep(time.Second)
		require.False(t, srv.Exists("/base/app/v1"+held.Path), "the janitor knows the chroot")

		guard, release, err := sub.Session().Guard(ctx)
		require.NoError(t, err)
		require.NoError(t, guard.Err())
		release()
	})
}

// Errors have the paths of the caller.
func TestAt_ErrorsHaveTheCallersPaths(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		_, sub := subClient(t, srv)
		ctx := inTime(t)
		_, err := sub.Get(ctx, "/none")
		var failed *zk.OpError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "/none", failed.Path)
		_, err = sub.Multi(ctx, zk.CheckOp("/", zk.AnyVersion), zk.DeleteOp("/none", zk.AnyVersion))
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "/none", failed.Path)
		_, err = sub.Create(ctx, "/", nil, zk.PersistentSequential)
		require.ErrorIs(t, err, zk.ErrInvalidPath)
		require.ErrorContains(t, err, "/base/app/v1", "its name would begin with that of the chroot")
	})
}

// Events of one-shot watches and of subscriptions have the paths of the client that has
// set them, also when both clients watch one node, and after a reconnect.
func TestAt_EventsHaveThePathsOfTheWatcher(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		base, sub := subClient(t, srv)
		ctx := inTime(t)
		_, _, forSub, err := sub.ExistsW(ctx, "/x")
		require.NoError(t, err)
		_, _, forBase, err := base.ExistsW(ctx, "/app/v1/x")
		require.NoError(t, err)
		_, _, children, err := sub.ChildrenW(ctx, "/")
		require.NoError(t, err)
		all, err := sub.Subscribe(ctx, "/", zk.Recursive())
		require.NoError(t, err)
		defer all.Close()
		require.Equal(t, "/", all.Path())
		require.Equal(t, "/app/v1", base.Stats().Subscriptions[0].Path)
		require.Equal(t, base.Stats().Subscriptions, sub.Stats().Subscriptions)

		srv.CutConnections(0)
		time.Sleep(time.Second) // the watches are restored
		require.NoError(t, srv.Create("/base/app/v1/x", nil))
		for watch, path := range map[*zk.Watch]string{forSub: "/x", forBase: "/app/v1/x", children: "/"} {
			ev, err := watch.Wait(ctx)
			require.NoError(t, err)
			require.Equal(t, path, ev.Path)
		}
		var events []string
		for ev, err := range all.Events(ctx) {
			require.NoError(t, err)
			if events = append(events, fmt.Sprint(ev.Type, ev.Path)); len(events) == 2 {
				break
			}
		}
		require.Equal(t, []string{fmt.Sprint(zk.EventResync, "/"), fmt.Sprint(zk.EventCreated, "/x")}, events)
	})
}

// A missing node at the path of a sub-client is ErrNoChroot for it, and only for it.
func TestAt_MissingNodeIsErrNoChroot(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		base := connect(t, srv)
		ctx := inTime(t)
		sub, err := base.At("/later")
		require.NoError(t, err, "it makes no request")
		p := sub.Pipeline()
		for name, err := range map[string]error{
			"create":   second(sub.Create(ctx, "/x", nil, zk.Persistent)),
			"get":      second(sub.Get(ctx, "/x/y")),
			"exists":   third(sub.Exists(ctx, "/x")),
			"pipeline": second(p.Create(ctx, "/x", nil, zk.Persistent).Wait(ctx)),
		} {
			require.ErrorIs(t, err, zk.ErrNoChroot, name)
			require.ErrorContains(t, err, "/later", name)
		}
		require.NotErrorIs(t, second(base.Get(ctx, "/later")), zk.ErrNoChroot)

		_, err = base.Create(ctx, "/later", nil, zk.Persistent)
		require.NoError(t, err)
		_, err = sub.Create(ctx, "/x", nil, zk.Persistent)
		require.NoError(t, err)
		require.NotErrorIs(t, second(sub.Get(ctx, "/none")), zk.ErrNoChroot)
	})
}

func second[A any](_ A, err error) error { return err }

func third[A, B any](_ A, _ B, err error) error { return err }

// Close of a sub-client does nothing. Close of its client closes all.
func TestAt_OnlyTheConnectedClientCloses(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app", nil))
		base := clienttest.Open(t, srv)
		ctx := inTime(t)
		sub, err := base.At("/app")
		require.NoError(t, err)
		same, err := base.At("/")
		require.NoError(t, err)
		require.NoError(t, sub.Close(ctx))
		require.NoError(t, same.Close(ctx))
		require.NoError(t, base.Sync(ctx, "/"))
		require.NoError(t, sub.Sync(ctx, "/"))

		companion := accompany(sub, 1, nil)
		require.NotSame(t, companion, accompany(base, 1, nil), "it would have other paths")
		again, err := base.At("/app")
		require.NoError(t, err)
		require.Same(t, companion, accompany(again, 1, nil))
		require.Same(t, accompany(base, 1, nil), accompany(same, 1, nil))

		require.NoError(t, base.Close(ctx))
		require.Equal(t, []string{"closing", "finish"}, companion.noted())
		require.ErrorIs(t, sub.Sync(ctx, "/"), zk.ErrClosed)
		require.Equal(t, zk.StateClosed, sub.State())
		require.NoError(t, sub.Close(ctx))
		require.Empty(t, srv.Sessions())
	})
}

// An op that is bound to a sub-client runs in each one with its chroot, and in no other.
func TestAt_BoundOpsKnowTheirChroot(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		base, sub := subClient(t, srv)
		ctx := inTime(t)
		op := sub.Bind(zk.CheckOp("/", zk.AnyVersion), nil)
		_, err := sub.Multi(ctx, op)
		require.NoError(t, err)
		twin, err := base.At("/app/v1")
		require.NoError(t, err)
		_, err = twin.Multi(ctx, op)
		require.NoError(t, err)
		_, err = base.Multi(ctx, op)
		require.ErrorIs(t, err, zk.ErrForeignOp)
		_, err = connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/base/app/v1" }).Multi(ctx, op)
		require.ErrorIs(t, err, zk.ErrForeignOp)
	})
}

// Config and the printed form of a sub-client have its chroot.
func TestAt_ConfigHasTheChroot(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		base, sub := subClient(t, srv)
		require.Equal(t, srv.ConnectString()+"/base", base.Config().Servers)
		require.Equal(t, srv.ConnectString()+"/base/app/v1", sub.Config().Servers)
		require.Equal(t, fmt.Sprint(base)+"/app/v1", fmt.Sprint(sub))
		for _, path := range []string{"", "app", "/app/", "/a//b", "/../x", "/\x00"} {
			_, err := base.At(path)
			require.ErrorIs(t, err, zk.ErrInvalidPath, "%q", path)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		}
	})
}

// pathsSeen is a hook that notes the paths of requests and events.
type pathsSeen struct {
	mu    sync.Mutex
	paths []string
}

func (h *pathsSeen) note(what, path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paths = append(h.paths, what+" "+path)
}

func (h *pathsSeen) OnRequestWritten(r zk.RequestWritten) { h.note(r.Op, r.Path) }
func (h *pathsSeen) OnWatchFired(w zk.WatchFired)         { h.note("fired", w.Path) }

// Hooks belong to the connected client and see its paths, whichever client calls.
func TestAt_HooksSeeThePathsOfTheConnectedClient(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		seen := &pathsSeen{}
		_, sub := subClient(t, srv, func(cfg *zk.Config) { cfg.Hooks = []zk.Hook{seen} })
		ctx := inTime(t)
		_, _, _, err := sub.ExistsW(ctx, "/x")
		require.NoError(t, err)
		_, err = sub.Create(ctx, "/x", nil, zk.Persistent)
		require.NoError(t, err)
		_, err = sub.WhoAmI(ctx)
		require.NoError(t, err)
		_, err = sub.Pipeline().Get(ctx, "/").Wait(ctx)
		require.NoError(t, err)
		_, err = sub.EnsembleConfig(ctx)
		require.NoError(t, err)
		synctest.Wait()
		seen.mu.Lock()
		defer seen.mu.Unlock()
		require.Equal(t, []string{
			"exists /", "exists /app/v1/x", "exists /app/v1", "create /app/v1/x", "fired /app/v1/x", "whoAmI ", "get /app/v1", "get /zookeeper/config",
		}, seen.paths)
	})
}
