package zk_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// echo is a server over TCP that gives every request of a kind the same answer. It
// allocates nothing, so that only the client's allocations count. The comparisons
// with other clients and on Apache ZooKeeper are in bench/.
type echo map[proto.OpCode][]byte // bodies of the replies

func newEcho() echo {
	stat := proto.Stat{Czxid: 1, Mzxid: 1, DataLength: 100}
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("child-%010d", i)
	}
	return echo{
		proto.OpGetData:      serverproto.AppendStat(proto.AppendBuffer(nil, make([]byte, 100)), stat),
		proto.OpExists:       serverproto.AppendStat(nil, stat),
		proto.OpSetData:      serverproto.AppendStat(nil, stat),
		proto.OpCreate2:      serverproto.AppendStat(proto.AppendString(nil, "/a/b-0000000001"), stat),
		proto.OpDelete:       nil,
		proto.OpGetChildren2: serverproto.AppendStat(proto.AppendStrings(nil, names), stat),
		proto.OpSync:         proto.AppendString(nil, "/"),
		proto.OpPing:         nil,
		proto.OpCloseSession: nil,
	}
}

func (e echo) serve(nc net.Conn) {
	defer nc.Close()
	in, out := bufio.NewReaderSize(nc, 64<<10), bufio.NewWriterSize(nc, 64<<10)
	if _, err := proto.ReadFrame(in, nil, 1<<10); err != nil {
		return
	}
	hello := proto.ConnectResponse{TimeoutMillis: 10_000, SessionID: 7, Password: make([]byte, proto.PasswordLen)}
	if _, err := nc.Write(proto.EndFrame(serverproto.AppendConnectResponse(proto.BeginFrame(nil), hello), 0)); err != nil {
		return
	}
	var frame, reply []byte
	for {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		size, err := in.Peek(4)
		if err != nil {
			return
		}
		n := 4 + int(binary.BigEndian.Uint32(size))
		frame = append(frame[:0], make([]byte, n)...)
		if _, err := io.ReadFull(in, frame); err != nil {
			return
		}
		op := proto.OpCode(binary.BigEndian.Uint32(frame[8:]))
		reply = proto.BeginFrame(reply[:0])
		reply = serverproto.AppendReplyHeader(reply, proto.ReplyHeader{Xid: int32(binary.BigEndian.Uint32(frame[4:])), Zxid: 1})
		reply = append(reply, e[op]...)
		if _, err := out.Write(proto.EndFrame(reply, 0)); err != nil {
			return
		}
	}
}

// echoed returns a client of an echo.
func echoed(b testing.TB, change ...func(*zk.Config)) *zk.Client {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	var serving sync.WaitGroup
	b.Cleanup(func() {
		ln.Close()
		serving.Wait()
	})
	e := newEcho()
	serving.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { e.serve(nc) })
		}
	})
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	cfg := zk.Config{Servers: ln.Addr().String(), SessionTimeout: 10 * time.Second}
	for _, f := range change {
		f(&cfg)
	}
	c, err := zk.Connect(ctx, cfg)
	require.NoError(b, err)
	b.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// One caller.
