package zk_test

import (
	"context"
	"net"
	"slices"
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

// wire records when requests left a client and when their replies reached it.
type wire struct {
	mu    sync.Mutex
	hello time.Time // the handshake of the only connection
	order int       // counts what happened, since much happens at one instant
	sent  []*wireRequest
}

// wireRequest is one request. The order of an answer is 0 while there is none.
type wireRequest struct {
	xid                  int32
	leader               bool // the leader takes part in it
	sent, answered       time.Time
	sentOrder, doneOrder int
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
		h := serverproto.DecodeRequestHeader(proto.NewReader(f))
		c.w.order++
		if c.w.hello.IsZero() {
			c.w.hello = time.Now()
			continue
		}
		leader := h.Op == proto.OpSync || h.Op == proto.OpMulti || h.Op == proto.OpSetData
		c.w.sent = append(c.w.sent, &wireRequest{xid: h.Xid, leader: leader, sent: time.Now(), sentOrder: c.w.order})
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
		c.w.order++
		for _, r := range c.w.sent {
			if r.xid == h.Xid && r.doneOrder == 0 {
				r.answered, r.doneOrder = time.Now(), c.w.order
				break
			}
		}
	}
	return n, err
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

// heartbeats is how many requests of the leader's the client has sent.
func (w *wire) heartbeats() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.sent {
		if r.leader {
			n++
		}
	}
	return n
}

// from is the moment from which the lease counts. It is computed by the rule from
// the bytes on the wire, and not from the client's state. Two answered requests of
// the leader's, the second written after the answer to the first, prove the requests
// that had been answered a quarter and a 24th of T before the first was sent.
func (w *wire) from(T time.Duration) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := w.hello
	for _, first := range w.sent {
		if !first.leader || !w.proven(first) {
			continue
		}
		for _, r := range w.sent {
			early := r.doneOrder > 0 && !r.answered.After(first.sent.Add(-T/4-T/24))
			if early && r.sent.After(from) {
				from = r.sent
			}
		}
	}
	return from
}

// proven reports whether another of the leader's requests was written after the
// answer to first, and answered.
func (w *wire) proven(first *wireRequest) bool {
	return first.doneOrder > 0 && slices.ContainsFunc(w.sent, func(second *wireRequest) bool {
		return second.leader && second.sentOrder > first.doneOrder && second.doneOrder > 0
	})
}

// failures: 4: the lease counts from what was sent, never from when an answer came
// or a loss was noticed: however slow the answers, and at whatever moment of a
// heartbeat the server falls silent, the guard ends at the time that the rule
// gives, which is before the server lets the node go.
func TestGuard_EndsByTheSendTimesOnTheWire(t *testing.T) {
	for _, slow := range []time.Duration{0, 300 * time.Millisecond, 700 * time.Millisecond} {
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
		_, err := c.Get(t.Context(), made.Path) // renews nothing
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
	late := ended.Sub(w.from(T).Add(T - T/24))
	require.LessOrEqual(t, late, time.Duration(0))
	require.Greater(t, late, -T/24, "the client remembers one answer in each 24th of T")
	require.Less(t, ended.Sub(cut), T*3/4)
	for srv.Exists(made.Path) {
		time.Sleep(10 * time.Millisecond)
	}
	// The server may have kept the newest touch to itself for a quarter of T.
	require.Greater(t, time.Since(ended), T/4, "there is a margin for requests that were not reported to the leader")
	srv.Silence(1, false)
	srv.Delay(1, 0)
}
