package zkotel

import (
	"cmp"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name of the tracer and of the meter.
const scope = "github.com/zookit/zookit/contrib/zkotel"

// defaultMaxOpen is far above the number of holds and waiters of a real process.
const defaultMaxOpen = 10_000

// Options choose what New returns. The zero value uses the global providers.
type Options struct {
	// TracerProvider makes the spans. The default is otel.GetTracerProvider.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics. The default is otel.GetMeterProvider.
	MeterProvider metric.MeterProvider

	// Client is the attribute zookit.client of every span and metric, for a program that
	// has several clients. Empty: there is no such attribute.
	Client string
	// Paths adds paths to spans: zookit.path of calls, zookit.dir, zookit.node and
	// zookit.predecessor of acquisitions and holds. The status of a failed span then has
	// the text of the error, and without Paths only its type. Metrics have no paths.
	Paths bool
	// ChildrenOnly leaves out the spans of calls whose context has no span: the client's
	// and the recipes' work in the background, as a rule. Acquisitions and holds have
	// spans nevertheless, and metrics count every call.
	ChildrenOnly bool
	// MaxOpen limits how many acquisitions that wait, and how many holds, are kept at
	// once. One more displaces the oldest. The span of a displaced acquisition ends, with
	// the event "displaced", and a displaced hold has no link to its acquisition. The
	// default is 10,000. It must not be negative.
	MaxOpen int
}

// Telemetry are the hooks of one client, for zk.Config.Hooks. Many goroutines may use
// them.
type Telemetry struct {
	tracer       trace.Tracer
	paths        bool
	childrenOnly bool

	common []attribute.KeyValue // of everything
	instruments

	waiting *recent[trace.Span]        // acquisitions
	held    *recent[trace.SpanContext] // of the acquisitions of holds that have not ended
}

// New returns the hooks of one client. It fails if MaxOpen is negative, or if the
// MeterProvider refuses an instrument.
func New(o Options) (*Telemetry, error) {
	if o.MaxOpen < 0 {
		return nil, fmt.Errorf("zkotel: Options.MaxOpen is %d: it must not be negative, and 0 is the default of %d", o.MaxOpen, defaultMaxOpen)
	}
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	limit := cmp.Or(o.MaxOpen, defaultMaxOpen)
	t := &Telemetry{
		tracer:       o.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)),
		paths:        o.Paths,
		childrenOnly: o.ChildrenOnly,
		waiting:      newRecent[trace.Span](limit),
		held:         newRecent[trace.SpanContext](limit),
	}
	if o.Client != "" {
		t.common = []attribute.KeyValue{attribute.String("zookit.client", o.Client)}
	}
	var err error
	t.instruments, err = newInstruments(o.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL)))
	if err != nil {
		return nil, fmt.Errorf("zkotel: the MeterProvider refused an instrument: %w", err)
	}
	return t, nil
}

// with returns the common attributes and then others.
func (t *Telemetry) with(attrs ...attribute.KeyValue) []attribute.KeyValue {
	return append(t.common[:len(t.common):len(t.common)], attrs...)
}
