package follow_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/follow"
	"github.com/zookit/zookit/zktest"
)

// followed collects the states that a follower yields, until cancel. Then it returns
// the last error.
func followed[R any](ctx context.Context, follow func(context.Context, string) func(func(*R, error) bool), path string,
	show func(*R) string,
) (seen func() []string, cancel func() error) {
	ctx, stop := context.WithCancel(ctx)
	var mu sync.Mutex
	var all []string
	ended := make(chan error, 1)
	go func() {
		var last error
		for v, err := range follow(ctx, path) {
			if last = err; err == nil {
				mu.Lock()
				all = append(all, show(v))
				mu.Unlock()
			}
		}
		ended <- last
	}()
	return func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(all) },
		func() error { stop(); return <-ended }
}

func followChildren(t testing.TB, c *zk.Client, path string) (seen func() []string, cancel func() error) {
	f := func(ctx context.Context, path string) func(func(*zk.Listing, error) bool) {
		return follow.Children(ctx, c, path)
	}
	return followed(t.Context(), f, path, func(l *zk.Listing) string {
		if l == nil {
			return "none"
		}
		slices.Sort(l.Names)
		return strconv.Itoa(len(l.Names))
	})
}

func followData(t testing.TB, c *zk.Client, path string) (seen func() []string, cancel func() error) {
	f := func(ctx context.Context, path string) func(func(*zk.Node, error) bool) {
		return follow.Data(ctx, c, path)
	}
	return followed(t.Context(), f, path, func(n *zk.Node) string {
		if n == nil {
			return "none"
		}
		return "data " + string(n.Data)
	})
}

// failures: 35: an empty list is news, and is not the same as no node.
func TestChildren_EmptyIsNotMissing(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Watching(t, srv)
		seen, cancel := followChildren(t, c, "/d")
		steps := []struct {
			do   func() error
			want string
		}{
			{func() error { return nil }, "none"},
			{func() error { return srv.Create("/d", nil) }, "0"},
			{func() error { return srv.Create("/d/1", nil) }, "1"},
			{func() error { return srv.Delete("/d/1") }, "0"},
			{func() error { return srv.Delete("/d") }, "none"},
			{func() error { return srv.Create("/d/1", nil) }, "1"},
		}
		var want []string
		for _, s := range steps {
			require.NoError(t, s.do())
			synctest.Wait()
			want = append(want, s.want)
		}
		got := seen()
		require.Equal(t, want[:5], got[:5])
		require.Equal(t, "1", got[len(got)-1])
		require.ErrorIs(t, cancel(), context.Canceled)
	})
}

func TestData_YieldsEveryStateThatStays(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Watching(t, srv)
		seen, cancel := followData(t, c, "/n")
		synctest.Wait()
		for _, s := range []string{"a", "b", "c"} {
			if !srv.Exists("/n") {
				require.NoError(t, srv.Create("/n", []byte(s)))
			} else {
				require.NoError(t, srv.Set("/n", []byte(s)))
			}
			synctest.Wait()
		}
		require.NoError(t, srv.Delete("/n"))
		synctest.Wait()
		require.Equal(t, []string{"none", "data a", "data b", "data c", "none"}, seen())
		require.ErrorIs(t, cancel(), context.Canceled)
	})
}

// When the loop over a follower is left early, its watch is removed.
func TestFollow_BreakLeavesNoWatch(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Watching(t, srv)
		for range follow.Data(clienttest.InTime(t), c, "/n") {
			break
		}
		for range follow.Children(clienttest.InTime(t), c, "/") {
			break
		}
		for _, err := range follow.Data(clienttest.InTime(t), c, "bad") {
			require.ErrorIs(t, err, zk.ErrInvalidPath)
		}
	})
}

