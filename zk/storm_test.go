package zk_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// dialled records when a client dials, also to close its old sessions.
type dialled struct {
	mu sync.Mutex
	at []time.Time
}

func (d *dialled) on(srv *zktest.Server) func(*zk.Config) {
	return func(cfg *zk.Config) {
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			d.mu.Lock()
			d.at = append(d.at, time.Now())
			d.mu.Unlock()
			return srv.DialContext(ctx, network, addr)
		}
	}
}

// between returns when it dialled in [from, to).
func (d *dialled) between(from, to time.Time) []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	var in []time.Time
	for _, at := range d.at {
		if !at.Before(from) && at.Before(to) {
			in = append(in, at)
		}
	}
	return in
}

// peak returns the most that fall into one of the windows that span is cut into,
// and the mean of them.
func peak(times []time.Time, from, to time.Time, window time.Duration) (most int, mean float64) {
	buckets := make([]int, (to.Sub(from)+window-1)/window)
	for _, at := range times {
		if !at.Before(from) && at.Before(to) {
			buckets[at.Sub(from)/window]++
			mean++
		}
	}
	return slices.Max(buckets), mean / float64(len(buckets))
}

// failures: 9: two hundred clients lose all servers at once, for half a minute. Each
// tries again at once, then less and less often, and not in step with the others.
// When the servers are back, all clients connect soon, but not all at once. The same
// holds for servers that accept connections and drop them.
func TestConnect_ManyClientsDoNotStormTheServers(t *testing.T) {
	const outage = 30 * time.Second
	for name, harm := range map[string]func(srv *zktest.Server, on bool){
		"refused": func(srv *zktest.Server, on bool) { srv.Down(0, on) },
		"dropped in the handshake": func(srv *zktest.Server, on bool) {
			srv.OnConnect(nil)
			if on {
				srv.OnConnect(func(zktest.Connect) zktest.Verdict { return zktest.CutBefore })
				srv.CutConnections(0)
			}
		},
		"dropped after it": func(srv *zktest.Server, on bool) {
			srv.OnRequest(nil)
			if on {
				srv.OnRequest(func(zktest.Request) zktest.Verdict { return zktest.CutBefore })
				srv.CutConnections(0)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			clients, servers := 10, 3
			if name == "refused" {
				clients, servers = 200, 1
			}
			bubble(t, servers, func(t *testing.T, srv *zktest.Server) {
				dials := make([]*dialled, clients)
				all := make([]*zk.Client, clients)
				for i := range all {
					dials[i] = &dialled{}
					all[i] = connect(t, srv, dials[i].on(srv), func(cfg *zk.Config) { cfg.SessionTimeout = 10 * time.Second })
					if i%2 == 0 { // something that every connection sends at once
						_, _, w, err := all[i].ExistsW(t.Context(), "/n")
						require.NoError(t, err)
						defer w.Stop()
					}
					time.Sleep(7 * time.Millisecond) // else their heartbeats are in step
				}
				time.Sleep(5 * time.Second)
				start := time.Now()
				harm(srv, true)
				defer harm(srv, false)
				time.Sleep(outage)
				back := time.Now()
				var during []time.Time
				for _, d := range dials {
					mine := d.between(start, back)
					if name == "refused" {
						require.LessOrEqual(t, mine[0].Sub(start), 2*time.Millisecond, "the first retry does not wait")
					}
					for s := time.Second; s < outage; s += time.Second {
						in := d.between(start.Add(s), start.Add(s+time.Second))
						require.LessOrEqual(t, len(in), 30, "%v after the loss", s)
					}
					require.Less(t, len(mine), 250, "in %v", outage)
					during = append(during, mine...)
				}
				most, mean := peak(during, start.Add(2*time.Second), back, 200*time.Millisecond)
				t.Logf("%d dials, in 200 ms %.1f, at the most %d", len(during), mean, most)
				if clients > 100 {
					require.Less(t, float64(most), 4*mean, "they are not in step")
				}

				harm(srv, false)
				for _, c := range all {
					require.NoError(t, c.Ready(inTime(t)))
				}
				require.LessOrEqual(t, time.Since(back), 6*time.Second)
				synctest.Wait()
				var after []time.Time
				for _, d := range dials {
					after = append(after, d.between(back, back.Add(6*time.Second))...)
				}
				most, mean = peak(after, back, back.Add(6*time.Second), 100*time.Millisecond)
				t.Logf("back after %v; in 100 ms %.1f, at the most %d", time.Since(back), mean, most)
				if clients > 100 {
					require.Less(t, most, clients/4, "they do not come back together")
				}
			})
		})
	}
}
