package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// desk records which worker works on which item.
type desk struct {
	t  *testing.T
	mu sync.Mutex // guards the fields below
	at map[int]*lock.Held
	// the highest token that has worked on each item, and how often it was worked on
	token map[int]int64
	done  map[int]int
}

func (d *desk) begin(item int, h *lock.Held) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if other := d.at[item]; other != nil && other.Context().Err() == nil && h.Context().Err() == nil {
		d.t.Errorf("item %d is worked on by %s and by %s", item, other.Path(), h.Path())
	}
	if h.Token() <= d.token[item] {
		d.t.Errorf("item %d: token %d after %d", item, h.Token(), d.token[item])
	}
	d.at[item], d.token[item] = h, h.Token()
	d.done[item]++
}

// failures: 104: five workers share out fifty items, each under its lock, while
// connections and whole servers are lost at random. The claims of two workers on one
// item never overlap. The counter of an item, which its holder writes, is never
// written with a lower token after a higher one.
func TestRecipes_ItemsAreNeverWorkedOnTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers, items = 5, 50
		srv := zktest.Start(t, zktest.Config{Servers: 3, SyncLimit: 1000})
		d := &desk{t: t, at: map[int]*lock.Held{}, token: map[int]int64{}, done: map[int]int{}}
		require.NoError(t, srv.Create("/counters", nil))
		for i := range items {
			require.NoError(t, srv.Create("/counters/"+strconv.Itoa(i), []byte("0")))
		}
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
		defer stop()
		var work sync.WaitGroup
		wires := make([]*wire, workers)
		for w := range workers {
			wires[w] = &wire{srv: srv}
			c := srv.Client(t, func(cfg *zk.Config) { cfg.DialContext = wires[w].dial })
			rnd := rand.New(rand.NewPCG(7, uint64(w)))
			work.Go(func() {
				for ctx.Err() == nil {
					item := rnd.IntN(items)
					err := lock.New(c, fmt.Sprint("/items/", item), lock.Config{}).Do(ctx, func(ctx context.Context, h *lock.Held) error {
						d.begin(item, h)
						took := time.Duration(rnd.IntN(100)) * time.Millisecond
						if rnd.IntN(10) == 0 {
							took *= 100
						}
						pauseFor(ctx, took)
						return d.count(ctx, c, item, h)
					})
					if err != nil && ctx.Err() == nil && !errors.Is(err, lock.ErrLost) && zk.OutcomeOf(err) == zk.OutcomeRejected {
						t.Errorf("item %d: %v", item, err)
					}
				}
			})
		}
		rnd := rand.New(rand.NewPCG(7, 99))
		faults := 0
		for ; ctx.Err() == nil; faults++ {
			server := 1 + rnd.IntN(3)
			lasts := time.Duration(rnd.IntN(12)) * time.Second
			switch rnd.IntN(8) {
			case 0:
				srv.CutConnections(server)
			case 1:
				srv.Silence(server, true)
				pauseFor(ctx, lasts)
				srv.Silence(server, false)
			case 2:
				srv.CutFromLeader(server, true)
				pauseFor(ctx, lasts)
				srv.CutFromLeader(server, false)
			case 3:
				srv.Down(server, true)
				pauseFor(ctx, lasts)
				srv.Down(server, false)
			default: // cut a worker off, most likely for longer than its session lives
				w := wires[rnd.IntN(workers)]
				w.cut(true)
				pauseFor(ctx, lasts)
				w.cut(false)
			}
			pauseFor(ctx, time.Second)
		}
		work.Wait()
		done := 0
		for _, n := range d.done {
			done += n
		}
		t.Logf("%d times an item was worked on, under %d faults", done, faults)
		require.Greater(t, done, 500)
		require.Greater(t, len(d.done), items/2)
		time.Sleep(time.Minute)
		for i := range items {
			require.Empty(t, srv.Children(fmt.Sprint("/items/", i)))
		}
	})
}

// wire is one client's connection to the servers.
type wire struct {
	srv *zktest.Server

	mu    sync.Mutex // guards the fields below
	gone  bool
	conns []net.Conn
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return nil, errors.New("no route")
	}
	nc, err := w.srv.DialContext(ctx, network, addr)
	if err == nil {
		w.conns = append(w.conns, nc)
	}
	return nc, err
}

func (w *wire) cut(gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone = gone; gone {
		for _, nc := range w.conns {
			nc.Close()
		}
		w.conns = nil
	}
}

// count writes our token to the item's counter, if we still hold it, and fails
// the test if a higher one was there.
func (d *desk) count(ctx context.Context, c *zk.Client, item int, h *lock.Held) error {
	path := "/counters/" + strconv.Itoa(item)
	n, err := c.Get(ctx, path)
	if err != nil {
		return err
	}
	_, err = c.Multi(ctx, h.Check(), zk.SetOp(path, strconv.AppendInt(nil, h.Token(), 10), zk.Version(n.Stat.Version)))
	if err == nil {
		if before, _ := strconv.ParseInt(string(n.Data), 10, 64); before > h.Token() {
			d.t.Errorf("item %d: %d written after %d", item, h.Token(), before)
		}
	}
	if errors.Is(err, zk.ErrBadVersion) {
		return nil // a later holder has counted it in the meantime
	}
	return err
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
