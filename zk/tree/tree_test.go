package tree_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/tree"
	"github.com/zookit/zookit/zktest"
)

var (
	bubble  = clienttest.Bubble
	connect = clienttest.Connect
	inTime  = clienttest.InTime
)

// plant creates nodes, and their parents, on the server.
func plant(t *testing.T, srv *zktest.Server, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if !srv.Exists(path) {
			require.NoError(t, srv.Create(path, []byte("data of "+path)))
		}
	}
}

// bush creates a tree below top in which each node of a level has width children.
func bush(t *testing.T, srv *zktest.Server, top string, width, depth int) (nodes int) {
	t.Helper()
	plant(t, srv, top)
	nodes = 1
	if depth > 0 {
		for i := range width {
			nodes += bush(t, srv, fmt.Sprintf("%s/n%d", top, i), width, depth-1)
		}
	}
	return nodes
}

// requests notes the requests of a client: how many it writes, and how many of them
// wait for a reply at a time.
type requests struct {
	mu           sync.Mutex
	written      []string
	open, atOnce int
}

func (r *requests) OnRequestWritten(w zk.RequestWritten) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written = append(r.written, w.Op+" "+w.Path)
	r.open++
	r.atOnce = max(r.atOnce, r.open)
}

func (r *requests) OnRequestAnswered(zk.RequestAnswered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open--
}

// since forgets what was noted, and returns it.
func (r *requests) since() (written []string, atOnce int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	written, atOnce = r.written, r.atOnce
	r.written, r.atOnce = nil, 0
	return written, atOnce
}

// observed returns a client whose requests are noted.
func observed(t *testing.T, srv *zktest.Server) (*zk.Client, *requests) {
	r := &requests{}
	c := connect(t, srv, func(cfg *zk.Config) { cfg.Hooks = []zk.Hook{r} })
	r.since()
	return c, r
}

// hasty is a client whose pauses are short and all of one length, for tests with many
// losses.
func hasty(cfg *zk.Config) {
	cfg.BackOff = func() backoff.BackOff { return backoff.NewConstantBackOff(10 * time.Millisecond) }
}

// everyNth returns a hook that gives verdict to every nth request of an op.
func everyNth(op string, n int, verdict zktest.Verdict) func(zktest.Request) zktest.Verdict {
	var mu sync.Mutex
	seen := 0
	return func(r zktest.Request) zktest.Verdict {
		mu.Lock()
		defer mu.Unlock()
		if r.Op == op {
			if seen++; seen%n == 0 {
				return verdict
			}
		}
		return zktest.Pass
	}
}

// Ensure costs one request when the parent exists, and one round trip more when it does
// not.
func TestEnsure_CreatesTheMissingParents(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c, seen := observed(t, srv)
		ctx := inTime(t)
		require.NoError(t, tree.Ensure(ctx, c, "/a/b/c", tree.Parents{}))
		written, _ := seen.since()
		require.Equal(t, []string{"create /a/b/c", "create /a", "create /a/b", "create /a/b/c"}, written)
		require.NoError(t, tree.Ensure(ctx, c, "/a/b/d", tree.Parents{Container: true, ACL: zk.WorldACL(zk.PermRead)}))
		require.NoError(t, tree.Ensure(ctx, c, "/a/b/d", tree.Parents{}))
		written, _ = seen.since()
		require.Equal(t, []string{"create /a/b/d", "create /a/b/d"}, written)
		acl, _, err := c.GetACL(ctx, "/a/b/d")
		require.NoError(t, err)
		require.Equal(t, zk.WorldACL(zk.PermRead), acl)
		plant(t, srv, "/a/b/d/child", "/a/b/c/child")
		require.NoError(t, srv.Delete("/a/b/d/child"))
		require.NoError(t, srv.Delete("/a/b/c/child"))
		srv.Reap()
		require.False(t, srv.Exists("/a/b/d"), "it was a container")
		require.True(t, srv.Exists("/a/b/c"))
		require.NoError(t, tree.Ensure(ctx, c, "/", tree.Parents{}))
		require.ErrorIs(t, tree.Ensure(ctx, c, "a", tree.Parents{}), zk.ErrInvalidPath)

		deep := strings.Repeat("/x", 200)
		require.NoError(t, tree.Ensure(ctx, c, deep, tree.Parents{}))
		require.True(t, srv.Exists(deep))
	})
}

