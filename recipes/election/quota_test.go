package election_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// limitNodes makes the server enforce a hard quota of n nodes in /e. Like Apache
// ZooKeeper 3.9 it counts the nodes before a transaction, so that it also refuses a
// transaction that deletes a node. Then it refuses some more creates, as if others had
// taken the room.
func limitNodes(srv *zktest.Server, n int, more int64) {
	var refused atomic.Int64
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if !strings.HasPrefix(r.Path, "/e/") || !strings.HasSuffix(r.Path, "-latch-") { // not a candidate's create
			return zktest.Pass
		}
		full := len(srv.Children("/e")) >= n
		switch {
		case r.Op == "multi" && full, r.Op == "create" && (full || refused.Add(1) <= more):
			return zktest.Fail(int32(zk.ErrQuotaExceeded))
		}
		return zktest.Pass
	})
}

// The quota has no room for a second node while a candidate stands aside. The candidate
// leaves the queue, and joins again as soon as there is room.
func TestHandOver_AtAHardQuota(t *testing.T) {
	for _, more := range []int64{0, 3} {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			campaign := func(id string) <-chan *election.Leadership {
				e := election.New(connect(t, srv), "/e", election.Config{ID: id})
				got := make(chan *election.Leadership, 1)
				go func() {
					defer close(got)
					l, err := e.Campaign(t.Context())
					if err != nil {
						t.Errorf("the candidacy of %s has ended: %v", id, err)
						return
					}
					got <- l
				}()
				time.Sleep(time.Second)
				return got
			}
			a, b, c := campaign("a"), campaign("b"), campaign("c")
			limitNodes(srv, 2, more)
			leader := <-a
			require.NotNil(t, leader)
			require.NoError(t, leader.HandOver(t.Context(), "c"))
			next := <-c
			require.NotNil(t, next)
			time.Sleep(time.Minute)
			require.Len(t, srv.Children("/e"), 2, "b is a candidate again")
			require.NoError(t, next.Resign(t.Context()))
			last := <-b
			require.NotNil(t, last)
			require.NoError(t, last.Resign(t.Context()))
			srv.OnRequest(nil)
		})
	}
}
