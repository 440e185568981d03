package zkprom_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/contrib/zkprom"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// connect returns a client with metrics, on an embedded server.
func connect(t *testing.T, o zkprom.Options) (*zktest.Server, *zk.Client, *zkprom.Metrics) {
	srv := zktest.Start(t, zktest.Config{Servers: 1})
	m := zkprom.New(o)
	c := srv.Client(t, func(cfg *zk.Config) { cfg.Hooks = []zk.Hook{m} })
	m.Observe(c)
	return srv, c, m
}

// value returns the value of a series, -1 if there is none.
func value(t *testing.T, m *zkprom.Metrics, series string) float64 {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	require.NoError(t, reg.Register(m))
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, pair := range metric.GetLabel() {
				labels = append(labels, pair.GetName()+"="+pair.GetValue())
			}
			name := family.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case name != series:
			case metric.Counter != nil:
				return metric.GetCounter().GetValue()
			case metric.Gauge != nil:
				return metric.GetGauge().GetValue()
			case metric.Histogram != nil:
				return float64(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	return -1
}

// What a client does is counted: requests by operation and result, watches, guards,
// connections and sessions.
func TestMetrics_CountWhatAClientDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c, m := connect(t, zkprom.Options{})
		ctx := t.Context()
		_, err := c.Create(ctx, "/a", []byte("12345"), zk.Persistent)
		require.NoError(t, err)
		_, _, err = c.GetW(ctx, "/a")
		require.NoError(t, err)
		_, err = c.Get(ctx, "/none")
		require.ErrorIs(t, err, zk.ErrNoNode)
		_, err = c.Get(ctx, "bad")
		require.ErrorIs(t, err, zk.ErrInvalidPath)
		guard, release, err := c.Session().Guard(ctx)
		require.NoError(t, err)
		defer release()
		want := func(series string, n float64) {
			t.Helper()
			require.Equal(t, n, value(t, m, series), series)
		}
		want("zookit_connect_attempts_total{result=ok}", 1)
		want("zookit_sessions_opened_total", 1)
		want("zookit_requests_total{op=create,result=ok}", 1)
		want("zookit_requests_total{op=get,result=ok}", 1)
		want("zookit_requests_total{op=get,result=rejected}", 1)
		want("zookit_request_duration_seconds{op=get}", 2)
		want("zookit_calls_failed_total{op=get,outcome=rejected}", 1)
		want("zookit_calls_failed_total{op=get,outcome=not_sent}", 1)
		want("zookit_state{state=connected}", 1)
		want("zookit_state{state=auth_failed}", 0)
		want("zookit_watches{kind=data}", 1)
		want("zookit_guards", 1)
		want("zookit_session_timeout_seconds", 6)
		require.Positive(t, value(t, m, "zookit_request_bytes_total{op=create}"))
		require.Positive(t, value(t, m, "zookit_reply_bytes_total{op=get}"))

		_, err = c.Set(ctx, "/a", nil, zk.AnyVersion)
		require.NoError(t, err)
		synctest.Wait()
		want("zookit_watch_events_total{type=data_changed}", 1)
		want("zookit_watches{kind=data}", 0)

		srv.CutConnections(0)
		_, err = c.Get(ctx, "/a")
		require.NoError(t, err)
		want("zookit_connections_lost_total", 1)
		want("zookit_sessions_resumed_total", 1)
		time.Sleep(3 * time.Second)
		require.Positive(t, value(t, m, "zookit_lease_renewal_left_seconds"))

		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		<-guard.Done()
		_, err = c.AwaitSession(ctx)
		require.NoError(t, err)
		want("zookit_sessions_ended_total{reason=expired}", 1)
		want("zookit_sessions_opened_total", 2)
		want("zookit_guards", 0)
		require.NoError(t, c.Close(ctx))
		want("zookit_sessions_ended_total{reason=closed}", 1)
		want("zookit_state{state=closed}", 1)
	})
}

// A lease that lapses and a session that the client gives up are counted apart from one
// that a server ended.
func TestMetrics_OfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c, m := connect(t, zkprom.Options{})
		guard, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		defer release()
		srv.Down(0, true)
		<-guard.Done()
		time.Sleep(time.Minute)
		require.EqualValues(t, 1, value(t, m, "zookit_lease_lapses_total"))
		require.EqualValues(t, 1, value(t, m, "zookit_sessions_ended_total{reason=given_up}"))
		require.Positive(t, value(t, m, "zookit_connect_attempts_total{result=failed}"))
		require.EqualValues(t, 0, value(t, m, "zookit_state{state=connected}"))
		require.EqualValues(t, -1, value(t, m, "zookit_server_info{server=zk1:2181}"))
		srv.Down(0, false)
		_, err = c.AwaitSession(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, value(t, m, "zookit_server_info{server=zk1:2181}"))
		require.NoError(t, c.Close(t.Context()))
	})
}

// Two clients of a program have a label each. Names and help are as Prometheus wants
// them. Before Observe there are the counters alone.
func TestMetrics_OfTwoClients(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	for _, name := range []string{"orders", "stock"} {
		m := zkprom.New(zkprom.Options{Client: name, Buckets: []float64{1}})
		require.NoError(t, reg.Register(m))
	}
	n, err := testutil.GatherAndCount(reg, "zookit_sessions_opened_total")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = testutil.GatherAndCount(reg, "zookit_state")
	require.NoError(t, err)
	require.Zero(t, n)

	synctest.Test(t, func(t *testing.T) {
		_, c, m := connect(t, zkprom.Options{})
		problems, err := testutil.CollectAndLint(m)
		require.NoError(t, err)
		require.Empty(t, problems)
		require.NoError(t, c.Close(t.Context()))
	})
}

// The page that Prometheus reads has the metrics.
func TestMetrics_Page(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(zkprom.New(zkprom.Options{Client: "orders"}))
	page := httptest.NewRecorder()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", http.NoBody)
	require.NoError(t, err)
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(page, request)
	require.Contains(t, page.Body.String(), `zookit_lease_lapses_total{client="orders"} 0`)
}
