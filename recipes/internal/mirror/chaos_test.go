package mirror_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/chaos"
	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 102, 103: random changes in a storm of faults. While the client is not
// connected the copy says that it is stale. When the storm is over the copy is the
// truth, and follows it at once.
func TestMirror_Chaos(t *testing.T) {
	chaos.Seeds(t, 100, func(t *testing.T, rnd *rand.Rand) {
		synctest.Test(t, func(t *testing.T) { newTrial(t, rnd).run() })
	})
}

// trial is one run of a mirror in a storm.
type trial struct {
	t      *testing.T
	rnd    *rand.Rand
	srv    *zktest.Server
	c      *zk.Client
	depth  int
	storm  *chaos.Storm
	copied *replica
	writes int
	end    func()
}

func newTrial(t *testing.T, rnd *rand.Rand) *trial {
	servers, old := 1+rnd.IntN(2), rnd.IntN(3) == 0
	version := []zktest.Version{zktest.V3_9, zktest.V3_8}[rnd.IntN(2)]
	depth, parallel := 1+rnd.IntN(2), 1+rnd.IntN(4)
	t.Logf("servers=%d old=%v version=%v depth=%d parallel=%d", servers, old, version, depth, parallel)
	srv := zktest.Start(t, zktest.Config{Servers: servers, DisableWatchAndContainer: old, Version: version})
	c := srv.Client(t)
	copied, end := run(t, srv, c, mirror.Config{Root: "/s", Depth: depth, Parallel: parallel})
	return &trial{t: t, rnd: rnd, srv: srv, c: c, depth: depth, storm: chaos.New(srv, servers, rnd), copied: copied, end: end}
}

func (x *trial) run() {
	for range 5 {
		for range 80 {
			switch n := x.rnd.IntN(20); {
			case n < 12:
				x.change()
			case n < 15:
				x.storm.Step()
			case n < 16:
				op := []string{"get", "children", "exists"}[x.rnd.IntN(3)]
				x.storm.Spoil(zktest.Fail(int32(zk.ErrNoAuth)), 10, op)
			case n < 19:
				time.Sleep(time.Duration(x.rnd.IntN(100)) * time.Millisecond)
			default:
				time.Sleep(time.Duration(x.rnd.IntN(8000)) * time.Millisecond)
			}
			synctest.Wait()
			if state := x.c.State(); state != zk.StateConnected {
				_, status, _ := x.copied.now()
				require.True(x.t, status.Stale, "the client is %v", state)
			}
		}
		x.storm.Calm()
		time.Sleep(2 * time.Minute)
		x.equal()
		for range 10 {
			x.change()
			x.equal()
		}
	}
	x.end()
}

// equal checks that the copy is the truth, and says so.
func (x *trial) equal() {
	x.t.Helper()
	synctest.Wait()
	data, status, _ := x.copied.now()
	require.False(x.t, status.Stale, "%v", status.Why)
	require.Equal(x.t, truth(x.srv, "/s", x.depth), data, "watched: %v", x.srv.WatchPaths())
}

// change makes one change, or tries to: the node may be there, or not be empty. No
// data is written twice, so that every change shows.
func (x *trial) change() {
	x.writes++
	data := fmt.Append(nil, x.writes)
	dir := fmt.Sprintf("/s/%d", x.rnd.IntN(4))
	node := fmt.Sprintf("%s/%d", dir, x.rnd.IntN(4))
	switch x.rnd.IntN(16) {
	case 0, 1, 2, 3, 4:
		_ = x.srv.Create(node, data)
	case 5, 6:
		_ = x.srv.Set(node, data)
	case 7, 8, 9:
		_ = x.srv.Delete(node)
	case 10:
		_ = x.srv.Set(dir, data)
	case 11:
		_ = x.srv.Create(node+"/deeper", data)
	case 12:
		_ = x.srv.Delete(node + "/deeper")
	case 13:
		_ = x.srv.Delete(node)
		_ = x.srv.Create(node, data) // made again
	case 14:
		x.remove(dir)
	default:
		if x.rnd.IntN(4) == 0 {
			x.remove("/s")
		}
	}
}

// remove deletes a node with all that is below it.
func (x *trial) remove(path string) {
	for _, name := range x.srv.Children(path) {
		x.remove(zk.Join(path, name))
	}
	_ = x.srv.Delete(path)
}