// Ensure reaches its end although connections are lost before or after each create, and
// although the server removes the new parents.
func TestEnsure_OutlastsLossesAndDeleters(t *testing.T) {
	for name, hook := range map[string]func(srv *zktest.Server, path string) zktest.Verdict{
		"lost before": func(*zktest.Server, string) zktest.Verdict { return zktest.CutBefore },
		"lost after":  func(*zktest.Server, string) zktest.Verdict { return zktest.DropReplyAndCut },
		"throttled":   func(*zktest.Server, string) zktest.Verdict { return zktest.Fail(int32(zk.ErrThrottled)) },
		"deleted": func(srv *zktest.Server, path string) zktest.Verdict {
			_ = srv.Delete(zk.Parent(path)) // it may not exist
			return zktest.Pass
		},
	} {
		t.Run(name, func(t *testing.T) {
			for nth := 1; nth <= 4; nth++ {
				bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
					c := connect(t, srv)
					n := 0
					srv.OnRequest(func(r zktest.Request) zktest.Verdict {
						if r.Op == "create" {
							if n++; n == nth {
								return hook(srv, r.Path)
							}
						}
						return zktest.Pass
					})
					require.NoError(t, tree.Ensure(inTime(t), c, "/a/b/c", tree.Parents{}))
					require.True(t, srv.Exists("/a/b/c"))
				})
			}
		})
	}
}

// What cannot succeed is said at once.
func TestEnsure_RefusalsEndIt(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		base := connect(t, srv)
		ctx := inTime(t)
		sub, err := base.At("/none")
		require.NoError(t, err)
		require.ErrorIs(t, tree.Ensure(ctx, sub, "/a/b", tree.Parents{}), zk.ErrNoChroot)
		require.ErrorIs(t, tree.Ensure(ctx, sub, "/", tree.Parents{}), zk.ErrNoChroot)

		_, err = base.Create(ctx, "/e", nil, zk.Ephemeral)
		require.NoError(t, err)
		require.ErrorIs(t, tree.Ensure(ctx, base, "/e/a/b", tree.Parents{}), zk.ErrNoChildrenForEphemerals)

		_, err = base.Create(ctx, "/closed", nil, zk.Persistent)
		require.NoError(t, err)
		_, err = base.Create(ctx, "/closed/open", nil, zk.Persistent)
		require.NoError(t, err)
		_, err = base.SetACL(ctx, "/closed", zk.WorldACL(zk.PermRead), zk.AnyVersion)
		require.NoError(t, err)
		require.ErrorIs(t, tree.Ensure(ctx, base, "/closed/a/b", tree.Parents{}), zk.ErrNoAuth)
		require.NoError(t, tree.Ensure(ctx, base, "/closed/open/a/b", tree.Parents{}), "it exists, and that is enough")
	})
}

// Create creates the parents, and the node once.
func TestCreate_WithParents(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c, seen := observed(t, srv)
		ctx := inTime(t)
		made, err := tree.Create(ctx, c, "/q/jobs/j-", []byte("x"), zk.EphemeralSequential, tree.Parents{Container: true})
		require.NoError(t, err)
		require.Equal(t, "/q/jobs/j-0000000000", made.Path)
		written, _ := seen.since()
		require.Equal(t, []string{
			"create /q/jobs/j-", "create /q/jobs", "create /q", "create /q/jobs", "create /q/jobs/j-",
		}, written)
		_, err = tree.Create(ctx, c, "/q", nil, zk.Persistent, tree.Parents{})
		require.ErrorIs(t, err, zk.ErrNodeExists)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))

		n := 0
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Path == "/lost/a" {
				if n++; n == 2 {
					return zktest.DropReplyAndCut
				}
			}
			return zktest.Pass
		})
		_, err = tree.Create(ctx, c, "/lost/a", nil, zk.Persistent, tree.Parents{})
		require.ErrorIs(t, err, zk.ErrConnectionLoss)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		require.Equal(t, 2, n, "it is not repeated")
	})
}

// A leaf costs one request. Everything is deleted, children first, with a bounded number
// of requests on the way.
func TestDelete_WholeTree(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		nodes := bush(t, srv, "/t", 8, 3)
		plant(t, srv, "/t2")
		c, seen := observed(t, srv)
		srv.Delay(1, time.Millisecond) // no reply comes while more requests can be sent
		ctx := inTime(t)

		var would, was []string
		n, err := tree.Delete(ctx, c, "/t", tree.DeleteConfig{Dry: true, OnNode: func(path string) { would = append(would, path) }})
		require.NoError(t, err)
		require.Equal(t, nodes, n)
		require.True(t, srv.Exists("/t/n0/n0/n0"))
		seen.since()

		n, err = tree.Delete(ctx, c, "/t", tree.DeleteConfig{InFlight: 20, OnNode: func(path string) { was = append(was, path) }})
		require.NoError(t, err)
		require.Equal(t, nodes, n)
		require.ElementsMatch(t, would, was)
		for i, path := range was {
			require.NotContains(t, was[i:], zk.Parent(zk.Parent(path))+"/none")
			require.Greater(t, slices.Index(append(was, zk.Parent(path)), zk.Parent(path)), i, "children first: %s", path)
		}
		written, atOnce := seen.since()
		inner := 1 + 8 + 64
		require.Len(t, written, nodes+2*inner)
		require.Equal(t, 20, atOnce)
		require.False(t, srv.Exists("/t"))
		require.True(t, srv.Exists("/t2"))

		_, err = tree.Delete(ctx, c, "/t", tree.DeleteConfig{})
		require.ErrorIs(t, err, zk.ErrNoNode)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		_, err = tree.Delete(ctx, c, "t", tree.DeleteConfig{})
		require.ErrorIs(t, err, zk.ErrInvalidPath)
	})
}

