package zkotel_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/zookit/zookit/contrib/zkotel"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// world is a client with telemetry, on an embedded server.
type world struct {
	t       *testing.T
	srv     *zktest.Server
	c       *zk.Client
	tracer  trace.Tracer // of the program
	tracers *sdktrace.TracerProvider
	meters  *sdkmetric.MeterProvider
	spans   *tracetest.InMemoryExporter
	reader  *sdkmetric.ManualReader
}

func start(t *testing.T, o zkotel.Options) *world {
	w := &world{
		t: t, srv: zktest.Start(t, zktest.Config{Servers: 1}),
		spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader(),
	}
	w.tracers = sdktrace.NewTracerProvider(sdktrace.WithSyncer(w.spans))
	w.tracer = w.tracers.Tracer("program")
	w.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(w.reader))
	w.c = w.connect(w.telemetry(o))
	return w
}

// telemetry returns hooks whose spans and metrics the test sees.
func (w *world) telemetry(o zkotel.Options) *zkotel.Telemetry {
	o.TracerProvider, o.MeterProvider = w.tracers, w.meters
	telemetry, err := zkotel.New(o)
	require.NoError(w.t, err)
	return telemetry
}

func (w *world) connect(hooks ...zk.Hook) *zk.Client {
	return w.srv.Client(w.t, func(cfg *zk.Config) { cfg.Hooks = hooks })
}

// named returns the spans of a name that have ended.
func (w *world) named(name string) (found tracetest.SpanStubs) {
	synctest.Wait()
	for _, s := range w.spans.GetSpans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// one returns the only span of a name.
func (w *world) one(name string) tracetest.SpanStub {
	w.t.Helper()
	found := w.named(name)
	require.Len(w.t, found, 1, name)
	return found[0]
}

// attrs returns attributes as text.
func attrs(all []attribute.KeyValue) map[string]string {
	m := map[string]string{}
	for _, a := range all {
		m[string(a.Key)] = a.Value.String()
	}
	return m
}

// events returns the names of a span's events.
func events(s tracetest.SpanStub) (names []string) {
	for _, e := range s.Events {
		names = append(names, e.Name)
	}
	return names
}

// value returns the value of a metric with attributes such as "a=b,c=d" in the order of
// their names: the count of a histogram, the sum of a counter. -1: there is none.
func (w *world) value(name, with string) int64 {
	w.t.Helper()
	synctest.Wait()
	var all metricdata.ResourceMetrics
	require.NoError(w.t, w.reader.Collect(context.Background(), &all))
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					if text(p.Attributes) == with {
						return int64(p.Count)
					}
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					if text(p.Attributes) == with {
						return p.Value
					}
				}
			}
		}
	}
	return -1
}

func text(set attribute.Set) string {
	var all []string
	for _, a := range set.ToSlice() {
		all = append(all, string(a.Key)+"="+a.Value.String())
	}
	return strings.Join(all, ",")
}

// A call has a span below that of its context, with its time and the attributes of the
// conventions. So has a pipelined call.
func TestCalls_HaveSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{})
		w.srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "create" {
				time.Sleep(time.Second)
			}
			return zktest.Pass
		})
		ctx, parent := w.tracer.Start(t.Context(), "program")
		began := time.Now()
		_, err := w.c.Create(ctx, "/a", nil, zk.Persistent)
		require.NoError(t, err)
		future := w.c.Pipeline().Get(ctx, "/a")
		_, err = future.Wait(ctx)
		require.NoError(t, err)

		create := w.one("create")
		require.Equal(t, trace.SpanKindClient, create.SpanKind)
		require.Equal(t, parent.SpanContext().SpanID(), create.Parent.SpanID())
		require.Equal(t, parent.SpanContext().TraceID(), create.SpanContext.TraceID())
		require.True(t, create.StartTime.Equal(began), "it begins with the call")
		require.Equal(t, time.Second, create.EndTime.Sub(create.StartTime))
		require.Equal(t, codes.Unset, create.Status.Code)
		require.Equal(t, map[string]string{
			"db.system.name": "zookeeper", "db.operation.name": "create", "zookit.tries": "1", "zookit.pipelined": "false",
		}, attrs(create.Attributes), "no path")

		get := w.one("get")
		require.Equal(t, parent.SpanContext().SpanID(), get.Parent.SpanID())
		require.Equal(t, "true", attrs(get.Attributes)["zookit.pipelined"])
		require.EqualValues(t, 1, w.value("db.client.operation.duration", "db.operation.name=create,db.system.name=zookeeper"))
	})
}

