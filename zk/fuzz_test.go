package zk_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
)

// FuzzConn feeds a client, with requests of every kind in flight, arbitrary bytes
// for its server's stream: nothing panics, every request ends, and nothing is
// left running.
//
// failures: 37, 38, 121
func FuzzConn(f *testing.F) {
	// In the order in which the client below asks, so with xids from 1.
	ops := []proto.OpCode{
		proto.OpAddWatch, proto.OpGetData, proto.OpExists, proto.OpGetChildren2, proto.OpGetACL,
		proto.OpCreate2, proto.OpSetData, proto.OpMulti, proto.OpSync, proto.OpDelete,
	}
	var all, refused, watched []byte
	for i, op := range ops {
		q := asked{RequestHeader: proto.RequestHeader{Xid: int32(i + 1), Op: op}, body: proto.AppendString(nil, "/n")}
		one := good(q)
		if op == proto.OpMulti {
			one = replyTo(q.Xid, 10, proto.OK, serverproto.AppendMultiResponse(nil, []proto.MultiResult{
				{Op: proto.OpCreate, Path: "/n"}, {Op: proto.OpSetData, Stat: aStat}, {Op: proto.OpDelete}, {Op: proto.OpCheck},
			}))
		}
		all = append(all, one...)
		refused = append(refused, replyTo(q.Xid, 10, -101-proto.ErrCode(i), nil)...)
		watched = append(append(watched, one...), event(11, proto.EventType(i%5), "/n")...)
		f.Add(append(all[:len(all):len(all)], event(-1, proto.EventDeleted, "/n/child")...), byte(3))
		f.Add(append(all[:len(all):len(all)], 0, 0, 0, byte(i)), byte(255))
		f.Add(replyTo(1, 0, proto.OK, all), byte(7))
	}
	f.Add(all, byte(0))
	f.Add(refused, byte(200))
	f.Add(watched, byte(1))
	f.Add(replyTo(1, -5, proto.OK, make([]byte, 8<<10)), byte(100)) // over the limit
	f.Fuzz(func(t *testing.T, stream []byte, chunk byte) {
		synctest.Test(t, func(t *testing.T) { fuzzConn(t, stream, int(chunk)+1, len(ops)) })
	})
}

func fuzzConn(t *testing.T, stream []byte, chunk, requests int) {
	s := &script{play: []func(*scripted){func(c *scripted) {
		for range requests {
			<-c.requests
		}
		for len(stream) > 0 {
			n := min(chunk, len(stream))
			if c.say(stream[:n]) != nil {
				break
			}
			stream = stream[n:]
		}
		if chunk%2 == 0 {
			c.drain() // silence, and not the end
		}
	}}}
	c := s.client(t, func(cfg *zk.Config) { cfg.MaxReplySize = 4 << 10 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	subscribed := make(chan *zk.Subscription, 1)
	go func() {
		sub, _ := c.Subscribe(ctx, "/n", zk.Recursive())
		subscribed <- sub
	}()
	synctest.Wait()
	one := func() *zk.Pipeline { return c.Pipeline() } // each of them on its own
	get, exists := one().GetW(ctx, "/n"), one().ExistsW(ctx, "/n")
	children, acl := one().ChildrenW(ctx, "/n"), one().GetACL(ctx, "/n")
	create, set := one().Create(ctx, "/n", nil, zk.Persistent), one().Set(ctx, "/n", nil, 0)
	multi := one().Multi(ctx, zk.CreateOp("/n", nil, zk.Persistent), zk.SetOp("/n", nil, 0), zk.DeleteOp("/n", 0), zk.CheckOp("/n", 0))
	sync, del := one().Sync(ctx, "/n"), one().Delete(ctx, "/n", 0)

	for _, done := range []<-chan struct{}{
		get.Done(), exists.Done(), children.Done(), acl.Done(), create.Done(), set.Done(), multi.Done(), sync.Done(), del.Done(),
	} {
		select {
		case <-done:
		case <-ctx.Done():
			t.Fatal("a request has not ended")
		}
	}
	if n, err := get.Wait(ctx); err == nil {
		n.Watch.Stop()
	}
	if e, err := exists.Wait(ctx); err == nil {
		e.Watch.Stop()
	}
	if l, err := children.Wait(ctx); err == nil {
		l.Watch.Stop()
	}
	if results, err := multi.Wait(ctx); err == nil {
		require.Len(t, results, 4)
	}
	_, _ = acl.Wait(ctx)
	_, _ = create.Wait(ctx)
	if sub := <-subscribed; sub != nil {
		waiting(t, sub)
		require.NoError(t, sub.Close())
	}
	require.Zero(t, zk.WatchedPaths(c))
}

// FuzzPath compares ValidatePath with the rules of Apache ZooKeeper, which looks
// at the UTF-16 units of a path.
func FuzzPath(f *testing.F) {
	for _, c := range pathCases {
		f.Add(c.path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		err := zk.ValidatePath(path)
		if !utf8.ValidString(path) {
			require.ErrorIs(t, err, zk.ErrInvalidPath, "%q cannot be sent", path)
			return
		}
		if javaAccepts(path) {
			require.NoError(t, err, "%q", path)
			require.NoError(t, zk.ValidatePath(zk.Parent(path)))
			require.NoError(t, zk.ValidatePath(zk.Join(path, "x")))
			require.Equal(t, path, zk.Parent(zk.Join(path, "x")))
		} else {
			require.ErrorIs(t, err, zk.ErrInvalidPath, "%q", path)
		}
	})
}

// javaAccepts is the rule of the server, unit by unit.
func javaAccepts(path string) bool {
	u := utf16.Encode([]rune(path))
	if len(u) == 0 || u[0] != '/' {
		return false
	}
	if len(u) == 1 {
		return true
	}
	if u[len(u)-1] == '/' {
		return false
	}
	ends := func(i int) bool { return i == len(u) || u[i] == '/' }
	for i := 1; i < len(u); i++ {
		switch c := u[i]; {
		case c == '/' && u[i-1] == '/',
			c == '.' && u[i-1] == '/' && ends(i+1),
			c == '.' && u[i-1] == '.' && i >= 2 && u[i-2] == '/' && ends(i+1),
			c <= 0x1f, c >= 0x7f && c <= 0x9f, c >= 0xd800 && c <= 0xf8ff, c >= 0xfff0:
			return false
		}
	}
	return true
}

// FuzzConnectString: an accepted string names hosts that can be dialled and a chroot
// that is a path. Put together from these parts, it is parsed to the same.
func FuzzConnectString(f *testing.F) {
	for _, c := range connectStrings {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		hosts, root, err := zk.ParseServers(in)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NotEmpty(t, hosts)
		for _, h := range hosts {
			host, port, err := net.SplitHostPort(h)
			require.NoError(t, err, "%q of %q", h, in)
			require.NotEmpty(t, host)
			require.NotEmpty(t, port)
		}
		if root != "" {
			require.NoError(t, zk.ValidatePath(root))
			require.NotEqual(t, "/", root)
		}
		again, root2, err := zk.ParseServers(strings.Join(hosts, ",") + root)
		require.NoError(t, err)
		require.Equal(t, hosts, again)
		require.Equal(t, root, root2)
	})
}
