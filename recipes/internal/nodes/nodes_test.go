package nodes_test

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/internal/nodes"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// fill creates nodes 0 to n-1 below /d, and returns their paths.
func fill(t *testing.T, srv *zktest.Server, n int) (paths []string) {
	t.Helper()
	require.NoError(t, srv.Create("/d", nil))
	for i := range n {
		paths = append(paths, "/d/"+strconv.Itoa(i))
		require.NoError(t, srv.Create(paths[i], []byte(strconv.Itoa(i))))
	}
	return paths
}

// Read returns what is there, in the order of the paths: not what is gone, and what it
// may not read with the reason.
func TestRead_GoneAndUnreadableNodes(t *testing.T) {
	for name, hidden := range map[string]bool{"Stat": false, "no Stat": true} {
		t.Run(name, func(t *testing.T) {
			clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				paths := fill(t, srv, 10)
				slices.Reverse(paths)
				c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.MaxReplySize = 1000 })
				require.NoError(t, srv.Set("/d/5", make([]byte, 2000)))
				require.NoError(t, srv.Delete("/d/7"))
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Path == "/d/3" && (r.Op == "get" || hidden) {
						return zktest.Fail(int32(zk.ErrNoAuth))
					}
					return zktest.Pass
				})
				got, err := nodes.Read(t.Context(), c, paths, 4)
				require.NoError(t, err)
				require.Len(t, got, 9)
				for i, n := range got {
					switch want := []string{"9", "8", "6", "5", "4", "3", "2", "1", "0"}[i]; want {
					case "3":
						require.ErrorIs(t, n.Err, zk.ErrNoAuth)
						require.Equal(t, hidden, n.Stat.Czxid == 0)
					case "5":
						require.ErrorIs(t, n.Err, zk.ErrReplyTooLarge)
						require.NotZero(t, n.Stat.Czxid)
						require.Empty(t, n.Data)
					default:
						require.NoError(t, n.Err)
						require.Equal(t, "/d/"+want, n.Path)
						require.Equal(t, want, string(n.Data))
					}
				}
			})
		})
	}
}

// A reply that is too large breaks the pipeline. The reads behind it that wait for room
// in the client are not sent. They are read all the same.
func TestRead_BehindATooLargeNode(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		paths := fill(t, srv, 20)
		require.NoError(t, srv.Set("/d/3", make([]byte, 2000)))
		c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.MaxReplySize, cfg.MaxInFlight = 1000, 4 })
		got, err := nodes.Read(t.Context(), c, paths, nodes.Window)
		require.NoError(t, err)
		require.Len(t, got, 20)
		for i, n := range got {
			if i == 3 {
				require.ErrorIs(t, n.Err, zk.ErrReplyTooLarge)
				continue
			}
			require.NoError(t, n.Err, n.Path)
			require.Equal(t, strconv.Itoa(i), string(n.Data))
		}
	})
}

// A node that goes between its refused read and the look at its Stat is gone.
func TestRead_UnreadableNodeThatGoes(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		paths := fill(t, srv, 1)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			switch r.Op {
			case "get":
				return zktest.Fail(int32(zk.ErrNoAuth))
			case "exists":
				_ = srv.Delete(r.Path)
			}
			return zktest.Pass
		})
		got, err := nodes.Read(t.Context(), clienttest.Connect(t, srv), paths, nodes.Window)
		require.NoError(t, err)
		require.Empty(t, got)
	})
}

// What a pipeline loses with its connection, and what a server throttles, is read again.
func TestRead_IsRepeatedAfterALoss(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		paths := fill(t, srv, 200)
		c := clienttest.Connect(t, srv)
		var gets atomic.Int32
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op != "get" {
				return zktest.Pass
			}
			switch gets.Add(1) {
			case 30, 100:
				return zktest.CutBefore
			case 150:
				return zktest.Fail(int32(zk.ErrThrottled))
			}
			return zktest.Pass
		})
		got, err := nodes.Read(t.Context(), c, paths, 50)
		require.NoError(t, err)
		for i, n := range got {
			require.Equal(t, strconv.Itoa(i), string(n.Data))
		}
		require.Len(t, got, 200)
	})
}

// Read fails as a whole when its context ends.
func TestRead_ContextEnds(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		paths := fill(t, srv, 3)
		c := clienttest.Connect(t, srv)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Path == "/d/2" {
				return zktest.Hang
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got, err := nodes.Read(ctx, c, paths, nodes.Window)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Nil(t, got)
	})
}
