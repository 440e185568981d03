package zkotel

import (
	"errors"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.41.0/dbconv"
)

// instruments are the metrics.
type instruments struct {
	calls  metric.Float64Histogram
	waits  metric.Float64Histogram
	holds  metric.Float64Histogram
	active metric.Int64UpDownCounter
	losses metric.Int64Counter

	callSets sync.Map // by callKey: metric.MeasurementOption
}

var (
	// callBuckets are those that the semantic conventions recommend.
	callBuckets = []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10}
	// holdBuckets go from a millisecond to a day: an election waits, and leads, for long.
	holdBuckets = []float64{.001, .01, .1, .5, 1, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600}
)

func newInstruments(m metric.Meter) (instruments, error) {
	calls, err := dbconv.NewClientOperationDuration(m, metric.WithExplicitBucketBoundaries(callBuckets...))
	waits, waitsErr := m.Float64Histogram("zookit.acquisition.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of waits for a hold of a recipe."), metric.WithExplicitBucketBoundaries(holdBuckets...))
	holds, holdsErr := m.Float64Histogram("zookit.hold.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of holds of a recipe, from the grant to the end."), metric.WithExplicitBucketBoundaries(holdBuckets...))
	active, activeErr := m.Int64UpDownCounter("zookit.hold.active", metric.WithUnit("{hold}"),
		metric.WithDescription("Holds of a recipe that have not ended."))
	losses, lossesErr := m.Int64Counter("zookit.hold.losses", metric.WithUnit("{hold}"),
		metric.WithDescription("Holds of a recipe that were lost."))
	return instruments{calls: calls.Inst(), waits: waits, holds: holds, active: active, losses: losses},
		errors.Join(err, waitsErr, holdsErr, activeErr, lossesErr)
}

// callKey is what the metric of calls distinguishes.
type callKey struct{ op, errType string }

// callSet returns the attributes of a call for the metric. To make the set for each call
// would cost more than the rest of the hook. There are few operations and types.
func (t *Telemetry) callSet(op, errType string) metric.MeasurementOption {
	key := callKey{op, errType}
	if set, ok := t.callSets.Load(key); ok {
		return set.(metric.MeasurementOption)
	}
	attrs := t.with(systemName, operationName(op))
	if errType != "" {
		attrs = append(attrs, errorType(errType))
	}
	set, _ := t.callSets.LoadOrStore(key, metric.WithAttributeSet(attribute.NewSet(attrs...)))
	return set.(metric.MeasurementOption)
}
