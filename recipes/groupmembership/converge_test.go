package groupmembership_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// oneReply makes f the fate of the first request of an op.
func oneReply(srv *zktest.Server, op string, v zktest.Verdict) {
	var once sync.Once
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		out := zktest.Pass
		if r.Op == op {
			once.Do(func() { out = v })
		}
		return out
	})
}

// failures: 91, 94, 96, 99: members come, change, go and lose their sessions,
// replies are lost, connections cut, servers silent. After each time of quiet every
// view is what the members have acknowledged, and what the server has.
func TestGroup_ViewsConverge(t *testing.T) {
	for _, old := range []bool{false, true} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("old=%v/%d", old, seed), func(t *testing.T) {
				cfg := zktest.Config{Servers: 2, DisableWatchAndContainer: old}
				inBubble(t, cfg, func(t *testing.T, srv *zktest.Server) { converge(t, srv, seed) })
			})
		}
	}
}

func converge(t *testing.T, srv *zktest.Server, seed uint64) {
	const people, rounds = 5, 15
	rnd := rand.New(rand.NewPCG(seed, 99))
	clients := make([]*zk.Client, people)
	groups := make([]*groupmembership.Group, people)
	eyes := make([]*eye, people)
	for i := range people {
		clients[i] = connect(t, srv)
		groups[i] = groupmembership.New(clients[i], "/g", groupmembership.Config{})
		eyes[i] = watch(t, groups[i])
	}
	srv.Delay(0, time.Millisecond)
	here := map[string]*groupmembership.Membership{}
	want := dict{}
	snapshots := 0
	for round := range rounds {
		var faults sync.WaitGroup
		quiet := make(chan struct{})
		faultsRnd := rand.New(rand.NewPCG(seed, uint64(round)))
		faults.Go(func() { disturb(srv, faultsRnd, quiet) })
		for range 20 {
			time.Sleep(time.Duration(rnd.IntN(40)) * time.Millisecond)
			who := rnd.IntN(people)
			id := strconv.Itoa(who)
			m := here[id]
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			switch {
			case m == nil:
				var err error
				m, err = groups[who].Join(ctx, id, []byte("new"))
				require.NoError(t, err)
				here[id], want[id] = m, "new"
			case rnd.IntN(3) == 0:
				// It may not know in its time, or be refused, but nothing may stay.
				_ = m.Leave(ctx)
				delete(here, id)
				delete(want, id)
			default:
				want[id] = fmt.Sprint(round, rnd.IntN(1000))
				require.NoError(t, m.Update(ctx, []byte(want[id])))
			}
			cancel()
		}
		close(quiet)
		faults.Wait()
		srv.OnRequest(nil)
		time.Sleep(2 * time.Minute)
		for i, e := range eyes {
			snapshots += e.drain()
			require.False(t, e.last.Stale)
			require.Equal(t, want, names(e.last.Members()), "watch of %d in round %d", i, round)
		}
		require.Equal(t, want, members(t, groups[0]))
		for id, m := range here {
			require.NoError(t, m.Context().Err())
			require.Equal(t, m.Status().Session.ID(), srv.Owner("/g/"+id))
		}
	}
	t.Logf("%d snapshots", snapshots)
	require.Greater(t, snapshots, people*rounds)
	for _, m := range here {
		require.NoError(t, m.Leave(t.Context()))
	}
	for _, e := range eyes {
		require.ErrorIs(t, e.end(), context.Canceled)
	}
}

// disturb causes faults until quiet is closed, and heals them.
func disturb(srv *zktest.Server, rnd *rand.Rand, quiet <-chan struct{}) {
	var left, fate atomic.Int64
	fates := []zktest.Verdict{
		zktest.DropReplyAndCut, zktest.CutBefore, zktest.Hang,
		zktest.Fail(int32(zk.ErrThrottled)), zktest.Fail(int32(zk.ErrSystemError)),
	}
	srv.OnRequest(func(zktest.Request) zktest.Verdict {
		if left.Add(-1) == 0 {
			return fates[fate.Load()]
		}
		return zktest.Pass
	})
	for {
		select {
		case <-quiet:
			return
		case <-time.After(time.Duration(rnd.IntN(300)) * time.Millisecond):
		}
		server := 1 + rnd.IntN(2)
		switch rnd.IntN(6) {
		case 0:
			srv.CutConnections(server)
		case 1:
			if ids := srv.Sessions(); len(ids) > 0 {
				_ = srv.ExpireSession(ids[rnd.IntN(len(ids))])
			}
		case 2:
			srv.Silence(server, true)
			time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
			srv.Silence(server, false)
		case 3:
			srv.CutFromLeader(2, true)
			time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
			srv.CutFromLeader(2, false)
		default:
			fate.Store(int64(rnd.IntN(len(fates))))
			left.Store(int64(1 + rnd.IntN(8)))
		}
	}
}

// A large group is read a window at a time, and watched with one watch; a change
// costs one read, not all.
func TestWatch_LargeGroup(t *testing.T) {
	inBubble(t, zktest.Config{}, func(t *testing.T, srv *zktest.Server) {
		const size = 3000
		c := connect(t, srv)
		require.NoError(t, srv.Create("/g", nil))
		pipe := c.Pipeline()
		for i := range size {
			_, err := pipe.Create(t.Context(), fmt.Sprintf("/g/m%05d", i), []byte("1"), zk.Ephemeral).Wait(t.Context())
			require.NoError(t, err)
		}
		watcher := group(t, srv)
		before := srv.Requests()
		e := watch(t, watcher)
		require.Equal(t, size, e.next().Len())
		require.Less(t, srv.Requests()-before, int64(size+10))
		require.LessOrEqual(t, srv.Watches(), 2, "one persistent watch, in both tables of the server")
		synctest.Wait()

		before = srv.Requests()
		require.NoError(t, srv.Set("/g/m00007", []byte("2")))
		require.Equal(t, dict{"m00007": "2"}, names(e.next().Changed))
		require.Less(t, srv.Requests()-before, int64(5))
		for i := range size {
			require.NoError(t, srv.Delete(fmt.Sprintf("/g/m%05d", i)))
		}
		for e.last.Len() > 0 {
			e.next()
		}
		require.ErrorIs(t, e.end(), context.Canceled)
	})
}
