package zkotel

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// What has become of an acquisition.
const (
	granted = "granted"
	held    = "held" // by another: the call did not wait
	gaveUp  = "gave_up"
)

// What has become of a hold.
const (
	released = "released"
	closed   = "closed" // it ended with the client
	lost     = "lost"
)

func recipe(a recipes.Acquisition) attribute.KeyValue {
	return attribute.String("zookit.recipe", a.Recipe)
}

// withPath returns attrs, and one with a path if that is wanted.
func (t *Telemetry) withPath(attrs []attribute.KeyValue, name, path string) []attribute.KeyValue {
	if t.paths {
		attrs = append(attrs, attribute.String(name, path))
	}
	return attrs
}

// OnAcquiring is recipes.HookAcquiring's.
func (t *Telemetry) OnAcquiring(e recipes.Acquisition) {
	_, span := t.tracer.Start(e.Context, "acquire "+e.Recipe,
		trace.WithTimestamp(e.Began),
		trace.WithAttributes(t.withPath(t.with(recipe(e)), "zookit.dir", e.Dir)...))
	if oldest, full := t.waiting.put(e.ID, span); full {
		oldest.AddEvent("displaced")
		oldest.End()
	}
}

// OnQueued is recipes.HookQueued's.
func (t *Telemetry) OnQueued(e recipes.Queued) {
	span, ok := t.waiting.get(e.ID)
	if !ok {
		return
	}
	attrs := []attribute.KeyValue{attribute.Int("zookit.ahead", e.Ahead)}
	attrs = t.withPath(attrs, "zookit.node", e.Node)
	attrs = t.withPath(attrs, "zookit.predecessor", e.Predecessor)
	span.AddEvent("queued", trace.WithAttributes(attrs...))
}

// OnGranted is recipes.HookGranted's.
func (t *Telemetry) OnGranted(e recipes.Granted) {
	ctx := e.Context
	// A hold that was resumed was not waited for.
	if span, ok := t.waiting.take(e.ID); ok {
		ctx = trace.ContextWithSpan(ctx, span)
		attrs := []attribute.KeyValue{attribute.Int64("zookit.token", e.Token)}
		span.AddEvent(granted, trace.WithAttributes(t.withPath(attrs, "zookit.node", e.Node)...))
		t.acquired(span, granted)
		t.held.put(e.ID, span.SpanContext())
	}
	t.waited(ctx, e.Acquisition, e.Waited, granted)
	t.active.Add(ctx, 1, metric.WithAttributes(t.with(recipe(e.Acquisition))...))
}

// OnGaveUp is recipes.HookGaveUp's.
func (t *Telemetry) OnGaveUp(e recipes.GaveUp) {
	ctx, result := e.Context, gaveUp
	if errors.Is(e.Err, recipes.ErrHeld) {
		result = held // TryAcquire has answered its question
	}
	if span, ok := t.waiting.take(e.ID); ok {
		ctx = trace.ContextWithSpan(ctx, span)
		if result == gaveUp {
			errType := typeOf(e.Err)
			span.SetAttributes(errorType(errType))
			t.fail(span, e.Err, errType)
		}
		t.acquired(span, result)
	}
	t.waited(ctx, e.Acquisition, e.Waited, result)
}

// acquired ends the span of an acquisition.
func (t *Telemetry) acquired(span trace.Span, result string) {
	span.SetAttributes(attribute.String("zookit.acquisition.result", result))
	span.End()
}

// waited records the duration of an acquisition. ctx has its span.
func (t *Telemetry) waited(ctx context.Context, a recipes.Acquisition, d time.Duration, result string) {
	attrs := t.with(recipe(a), attribute.String("zookit.acquisition.result", result))
	t.waits.Record(ctx, d.Seconds(), metric.WithAttributes(attrs...))
}

// howEnded says how a hold has ended. A program that closes its client has not lost what
// it held.
func howEnded(err error) string {
	switch {
	case err == nil:
		return released
	case errors.Is(err, zk.ErrClosed):
		return closed
	}
	return lost
}

// OnHoldEnded is recipes.HookHoldEnded's.
func (t *Telemetry) OnHoldEnded(e recipes.HoldEnded) {
	how, errType := howEnded(e.Err), typeOf(e.Err)
	ctx := t.holdSpan(e, how, errType)
	t.active.Add(ctx, -1, metric.WithAttributes(t.with(recipe(e.Acquisition))...))
	t.holds.Record(ctx, e.Held.Seconds(), metric.WithAttributes(
		t.with(recipe(e.Acquisition), attribute.String("zookit.hold.end", how))...))
	if how == lost {
		t.losses.Add(ctx, 1, metric.WithAttributes(t.with(recipe(e.Acquisition), errorType(errType))...))
	}
}

// holdSpan makes the span of a hold that has ended, and returns its context.
func (t *Telemetry) holdSpan(e recipes.HoldEnded, how, errType string) context.Context {
	end := time.Now()
	attrs := t.with(recipe(e.Acquisition),
		attribute.String("zookit.hold.end", how), attribute.Int64("zookit.token", e.Token))
	attrs = t.withPath(attrs, "zookit.dir", e.Dir)
	attrs = t.withPath(attrs, "zookit.node", e.Node)
	if how == lost {
		attrs = append(attrs, errorType(errType))
	}
	options := []trace.SpanStartOption{trace.WithTimestamp(end.Add(-e.Held)), trace.WithAttributes(attrs...)}
	if acquisition, ok := t.held.take(e.ID); ok && acquisition.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: acquisition}))
	}
	if e.Recipe == "election" {
		options = append(options, trace.WithNewRoot()) // it lasts for days
	}
	ctx, span := t.tracer.Start(e.Context, "hold "+e.Recipe, options...)
	if how == lost {
		t.fail(span, e.Err, errType)
	}
	span.End(trace.WithTimestamp(end))
	return ctx
}