// failures: 34: the followed parent is a container that is reaped and created again.
// The follower goes on by itself, and yields nothing while the parent is missing.
func TestChildren_ContinuesWhenAContainerIsReaped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{ReapInterval: time.Second})
		c := clienttest.Watching(t, srv)
		ctx := t.Context()
		seen, cancel := followChildren(t, c, "/svc")
		for range 3 {
			_, err := c.Create(ctx, "/svc", nil, zk.Container)
			require.NoError(t, err)
			_, err = c.Create(ctx, "/svc/1", nil, zk.Persistent)
			require.NoError(t, err)
			synctest.Wait()
			require.Equal(t, "1", last(seen()))
			require.NoError(t, c.Delete(ctx, "/svc/1", zk.AnyVersion))
			time.Sleep(5 * time.Second)
			require.False(t, srv.Exists("/svc"), "reaped")
			require.Equal(t, "none", last(seen()))
			before := srv.Requests()
			time.Sleep(30 * time.Second)
			require.Less(t, srv.Requests()-before, int64(80), "heartbeats only")
		}
		require.ErrorIs(t, cancel(), context.Canceled)
	})
}

func last(s []string) string { return s[len(s)-1] }

// failures: 24: a restore that was refused costs a follower nothing: it reads
// again.
func TestFollow_ContinuesWhenTheRestoreIsRefused(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Watching(t, srv)
		seen, cancel := followData(t, c, "/n")
		synctest.Wait()
		clienttest.OnNth(srv, "setWatches", 1, zktest.Fail(int32(zk.ErrUnimplemented)))
		srv.CutConnections(1)
		synctest.Wait()
		require.NoError(t, c.Sync(clienttest.InTime(t), "/"))
		synctest.Wait() // it watches again
		require.NoError(t, srv.Create("/n", []byte("x")))
		synctest.Wait()
		require.Equal(t, "data x", last(seen()))
		require.ErrorIs(t, cancel(), context.Canceled)
	})
}

// failures: 27, 34, 91: after all cuts and expiries a follower reaches the state on
// the server.
func TestFollow_ConvergesOverCutsAndExpiries(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			clienttest.Bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
				rnd := rand.New(rand.NewPCG(seed, 3))
				c := clienttest.Watching(t, srv)
				data, endData := followData(t, c, "/d/n")
				kids, endKids := followChildren(t, c, "/d")
				for i := range 200 {
					switch path := "/d/" + []string{"n", "m"}[rnd.IntN(2)]; rnd.IntN(6) {
					case 0:
						srv.CutConnections(1 + rnd.IntN(3))
					case 1:
						if rnd.IntN(3) == 0 && c.Session() != nil {
							_ = srv.ExpireSession(c.Session().ID())
						}
					case 2:
						_ = srv.Create(path, []byte(strconv.Itoa(i)))
					case 3:
						_ = srv.Delete(path)
						if rnd.IntN(2) == 0 {
							_ = srv.Delete("/d")
						}
					default:
						_ = srv.Set(path, []byte(strconv.Itoa(i)))
					}
					time.Sleep(time.Duration(rnd.IntN(40)) * time.Millisecond)
				}
				time.Sleep(20 * time.Second)
				want := "none"
				if b, ok := srv.Get("/d/n"); ok {
					want = "data " + string(b)
				}
				require.Equal(t, want, last(data()))
				want = "none"
				if srv.Exists("/d") {
					want = strconv.Itoa(len(srv.Children("/d")))
				}
				require.Equal(t, want, last(kids()))
				require.ErrorIs(t, endData(), context.Canceled)
				require.ErrorIs(t, endKids(), context.Canceled)
			})
		})
	}
}

// One read of a follower finds no node and the other finds it, again and again. The
// follower pauses between them.
func TestFollow_ReadsThatContradictEachOtherAreNoStorm(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(1, 10*time.Microsecond)
		c := clienttest.Connect(t, srv)
		require.NoError(t, srv.Create("/n", nil))
		reads := 0
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "get" {
				if reads++; reads < 5000 {
					return zktest.Fail(int32(zk.ErrNoNode))
				}
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		for _, err := range follow.Data(ctx, c, "/n") {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.Less(t, reads, 100)
	})
}
