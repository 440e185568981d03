package zkotel

import (
	"context"
	"errors"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/zookit/zookit/zk"
)

// systemName is a value of our own. The conventions allow that for a system that they do
// not list.
var systemName = semconv.DBSystemNameKey.String("zookeeper")

func operationName(op string) attribute.KeyValue { return semconv.DBOperationName(op) }

func errorType(name string) attribute.KeyValue { return semconv.ErrorTypeKey.String(name) }

// OnCallEnded is zk.HookCallEnded's.
func (t *Telemetry) OnCallEnded(e zk.CallEnded) {
	ctx, errType := e.Context, typeOf(e.Err)
	if !t.childrenOnly || trace.SpanContextFromContext(ctx).IsValid() {
		ctx = t.callSpan(e, errType)
	}
	// With the span's context, so that the measurement can refer to the span.
	t.calls.Record(ctx, e.Took.Seconds(), t.callSet(e.Op, errType))
}

// callSpan makes the span of a call that has ended, and returns its context.
func (t *Telemetry) callSpan(e zk.CallEnded, errType string) context.Context {
	end := time.Now()
	ctx, span := t.tracer.Start(e.Context, e.Op,
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(end.Add(-e.Took)),
		trace.WithAttributes(t.callAttrs(e, errType)...))
	t.fail(span, e.Err, errType)
	span.End(trace.WithTimestamp(end))
	return ctx
}

func (t *Telemetry) callAttrs(e zk.CallEnded, errType string) []attribute.KeyValue {
	attrs := t.with(systemName, operationName(e.Op),
		attribute.Int("zookit.tries", e.Tries), attribute.Bool("zookit.pipelined", e.Pipelined))
	if e.Room > 0 {
		attrs = append(attrs, attribute.Float64("zookit.room_wait", e.Room.Seconds()))
	}
	if t.paths && e.Path != "" {
		attrs = append(attrs, attribute.String("zookit.path", e.Path))
	}
	if e.Err == nil {
		return attrs
	}
	outcome := zk.OutcomeOf(e.Err)
	attrs = append(attrs, errorType(errType), attribute.String("zookit.outcome", outcomeName(outcome)))
	if code, ok := errors.AsType[zk.Code](e.Err); ok && outcome == zk.OutcomeRejected {
		attrs = append(attrs, semconv.DBResponseStatusCode(strconv.Itoa(int(code))))
	}
	return attrs
}

func outcomeName(o zk.Outcome) string {
	switch o {
	case zk.OutcomeRejected:
		return "rejected"
	case zk.OutcomeNotSent:
		return "not_sent"
	}
	return "unknown"
}

// fail sets the status of a span, if there is an error. The text of an error has paths.
func (t *Telemetry) fail(span trace.Span, err error, errType string) {
	switch {
	case err == nil:
	case t.paths:
		span.SetStatus(codes.Error, err.Error())
	default:
		span.SetStatus(codes.Error, errType)
	}
}