// A call that failed says what kind of error it was, and no path.
func TestCalls_ThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{})
		_, err := w.c.Get(t.Context(), "/secret")
		require.ErrorIs(t, err, zk.ErrNoNode)
		span := w.one("get")
		require.Equal(t, sdktrace.Status{Code: codes.Error, Description: "no_node"}, span.Status)
		got := attrs(span.Attributes)
		require.Equal(t, "no_node", got["error.type"])
		require.Equal(t, "rejected", got["zookit.outcome"])
		require.Equal(t, "-101", got["db.response.status_code"])
		require.EqualValues(t, 1, w.value("db.client.operation.duration",
			"db.operation.name=get,db.system.name=zookeeper,error.type=no_node"))

		w.spans.Reset()
		_, err = w.c.Get(t.Context(), "bad")
		require.ErrorIs(t, err, zk.ErrInvalidPath)
		got = attrs(w.one("get").Attributes)
		require.Equal(t, "invalid_path", got["error.type"])
		require.Equal(t, "not_sent", got["zookit.outcome"])
		require.NotContains(t, got, "db.response.status_code", "the server has said nothing")

		w.spans.Reset()
		w.telemetry(zkotel.Options{}).OnCallEnded(zk.CallEnded{
			Context: t.Context(), Op: "get", Err: &zk.OpError{Op: "get", Outcome: zk.OutcomeNotSent, Err: zk.ErrBadArguments},
		})
		got = attrs(w.one("get").Attributes)
		require.Equal(t, "bad_arguments", got["error.type"])
		require.NotContains(t, got, "db.response.status_code", "the client has found the code itself")

		w.spans.Reset()
		w.srv.Down(0, true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = w.c.Get(ctx, "/secret")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, "deadline_exceeded", attrs(w.one("get").Attributes)["error.type"])
		w.srv.Down(0, false)
	})
}

// A call that was repeated says how often.
func TestCalls_SayHowOftenTheyWereTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{})
		cut := false
		w.srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "exists" && !cut {
				cut = true
				return zktest.DropReplyAndCut
			}
			return zktest.Pass
		})
		_, _, err := w.c.Exists(t.Context(), "/a")
		require.NoError(t, err)
		require.Equal(t, "2", attrs(w.one("exists").Attributes)["zookit.tries"])
	})
}

// With Paths, spans have paths and the text of errors. Metrics have none. Client is an
// attribute of both.
func TestOptions_PathsAndClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{Paths: true, Client: "orders"})
		_, err := w.c.Get(t.Context(), "/none")
		require.ErrorIs(t, err, zk.ErrNoNode)
		span := w.one("get")
		require.Equal(t, "/none", attrs(span.Attributes)["zookit.path"])
		require.Equal(t, "orders", attrs(span.Attributes)["zookit.client"])
		require.Equal(t, err.Error(), span.Status.Description)
		require.EqualValues(t, 1, w.value("db.client.operation.duration",
			"db.operation.name=get,db.system.name=zookeeper,error.type=no_node,zookit.client=orders"))
	})
}

// With ChildrenOnly, a call whose context has no span has none. It is counted.
func TestOptions_ChildrenOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{ChildrenOnly: true})
		_, _, err := w.c.Exists(t.Context(), "/a")
		require.NoError(t, err)
		require.Empty(t, w.named("exists"))
		ctx, _ := w.tracer.Start(t.Context(), "program")
		_, _, err = w.c.Exists(ctx, "/a")
		require.NoError(t, err)
		require.Len(t, w.named("exists"), 1)
		require.EqualValues(t, 2, w.value("db.client.operation.duration", "db.operation.name=exists,db.system.name=zookeeper"))
	})
}

// Bad options are refused. Without providers the global ones serve.
func TestNew(t *testing.T) {
	_, err := zkotel.New(zkotel.Options{MaxOpen: -1})
	require.EqualError(t, err, "zkotel: Options.MaxOpen is -1: it must not be negative, and 0 is the default of 10000")
	telemetry, err := zkotel.New(zkotel.Options{})
	require.NoError(t, err)
	telemetry.OnCallEnded(zk.CallEnded{Context: t.Context(), Op: "get"})
}
