package zk_test

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// wire notes when requests left a client and when their replies reached it.
type wire struct {
	mu    sync.Mutex
	hello time.Time // the handshake of the only connection
	sent  []*leaderRequest
}

// leaderRequest is a request that the leader takes part in.
type leaderRequest struct {
	xid            int32
	sent, answered time.Time
}

func (w *wire) on(srv *zktest.Server) func(*zk.Config) {
	return func(cfg *zk.Config) {
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := srv.DialContext(ctx, network, addr)
			return &wireConn{Conn: nc, w: w}, err
		}
	}
}

type wireConn struct {
	net.Conn
	w       *wire
	out, in []byte
}

func (c *wireConn) Write(b []byte) (int, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.out = append(c.out, b...)
	for f := cutFrame(&c.out); f != nil; f = cutFrame(&c.out) {
		var h proto.RequestHeader
		h.Decode(proto.NewReader(f))
		switch {
		case c.w.hello.IsZero():
			c.w.hello = time.Now()
		case h.Op == proto.OpSync || h.Op == proto.OpMulti || h.Op == proto.OpSetData:
			c.w.sent = append(c.w.sent, &leaderRequest{xid: h.Xid, sent: time.Now()})
		}
	}
	return c.Conn.Write(b)
}

func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.in = append(c.in, b[:n]...)
	for f := cutFrame(&c.in); f != nil; f = cutFrame(&c.in) {
		var h proto.ReplyHeader
		h.Decode(proto.NewReader(f))
		for _, r := range c.w.sent {
			if r.xid == h.Xid && r.answered.IsZero() {
				r.answered = time.Now()
			}
		}
	}
	return n, err
}

// heartbeats is how many requests of the leader's the client has sent.
func (w *wire) heartbeats() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sent)
}

// cutFrame takes the first whole frame off b, without its length.
func cutFrame(b *[]byte) []byte {
	if len(*b) < proto.FrameHeader || len(*b) < proto.FrameHeader+proto.FrameLen(*b) {
		return nil
	}
	f := (*b)[proto.FrameHeader : proto.FrameHeader+proto.FrameLen(*b)]
	*b = (*b)[proto.FrameHeader+len(f):]
	return f
}

// confirmed is the moment that the lease counts from, by the rule and by nothing
// that the client remembers: the send time of the newest request whose answer
// had come before another one was written that is answered too.
func (w *wire) confirmed() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := w.hello
	for _, r := range w.sent {
		for _, later := range w.sent {
			if !r.answered.IsZero() && !later.answered.IsZero() && later.sent.After(r.answered) && r.sent.After(from) {
				from = r.sent
			}
		}
	}
	return from
}

// failures: 4: the lease counts from what was sent, never from when an answer came
// or a loss was noticed: however slow the answers, and at whatever moment of a
// heartbeat the server falls silent, the guard ends at the time that the rule
// gives, which is before the server lets the node go.
func TestGuard_EndsByTheSendTimesOnTheWire(t *testing.T) {
	for _, slow := range []time.Duration{0, 300 * time.Millisecond, 1300 * time.Millisecond} {
		for phase := range 5 { // of the heartbeat, half a second
			for _, writes := range []bool{false, true} {
				name := slow.String() + " " + strconv.Itoa(phase) + " writes " + strconv.FormatBool(writes)
				t.Run(name, func(t *testing.T) {
					bubble(t, 1, func(t *testing.T, srv *zktest.Server) { guardOnTheWire(t, srv, slow, phase, writes) })
				})
			}
		}
	}
}

func guardOnTheWire(t *testing.T, srv *zktest.Server, slow time.Duration, phase int, writes bool) {
	var w wire
	c := connect(t, srv, w.on(srv))
	const T = 6 * time.Second
	made, err := c.Create(t.Context(), "/e", nil, zk.Ephemeral)
	require.NoError(t, err)
	guard, release, err := c.Session().Guard(t.Context())
	require.NoError(t, err)
	defer release()
	srv.Delay(1, slow)
	for range 20 {
		if writes {
			_, err := c.Set(t.Context(), made.Path, nil, zk.AnyVersion)
			require.NoError(t, err)
		}
		_, err := c.Get(t.Context(), made.Path) // proves nothing
		require.NoError(t, err)
		time.Sleep(T / 25)
	}
	time.Sleep(time.Duration(phase) * 97 * time.Millisecond)
	require.NoError(t, guard.Err())

	cut := time.Now()
	srv.Silence(1, true)
	<-guard.Done()
	ended := time.Now()
	require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
	require.Equal(t, T*5/8, ended.Sub(w.confirmed()))
	require.Less(t, ended.Sub(cut), T*5/8)
	for srv.Exists(made.Path) {
		time.Sleep(10 * time.Millisecond)
	}
	// The server may have kept the newest touch to itself for a quarter of T.
	require.Greater(t, time.Since(ended), T/4, "there is room for what the leader was not told")
	srv.Silence(1, false)
	srv.Delay(1, 0)
}
