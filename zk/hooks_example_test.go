package zk_test

import (
	"context"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// slowRequests logs the requests that take longer than 100 ms.
type slowRequests struct{ log *slog.Logger }

func (s slowRequests) OnRequestAnswered(e zk.RequestAnswered) {
	took := e.Room + e.Queued + e.Wait
	if took > 100*time.Millisecond {
		s.log.WarnContext(e.Context, "slow request", "op", e.Op, "path", e.Path, "took", took,
			"bytes", e.Bytes, "reply", e.ReplyBytes, "err", e.Err)
	}
}

// A hook that logs slow requests. It has one method, and Connect finds it.
func ExampleHookRequestAnswered() {
	srv := exampleServer()
	defer srv.Close()
	srv.OnRequest(func(q zktest.Request) zktest.Verdict {
		if q.Op == "create" {
			time.Sleep(150 * time.Millisecond)
		}
		return zktest.Pass
	})
	// Without what differs from run to run.
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "took" {
			return slog.Attr{}
		}
		return a
	}})
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Servers:     srv.ConnectString(),
		DialContext: srv.DialContext,
		Hooks:       []zk.Hook{slowRequests{slog.New(handler)}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	if _, err := client.Create(ctx, "/orders", nil, zk.Persistent); err != nil {
		log.Fatal(err)
	}
	if _, err := client.Get(ctx, "/orders"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=WARN msg="slow request" op=create path=/orders bytes=58 reply=99 err=<nil>
}