func TestDelete_KeepsTheTop(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		plant(t, srv, "/t/a/b", "/t/c", "/u")
		c := connect(t, srv)
		ctx := inTime(t)
		for _, want := range []int{3, 0} {
			n, err := tree.Delete(ctx, c, "/t", tree.DeleteConfig{KeepTop: true, Dry: true})
			require.NoError(t, err)
			require.Equal(t, want, n)
			n, err = tree.Delete(ctx, c, "/t", tree.DeleteConfig{KeepTop: true})
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		_, err := tree.Delete(ctx, c, "/", tree.DeleteConfig{})
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.True(t, srv.Exists("/u"))
		n, err := tree.Delete(ctx, c, "/", tree.DeleteConfig{KeepTop: true})
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Equal(t, []string{"zookeeper"}, srv.Children("/"))
	})
}

// Connections are lost before and after deletes and lists, and the session expires.
// Delete reaches its end.
func TestDelete_OutlastsLosses(t *testing.T) {
	for name, hook := range map[string]func(zktest.Request) zktest.Verdict{
		"delete lost before": everyNth("delete", 41, zktest.CutBefore),
		"delete lost after":  everyNth("delete", 41, zktest.DropReplyAndCut),
		"list lost":          everyNth("children", 13, zktest.CutBefore),
		"throttled":          everyNth("delete", 17, zktest.Fail(int32(zk.ErrThrottled))),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				nodes := bush(t, srv, "/t", 6, 3)
				c := connect(t, srv, hasty)
				srv.OnRequest(hook)
				n, err := tree.Delete(inTime(t), c, "/t", tree.DeleteConfig{})
				require.NoError(t, err)
				require.LessOrEqual(t, n, nodes)
				require.False(t, srv.Exists("/t"))
			})
		})
	}
}

// Another client creates children while Delete deletes. Delete begins again, and gives
// up after a bounded number of rounds.
func TestDelete_CreatesThatRaceWithIt(t *testing.T) {
	for _, rounds := range []int{3, 1000} {
		t.Run(fmt.Sprint(rounds), func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				plant(t, srv, "/t/a/b")
				c, seen := observed(t, srv)
				n := 0
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == "delete" && r.Path == "/t/a" && n < rounds {
						n++
						if err := srv.Create(fmt.Sprintf("/t/a/new-%d", n), nil); err != nil {
							panic(err)
						}
					}
					return zktest.Pass
				})
				deleted, err := tree.Delete(inTime(t), c, "/t", tree.DeleteConfig{})
				if rounds == 3 {
					require.NoError(t, err)
					require.Equal(t, 6, deleted)
					return
				}
				require.ErrorIs(t, err, zk.ErrNotEmpty)
				require.ErrorContains(t, err, "/t/a")
				require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err), "a part is gone")
				written, _ := seen.since()
				require.Less(t, len(written), 70)
				require.True(t, srv.Exists("/t/a"))
			})
		})
	}
}

// Delete stops at a node that it may not delete, and says which one it is.
func TestDelete_StopsAtARefusal(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		plant(t, srv, "/t/a/b/c")
		c := connect(t, srv)
		ctx := inTime(t)
		_, err := c.SetACL(ctx, "/t/a/b", zk.WorldACL(zk.PermRead), zk.AnyVersion)
		require.NoError(t, err)
		n, err := tree.Delete(ctx, c, "/t", tree.DeleteConfig{})
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.ErrorContains(t, err, "/t/a/b/c")
		require.Zero(t, n)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
	})
}

// walked returns what a walk yields.
func walked(t *testing.T, c *zk.Client, path string, cfg tree.WalkConfig) (paths []string) {
	t.Helper()
	for e, err := range tree.Walk(inTime(t), c, path, cfg) {
		require.NoError(t, err)
		require.Equal(t, strings.Count(strings.TrimPrefix(e.Path, path), "/"), e.Depth, e.Path)
		if cfg.Data {
			require.Equal(t, "data of "+e.Path, string(e.Data))
		}
		require.NotZero(t, e.Stat.Czxid)
		paths = append(paths, e.Path)
	}
	return paths
}

