package zkotel_test

import (
	"context"
	"fmt"
	"log"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/zookit/zookit/contrib/zkotel"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A trace of an order that is handled under a lock. A service has an exporter that sends
// the spans to a collector, and a MeterProvider too.
func Example() {
	srv, err := zktest.New(zktest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	exporter := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	telemetry, err := zkotel.New(zkotel.Options{TracerProvider: tracers, ChildrenOnly: true})
	if err != nil {
		log.Fatal(err)
	}
	client, err := zk.Connect(context.Background(), zk.Config{
		Servers:     srv.ConnectString(),
		DialContext: srv.DialContext,
		Hooks:       []zk.Hook{telemetry},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())

	ctx, order := tracers.Tracer("orders").Start(context.Background(), "handle order")
	err = lock.New(client, "/locks/order-17", lock.Config{}).Do(ctx, func(ctx context.Context, _ *lock.Held) error {
		_, err := client.Create(ctx, "/order-17", nil, zk.Persistent)
		return err
	})
	order.End()
	if err != nil {
		log.Fatal(err)
	}
	for _, span := range exporter.GetSpans() {
		switch span.Name {
		case "acquire lock", "hold lock", "handle order":
			fmt.Println(span.Name, "in the trace of the order:", span.SpanContext.TraceID() == order.SpanContext().TraceID())
		}
	}
	// Output:
	// acquire lock in the trace of the order: true
	// hold lock in the trace of the order: true
	// handle order in the trace of the order: true
}
