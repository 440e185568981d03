package zktest_test

import (
	"testing"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// BenchmarkGet measures the server with one request at a time and with many in
// flight, as a benchmark of a client uses it.
func BenchmarkGet(b *testing.B) {
	s := zktest.Start(b, zktest.Config{})
	if err := s.Create("/x", make([]byte, 100)); err != nil {
		b.Fatal(err)
	}
	body := (&proto.PathWatch{Path: "/x"}).Append(nil)
	for _, depth := range []int{1, 64} {
		b.Run(map[int]string{1: "alone", 64: "pipelined"}[depth], func(b *testing.B) {
			c := connectTo(b, s, addr1, time.Minute)
			var batch []byte
			for range depth {
				start := len(batch)
				batch = proto.BeginFrame(batch)
				batch = append(proto.RequestHeader{Xid: 1, Op: proto.OpGetData}.Append(batch), body...)
				batch = proto.EndFrame(batch, start)
			}
			buf := make([]byte, 0, 4096)
			b.ReportAllocs()
			b.ResetTimer()
			for sent := 0; sent < b.N; sent += depth {
				if _, err := c.nc.Write(batch); err != nil {
					b.Fatal(err)
				}
				for range depth {
					if _, err := proto.ReadFrame(c.br, buf, 4096); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
