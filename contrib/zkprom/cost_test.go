package zkprom_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/contrib/zkprom"
	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

var (
	answered = zk.RequestAnswered{
		RequestWritten: zk.RequestWritten{Op: "get", Path: "/a", Try: 1, Bytes: 30, Queued: 20 * time.Microsecond},
		ReplyBytes:     200, Wait: 1300 * time.Microsecond,
	}
	ended = zk.CallEnded{Op: "get", Path: "/a", Tries: 1, Took: time.Millisecond}
)

// A request allocates nothing in the hooks, however many operations were counted.
func TestMetrics_ARequestAllocatesNothing(t *testing.T) {
	m := zkprom.New(zkprom.Options{})
	for i := range 30 {
		e := answered
		e.Op = fmt.Sprintf("op%d", i)
		m.OnRequestAnswered(e)
	}
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		m.OnRequestAnswered(answered)
		m.OnCallEnded(ended)
		m.OnWatchFired(zk.WatchFired{Type: zk.EventDataChanged})
		m.OnLeaseRenewed(zk.LeaseMargin{Left: time.Second})
	}))
}

// What the hooks of one request cost.
func BenchmarkMetrics_OfARequest(b *testing.B) {
	m := zkprom.New(zkprom.Options{})
	for _, op := range []string{"create", "delete", "exists", "getChildren", "set", "sync", "multi"} {
		e := answered
		e.Op = op
		m.OnRequestAnswered(e)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.OnRequestAnswered(answered)
		m.OnCallEnded(ended)
	}
}

// What the metrics cost a client with 256 callers, on a real server. A round runs the same
// reads on a client without hooks and on one with metrics. Rounds are short, and each
// client begins every other one, so that what else the machine does slows down both.
// The medians of all rounds are reported, and what the quickest tenth would cost.
func BenchmarkClient_GetOf256Callers(b *testing.B) {
	server := ensemble.Run(b, ensemble.Options{})
	client := func(hooks ...zk.Hook) *zk.Client {
		return clienttest.ConnectTo(b, server.Direct(), clienttest.Timeout(20*time.Second), func(cfg *zk.Config) { cfg.Hooks = hooks })
	}
	plain, counted := client(), client(zkprom.New(zkprom.Options{}))
	_, err := plain.Create(b.Context(), "/a", make([]byte, 100), zk.Persistent)
	require.NoError(b, err)
	const callers, each = 256, 10
	run := func(c *zk.Client) float64 { // nanoseconds a read
		began := time.Now()
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range each {
					if _, err := c.Get(context.Background(), "/a"); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		return float64(time.Since(began)) / (callers * each)
	}
	run(plain)
	run(counted)
	var without, with []float64
	for b.Loop() {
		if len(with)%2 == 0 {
			without = append(without, run(plain))
			with = append(with, run(counted))
		} else {
			with = append(with, run(counted))
			without = append(without, run(plain))
		}
	}
	slices.Sort(without)
	slices.Sort(with)
	at := func(all []float64, percent int) float64 { return all[len(all)*percent/100] }
	b.ReportMetric(at(without, 50), "plain-ns/get")
	b.ReportMetric(at(with, 50), "zkprom-ns/get")
	b.ReportMetric(100*(at(with, 50)/at(without, 50)-1), "%cost")
	b.ReportMetric(100*(at(with, 10)/at(without, 10)-1), "%cost-quick")
}