func TestWalk_Orders(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		plant(t, srv, "/t/b/y", "/t/a/x/deep", "/t/a/w", "/t/c")
		c := connect(t, srv)
		for _, data := range []bool{false, true} {
			for _, limit := range []int{0, 1, 2} {
				cfg := tree.WalkConfig{Data: data, InFlight: limit}
				if data {
					for _, dir := range []string{"/t", "/t/a", "/t/b", "/t/a/x"} {
						require.NoError(t, srv.Set(dir, []byte("data of "+dir)))
					}
				}
				require.Equal(t, []string{"/t", "/t/a", "/t/a/w", "/t/a/x", "/t/a/x/deep", "/t/b", "/t/b/y", "/t/c"}, walked(t, c, "/t", cfg))
				cfg.Order = tree.ChildrenFirst
				require.Equal(t, []string{"/t/a/w", "/t/a/x/deep", "/t/a/x", "/t/a", "/t/b/y", "/t/b", "/t/c", "/t"}, walked(t, c, "/t", cfg))
				cfg.Order = tree.ByDepth
				require.Equal(t, []string{"/t", "/t/a", "/t/b", "/t/c", "/t/a/w", "/t/a/x", "/t/b/y", "/t/a/x/deep"}, walked(t, c, "/t", cfg))
				cfg.MaxDepth = 1
				require.Equal(t, []string{"/t", "/t/a", "/t/b", "/t/c"}, walked(t, c, "/t", cfg))
				cfg.Order = tree.ParentsFirst
				cfg.MaxDepth = 2
				require.Equal(t, []string{"/t", "/t/a", "/t/a/w", "/t/a/x", "/t/b", "/t/b/y", "/t/c"}, walked(t, c, "/t", cfg))
			}
		}
	})
}

// Requests are sent ahead, and not more than may be.
func TestWalk_ReadsAhead(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		nodes := bush(t, srv, "/t", 8, 3)
		c, seen := observed(t, srv)
		srv.Delay(1, time.Millisecond) // no reply comes while more requests can be sent
		for order, most := range map[tree.Order]int{tree.ParentsFirst: 8, tree.ChildrenFirst: 8, tree.ByDepth: 32} {
			seen.since()
			require.Len(t, walked(t, c, "/t", tree.WalkConfig{Order: order, InFlight: 32}), nodes)
			written, atOnce := seen.since()
			require.Len(t, written, nodes)
			require.LessOrEqual(t, atOnce, 32)
			require.GreaterOrEqual(t, atOnce, most)
		}
		for range tree.Walk(inTime(t), c, "/t", tree.WalkConfig{}) {
			break // and nothing is left behind
		}
	})
}

// A lost connection is not seen by the loop.
func TestWalk_OutlastsLosses(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		nodes := bush(t, srv, "/t", 5, 3)
		c := connect(t, srv, hasty)
		srv.OnRequest(everyNth("children", 31, zktest.CutBefore))
		for _, order := range []tree.Order{tree.ParentsFirst, tree.ChildrenFirst, tree.ByDepth} {
			require.Len(t, walked(t, c, "/t", tree.WalkConfig{Order: order}), nodes)
		}
	})
}

// A node that goes meanwhile is left out. One that the server does not show is an error,
// and the loop may go on.
func TestWalk_NodesThatCannotBeRead(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		plant(t, srv, "/t/a/x", "/t/b", "/t/c")
		c := connect(t, srv)
		ctx := inTime(t)
		_, err := c.SetACL(ctx, "/t/a", zk.WorldACL(zk.PermAdmin), zk.AnyVersion)
		require.NoError(t, err)
		for _, order := range []tree.Order{tree.ParentsFirst, tree.ChildrenFirst, tree.ByDepth} {
			plant(t, srv, "/t/b")
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Path == "/t/b" {
					_ = srv.Delete("/t/b") // it may be gone
				}
				return zktest.Pass
			})
			var seen []string
			for e, err := range tree.Walk(ctx, c, "/t", tree.WalkConfig{Order: order}) {
				if e.Path == "/t/a" {
					require.ErrorIs(t, err, zk.ErrNoAuth)
				} else {
					require.NoError(t, err)
				}
				seen = append(seen, e.Path)
			}
			require.ElementsMatch(t, []string{"/t", "/t/a", "/t/c"}, seen)
			srv.OnRequest(nil)
		}
		var errs []error
		for _, err := range tree.Walk(ctx, c, "/none", tree.WalkConfig{}) {
			errs = append(errs, err)
		}
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], zk.ErrNoNode)
	})
}
