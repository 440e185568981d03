package zk_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 29: a read that shows a change returns after the event of that change,
// for every kind of watch, with one reader and with many.
func TestWatch_EventIsVisibleBeforeTheReadThatShowsTheChange(t *testing.T) {
	kinds := map[string]func(t *testing.T, c *zk.Client, path string) (told func() bool, stop func()){
		"data": func(t *testing.T, c *zk.Client, path string) (func() bool, func()) {
			_, w, err := c.GetW(t.Context(), path)
			require.NoError(t, err)
			return w.Fired, w.Stop
		},
		"exists": func(t *testing.T, c *zk.Client, path string) (func() bool, func()) {
			_, _, w, err := c.ExistsW(t.Context(), path)
			require.NoError(t, err)
			return func() bool {
				select {
				case <-w.C():
					return true
				default:
					return false
				}
			}, w.Stop
		},
		"child": func(t *testing.T, c *zk.Client, path string) (func() bool, func()) {
			_, _, w, err := c.ChildrenW(t.Context(), path)
			require.NoError(t, err)
			return w.Fired, w.Stop
		},
		"persistent": func(t *testing.T, c *zk.Client, path string) (func() bool, func()) {
			sub := subscribe(t, c, path)
			return func() bool { return len(waiting(t, sub)) > 0 }, func() { sub.Close() }
		},
		"recursive": func(t *testing.T, c *zk.Client, path string) (func() bool, func()) {
			sub := subscribe(t, c, zk.Parent(path), zk.Recursive())
			return func() bool { return len(waiting(t, sub)) > 0 }, func() { sub.Close() }
		},
	}
	for kind, set := range kinds {
		for _, others := range []int{0, 3} {
			t.Run(kind+" beside "+strconv.Itoa(others), func(t *testing.T) {
				t.Parallel()
				srv := zktest.Start(t, zktest.Config{})
				c := watching(t, srv)
				require.NoError(t, srv.Create("/dir/n", nil))
				stop := make(chan struct{})
				done := make(chan struct{}, others)
				for range others {
					go func() {
						defer func() { done <- struct{}{} }()
						for {
							select {
							case <-stop:
								return
							default:
								_, _ = c.Get(t.Context(), "/dir/n")
								runtime.Gosched()
							}
						}
					}()
				}
				for i := range 1500 {
					told, forget := set(t, c, "/dir/n")
					changed := make(chan error, 1)
					go func() { // as another client
						if kind == "child" {
							changed <- srv.Create("/dir/n/"+strconv.Itoa(i), nil)
						} else {
							changed <- srv.Set("/dir/n", []byte(strconv.Itoa(i)))
						}
					}()
					for seen := false; !seen; runtime.Gosched() { // on one processor the writer needs a turn
						n, err := c.Get(t.Context(), "/dir/n")
						require.NoError(t, err)
						seen = string(n.Data) == strconv.Itoa(i) || kind == "child" && int(n.Stat.NumChildren) == i+1
					}
					require.True(t, told(), "round %d", i)
					require.NoError(t, <-changed)
					forget()
				}
				close(stop)
				for range others {
					<-done
				}
			})
		}
	}
}

// FiredBefore shows which of two changes came first, also when both watches have
// fired. A watch that was stopped or has not fired came before none.
func TestWatch_FiredBefore(t *testing.T) {
	onBothVersions(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		set := func(path string) *zk.Watch {
			_, _, w, err := c.ExistsW(t.Context(), path)
			require.NoError(t, err)
			t.Cleanup(w.Stop)
			return w
		}
		a, b, pending, stopped := set("/a"), set("/b"), set("/c"), set("/d")
		require.False(t, a.FiredBefore(pending))
		require.False(t, a.FiredBefore(a))
		stopped.Stop()
		require.NoError(t, srv.Create("/b", nil))
		require.NoError(t, srv.Create("/a", nil))
		require.NoError(t, c.Sync(t.Context(), "/"))
		late := set("/e")
		late.Stop()
		for _, one := range []struct {
			w, v *zk.Watch
			want bool
		}{
			{b, a, true},
			{a, b, false},
			{a, a, false},
			{a, pending, true},
			{pending, a, false},
			{a, stopped, false},
			{stopped, a, false},
			{a, late, true},
			{late, pending, false},
		} {
			require.Equal(t, one.want, one.w.FiredBefore(one.v))
		}
	})
}
