package protect_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// Deletes are pipelined. When a thousand waiters give up at once, their nodes are
// deleted in far less than a round trip each.
func TestAbandon_ManyAreDeletedSideBySide(t *testing.T) {
	for _, tt := range []struct {
		nodes   int
		trip    time.Duration
		mostFor time.Duration
	}{
		{1000, 2 * time.Millisecond, 50 * time.Millisecond},
		{2000, 20 * time.Millisecond, time.Second},
	} {
		t.Run(fmt.Sprintf("%d nodes at %v", tt.nodes, tt.trip), func(t *testing.T) {
			clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := clienttest.Connect(t, srv)
				require.NoError(t, srv.Create("/dir", nil))
				p, paths := c.Pipeline(), make([]string, tt.nodes)
				for i := range paths {
					paths[i] = fmt.Sprintf("/dir/n-%04d", i)
					p.Create(t.Context(), paths[i], nil, zk.Ephemeral)
				}
				require.NoError(t, c.Sync(t.Context(), "/"))
				require.Len(t, srv.Children("/dir"), tt.nodes)
				srv.Delay(1, tt.trip)
				start := time.Now()
				for _, path := range paths {
					protect.Abandon(c, c.Session(), path)
				}
				for len(srv.Children("/dir")) > 0 {
					time.Sleep(time.Millisecond)
				}
				took := time.Since(start)
				t.Logf("%d nodes at %v a round trip: gone after %v", tt.nodes, tt.trip, took)
				require.LessOrEqual(t, took, tt.mostFor)
				srv.Delay(1, 0)
			})
		})
	}
}

// Nodes that cannot be deleted delay no others, least of all an ephemeral one, for
// whose end other clients wait. Many of them cost no more requests than a few.
func TestAbandon_WhatCannotBeDeletedDelaysNothing(t *testing.T) {
	for _, stuck := range []int{10, 2000} {
		t.Run(fmt.Sprint(stuck), func(t *testing.T) {
			clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := clienttest.Connect(t, srv)
				require.NoError(t, srv.Create("/dir", nil))
				var refused atomic.Int64
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == "delete" && r.Path[:6] == "/stuck" {
						refused.Add(1)
						return zktest.Fail(int32(zk.ErrNoAuth))
					}
					return zktest.Pass
				})
				for i := range stuck {
					protect.Abandon(c, nil, fmt.Sprintf("/stuck-%d", i))
				}
				for i := range 20 { // new ones now and then, between the tries of the stuck ones
					time.Sleep(time.Duration(i%7+1) * 900 * time.Millisecond)
					made, err := c.Create(t.Context(), "/dir/e-", nil, zk.EphemeralSequential)
					require.NoError(t, err)
					other, err := c.Create(t.Context(), "/dir/p-", nil, zk.PersistentSequential)
					require.NoError(t, err)
					srv.Delay(1, 10*time.Millisecond)
					protect.Abandon(c, nil, other.Path)
					protect.Abandon(c, c.Session(), made.Path)
					start := time.Now()
					for srv.Exists(made.Path) || srv.Exists(other.Path) {
						time.Sleep(time.Millisecond)
						require.Less(t, time.Since(start), 50*time.Millisecond)
					}
					srv.Delay(1, 0)
				}
				time.Sleep(5 * time.Minute)
				refused.Store(0)
				time.Sleep(time.Minute)
				t.Logf("%d nodes that cannot be deleted: %d requests a minute", stuck, refused.Load())
				require.Positive(t, refused.Load(), "they are not forgotten")
				require.Less(t, refused.Load(), int64(60*50), "requests in a minute")
				srv.OnRequest(nil)
				time.Sleep(20 * time.Minute)
			})
		})
	}
}

// The janitor leaves most of the room to users, also while no reply comes.
func TestAbandon_TakesAnEighthOfTheRoom(t *testing.T) {
	for room, most := range map[int]int{1: 1, 32: 4, 320: 40, 4096: 128} {
		t.Run(fmt.Sprint(room), func(t *testing.T) {
			clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.MaxInFlight = room })
				srv.SilenceReplies(1, true)
				var asked atomic.Int64
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == "delete" {
						asked.Add(1)
					}
					return zktest.Pass
				})
				for i := range 300 {
					protect.Abandon(c, c.Session(), fmt.Sprintf("/e-%d", i))
					protect.Abandon(c, nil, fmt.Sprintf("/p-%d", i))
				}
				synctest.Wait()
				require.EqualValues(t, most, asked.Load())
				srv.SilenceReplies(1, false)
				time.Sleep(time.Minute)
				require.EqualValues(t, 600, asked.Load())
			})
		})
	}
}