func BenchmarkClient(b *testing.B) {
	ctx, data := context.Background(), make([]byte, 100)
	for _, k := range []struct {
		name string
		run  func(c *zk.Client) error
	}{
		{"Get", func(c *zk.Client) error { _, err := c.Get(ctx, "/a/b"); return err }},
		{"Exists", func(c *zk.Client) error { _, _, err := c.Exists(ctx, "/a/b"); return err }},
		{"Set", func(c *zk.Client) error { _, err := c.Set(ctx, "/a/b", data, zk.AnyVersion); return err }},
		{"Create", func(c *zk.Client) error { _, err := c.Create(ctx, "/a/b-", data, zk.EphemeralSequential); return err }},
		{"Delete", func(c *zk.Client) error { return c.Delete(ctx, "/a/b", zk.AnyVersion) }},
		{"Children10000", func(c *zk.Client) error { _, _, err := c.Children(ctx, "/a"); return err }},
	} {
		b.Run(k.name, func(b *testing.B) {
			c := echoed(b)
			b.ReportAllocs()
			for b.Loop() {
				if err := k.run(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A write renews the lease, which costs the same however many guards rest on it.
func BenchmarkClient_SetWithGuards(b *testing.B) {
	for _, n := range []int{0, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			c := echoed(b)
			guards(b, c, n)
			for b.Loop() {
				if _, err := c.Set(b.Context(), "/a/b", nil, zk.AnyVersion); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What hooks of all kinds cost that do nothing.
func BenchmarkClient_WithHooks(b *testing.B) {
	hooked := func(cfg *zk.Config) { cfg.Hooks = []zk.Hook{silent{}} }
	for _, k := range []struct {
		name string
		run  func(c *zk.Client) error
	}{
		{"Get", func(c *zk.Client) error { _, err := c.Get(context.Background(), "/a/b"); return err }},
		{"Set", func(c *zk.Client) error {
			_, err := c.Set(context.Background(), "/a/b", nil, zk.AnyVersion)
			return err
		}},
		{"PipelinedGet", func(c *zk.Client) error {
			_, err := c.Pipeline().Get(context.Background(), "/a/b").Wait(context.Background())
			return err
		}},
	} {
		for name, change := range map[string]func(*zk.Config){"none": func(*zk.Config) {}, "all": hooked} {
			b.Run(k.name+"/"+name, func(b *testing.B) {
				c := echoed(b, change)
				b.ReportAllocs()
				for b.Loop() {
					if err := k.run(c); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// Many callers on one client.
func BenchmarkClient_GetOf256Callers(b *testing.B) {
	c := echoed(b)
	b.ReportAllocs()
	var callers sync.WaitGroup
	turns := make(chan struct{}, 256)
	for range cap(turns) {
		callers.Go(func() {
			for range turns {
				for range 100 {
					if _, err := c.Get(context.Background(), "/a/b"); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	for b.Loop() { // each is 100 gets
		turns <- struct{}{}
	}
	close(turns)
	callers.Wait()
}

// A thousand requests outstanding.
func BenchmarkPipeline_Get(b *testing.B) {
	for _, n := range []int{0, 1} {
		b.Run(strconv.Itoa(n)+"guards", func(b *testing.B) {
			c := echoed(b)
			guards(b, c, n)
			b.ReportAllocs()
			p := c.Pipeline()
			ring := make([]*zk.Future[zk.Node], 1000)
			for i := 0; b.Loop(); i++ {
				if f := ring[i%len(ring)]; f != nil {
					if _, err := f.Wait(context.Background()); err != nil {
						b.Fatal(err)
					}
				}
				ring[i%len(ring)] = p.Get(context.Background(), "/a/b")
			}
		})
	}
}

// Setting a watch, and its removal when it is stopped.
func BenchmarkWatch_SetAndStop(b *testing.B) {
	c := echoed(b)
	b.ReportAllocs()
	for b.Loop() {
		_, _, w, err := c.ExistsW(context.Background(), "/a/b")
		if err != nil {
			b.Fatal(err)
		}
		w.Stop()
	}
}

// A watch that fires: the read that sets it, the change, and the event. The embedded
// server's cost is part of it.
func BenchmarkWatch_Fire(b *testing.B) {
	c := onServer(b)
	b.ReportAllocs()
	for b.Loop() {
		_, w, err := c.GetW(context.Background(), "/n")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Set(context.Background(), "/n", nil, zk.AnyVersion); err != nil {
			b.Fatal(err)
		}
		if _, err := w.Wait(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// A change below a recursive subscription, and its event.
func BenchmarkWatch_Subscription(b *testing.B) {
	c := onServer(b)
	sub, err := c.Subscribe(context.Background(), "/", zk.Recursive())
	if err != nil {
		b.Fatal(err)
	}
	next, stop := iter.Pull2(sub.Events(context.Background()))
	defer stop()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Set(context.Background(), "/n", nil, zk.AnyVersion); err != nil {
			b.Fatal(err)
		}
		if _, err, ok := next(); err != nil || !ok {
			b.Fatal(err)
		}
	}
}

// onServer returns a client of an embedded server that has the node /n.
func onServer(b *testing.B) *zk.Client {
	srv := zktest.Start(b, zktest.Config{})
	c := connect(b, srv)
	if _, err := c.Create(b.Context(), "/n", nil, zk.Persistent); err != nil {
		b.Fatal(err)
	}
	return c
}
