package ensemble_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/ensemble"
)

// pause is how long a test checks that no bytes arrive.
const pause = 60 * time.Millisecond

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

func nothing[T any](t *testing.T, c <-chan T) {
	t.Helper()
	select {
	case v := <-c:
		require.FailNow(t, "came although it must not", "%v", v)
	case <-time.After(pause):
	}
}

func TestProxy_CarriesFramesHoweverTheyAreTorn(t *testing.T) {
	s, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	require.Equal(t, []byte("0123456789abcdef"), p.Password(7))
	rnd := rand.New(rand.NewPCG(1, 2))
	var all []byte
	const n = 300
	for i := range n {
		start := len(all)
		all = proto.RequestHeader{Xid: int32(i + 1), Op: proto.OpCreate2}.Append(proto.BeginFrame(all))
		all = append(all, make([]byte, rnd.IntN(3000))...)
		all = proto.EndFrame(all, start)
	}
	sent := make(chan error, 1)
	go func() {
		for len(all) > 0 {
			k := min(len(all), 1+rnd.IntN(5000))
			if _, err := c.nc.Write(all[:k]); err != nil {
				sent <- err
				return
			}
			all = all[k:]
		}
		sent <- nil
	}()
	for i := range n {
		require.EqualValues(t, i+1, receive(t, s.got).Xid)
		require.EqualValues(t, i+1, c.reply().Xid)
	}
	require.NoError(t, receive(t, sent))
	require.Equal(t, n, p.Requests())
	require.Equal(t, n, p.Requests(int32(proto.OpCreate2)))
	require.Zero(t, p.Requests(int32(proto.OpDelete)))
}

func TestProxy_BlackholeToServerHoldsRequestsAndTheEnd(t *testing.T) {
	s, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	p.Blackhole(ensemble.ToServer, true)
	c.send(proto.OpSync, syncTo("/"))
	c.send(proto.OpDelete, exists("/"))
	require.NoError(t, c.nc.CloseWrite())
	nothing(t, s.got)
	nothing(t, s.ended)
	p.Heal()
	require.Equal(t, proto.OpSync, receive(t, s.got).Op)
	require.Equal(t, proto.OpDelete, receive(t, s.got).Op)
	require.NoError(t, receive(t, s.ended))
}

func TestProxy_BlackholeToClientHoldsRepliesOnly(t *testing.T) {
	s, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	p.Blackhole(ensemble.ToClient, true)
	first := c.send(proto.OpSync, syncTo("/"))
	second := c.send(proto.OpSync, syncTo("/"))
	receive(t, s.got)
	receive(t, s.got)
	c.silence(pause)
	p.Heal()
	require.Equal(t, first, c.reply().Xid)
	require.Equal(t, second, c.reply().Xid)
}

// A client that resets its connection repeats no bytes. The server learns of the
// reset only when the silence is over.
func TestProxy_BlackholeHidesAReset(t *testing.T) {
	s, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	p.Blackhole(ensemble.ToServer, true)
	c.send(proto.OpSync, syncTo("/"))
	require.NoError(t, c.nc.SetLinger(0))
	require.NoError(t, c.nc.Close())
	nothing(t, s.ended)
	p.Heal()
	require.ErrorIs(t, receive(t, s.ended), syscall.ECONNRESET)
	nothing(t, s.got)
}

// When a server closes the connection behind a silence, the client does not notice.
// Later the server's last bytes arrive first.
func TestProxy_BlackholeHidesTheServersEnd(t *testing.T) {
	s, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	server := receive(t, s.opened)
	p.Blackhole(ensemble.ToClient, true)
	xid := c.send(proto.OpSync, syncTo("/"))
	receive(t, s.got)
	require.NoError(t, server.(*net.TCPConn).CloseWrite())
	c.silence(pause)
	p.Heal()
	require.Equal(t, xid, c.reply().Xid)
	_, err := c.tryReply(patience)
	require.ErrorIs(t, err, io.EOF)
}

func TestProxy_NewConnectionsReachTheServerWhenTheSilenceEnds(t *testing.T) {
	s, p := behindProxy(t)
	p.Blackhole(ensemble.BothWays, true)
	gone, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	_, err = gone.Write([]byte{0, 0, 0, 1, 0})
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	stays, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	defer stays.Close()
	nothing(t, s.opened)
	p.Heal()
	receive(t, s.opened)
	nothing(t, s.opened) // the other one was given up by its client
	require.Eventually(t, func() bool { return p.Connections() == 1 }, patience, time.Millisecond)
	require.Equal(t, 2, p.Accepted())
}

func TestProxy_DelayShiftsWithoutReorderingOrSlowing(t *testing.T) {
	_, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	const d = 50 * time.Millisecond
	p.Delay(ensemble.ToServer, d)
	p.Delay(ensemble.ToClient, d)
	start := time.Now()
	for range 20 {
		c.send(proto.OpSync, syncTo("/"))
	}
	for i := range 20 {
		require.EqualValues(t, i+1, c.reply().Xid)
	}
	took := time.Since(start)
	require.GreaterOrEqual(t, took, 2*d)
	require.Less(t, took, 20*d, "each waited for the one before")
	// What is held passes at once when the delay ends.
	p.Delay(ensemble.BothWays, time.Hour)
	xid := c.send(proto.OpSync, syncTo("/"))
	c.silence(pause)
	p.Heal()
	require.Equal(t, xid, c.reply().Xid)
}

func TestProxy_LimitRate(t *testing.T) {
	_, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	p.LimitRate(ensemble.ToServer, 100_000)
	start := time.Now()
	c.call(proto.OpCreate, func(b []byte) []byte { return append(b, make([]byte, 20_000)...) })
	require.GreaterOrEqual(t, time.Since(start), 190*time.Millisecond)
	p.LimitRate(ensemble.ToServer, 1)
	xid := c.send(proto.OpSync, syncTo("/"))
	c.silence(pause)
	p.Heal()
	require.Equal(t, xid, c.reply().Xid)
}

func TestProxy_RefuseAndCut(t *testing.T) {
	s, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	p.Refuse(true)
	p.Refuse(true)
	_, err := net.Dial("tcp", p.Addr())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	c.ping() // what exists goes on
	p.Blackhole(ensemble.BothWays, true)
	p.Cut()
	_, err = c.tryReply(patience)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.ErrorIs(t, receive(t, s.ended), syscall.ECONNRESET)
	p.Heal()
	dial(t, p.Addr(), time.Second).ping()
}

func TestProxy_SwallowsExactlyOneReply(t *testing.T) {
	s, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	happened, _ := p.SwallowNext(ensemble.Swallow{Ops: []int32{1}})
	c.ping()
	c.call(proto.OpDelete, exists("/"))
	nothing(t, happened)
	c.send(proto.OpCreate2, create("/a", 0)) // a newer form of create
	next := c.send(proto.OpSync, syncTo("/"))
	require.Equal(t, next, c.reply().Xid, "the reply before it is gone")
	receive(t, happened)
	c.call(proto.OpCreate2, create("/b", 0))
	for _, want := range []proto.OpCode{proto.OpPing, proto.OpDelete, proto.OpCreate2, proto.OpSync, proto.OpCreate2} {
		require.Equal(t, want, receive(t, s.got).Op)
	}
}

func TestProxy_SwallowCutsIfAsked(t *testing.T) {
	s, p := behindProxy(t)
	other := dial(t, p.Addr(), time.Second)
	c := dial(t, p.Addr(), time.Second)
	happened, _ := p.SwallowNext(ensemble.Swallow{Cut: true})
	c.ping() // any request means any but pings
	c.send(proto.OpSync, syncTo("/"))
	c.broken()
	receive(t, happened)
	other.call(proto.OpSync, syncTo("/"))
	require.Equal(t, proto.OpPing, receive(t, s.got).Op)
	require.Equal(t, proto.OpSync, receive(t, s.got).Op)
}

func TestProxy_SwallowAppliesToItsSessionUntilCancelled(t *testing.T) {
	_, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	foreign, cancelForeign := p.SwallowNext(ensemble.Swallow{Session: 8})
	mine, cancelMine := p.SwallowNext(ensemble.Swallow{Session: 7, Ops: []int32{11}})
	cancelMine()
	c.ping()
	c.call(proto.OpSync, syncTo("/"))
	nothing(t, mine)
	nothing(t, foreign)
	cancelForeign()
	cancelForeign()
}

// The connection breaks before the reply. The order has not taken effect, so it
// stays.
func TestProxy_SwallowOutlivesABrokenConnection(t *testing.T) {
	s, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	happened, _ := p.SwallowNext(ensemble.Swallow{})
	p.Blackhole(ensemble.ToClient, true)
	c.send(proto.OpSync, syncTo("/"))
	receive(t, s.got)
	p.Cut()
	nothing(t, happened)
	p.Heal()
	c = dial(t, p.Addr(), time.Second)
	c.send(proto.OpSync, syncTo("/"))
	receive(t, happened)
	c.silence(pause)
}

func TestProxy_CutAfterForwardLetsTheRequestArrive(t *testing.T) {
	s, p := behindProxy(t)
	for range 20 {
		c := dial(t, p.Addr(), time.Second)
		happened, _ := p.CutAfterForward(ensemble.Swallow{Ops: []int32{2}})
		c.send(proto.OpDelete, exists("/"))
		receive(t, happened)
		c.broken()
		require.Equal(t, proto.OpDelete, receive(t, s.got).Op)
	}
}

func TestProxy_PassesOnWhatIsNotTheProtocol(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	p, err := ensemble.NewProxy(ln.Addr().String())
	require.NoError(t, err)
	defer p.Close()
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	defer c.Close()
	s, err := ln.Accept()
	require.NoError(t, err)
	defer s.Close()
	_, err = c.Write([]byte("srvr"))
	require.NoError(t, err)
	word := make([]byte, 4)
	_, err = io.ReadFull(s, word)
	require.NoError(t, err)
	require.Equal(t, "srvr", string(word))
	_, err = s.Write([]byte("Zookeeper version: 9"))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "Zookeeper version: 9", string(answer))
}

func TestProxy_WithoutAServerBehindIt(t *testing.T) {
	p, err := ensemble.NewProxy("127.0.0.1:1")
	require.NoError(t, err)
	c, err := net.Dial("tcp", p.Addr())
	if err == nil { // or the reset was faster than Dial
		_, err = c.Read(make([]byte, 1))
		c.Close()
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.NoError(t, p.Close())
	require.NoError(t, p.Close())
	_, err = net.Dial("tcp", p.Addr())
	require.Error(t, err)
}

// Faults begin and end at random under load. No byte is lost, doubled or reordered,
// and Close leaves nothing (TestMain checks the goroutines).
func TestProxy_RandomFaultsNeverLoseOrReorderBytes(t *testing.T) {
	_, p := behindProxy(t)
	c := dial(t, p.Addr(), time.Second)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		rnd := rand.New(rand.NewPCG(3, 4))
		for ctx.Err() == nil {
			d := ensemble.Direction(1 + rnd.IntN(3))
			switch rnd.IntN(4) {
			case 0:
				p.Blackhole(d, rnd.IntN(2) == 0)
			case 1:
				p.Delay(d, time.Duration(rnd.IntN(3))*time.Millisecond)
			case 2:
				p.LimitRate(d, rnd.IntN(2)*1_000_000)
			case 3:
				p.Heal()
			}
		}
	}()
	const n = 3000
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range n {
			c.send(proto.OpSync, syncTo("/"))
		}
	}()
	for i := range n / 2 {
		require.EqualValues(t, i+1, c.reply().Xid)
	}
	stop()
	<-done
	p.Heal()
	for i := n / 2; i < n; i++ {
		require.EqualValues(t, i+1, c.reply().Xid)
	}
	<-sent
}

// A server restarts at another address, as in a container. The proxy's address
// stays, and each new connection goes to the server's present address.
func TestProxy_FollowsAServerThatMoves(t *testing.T) {
	first, _ := behindProxy(t)
	second, _ := behindProxy(t)
	var at atomic.Pointer[string]
	move := func(addr string) { at.Store(&addr) }
	move(first.ln.Addr().String())
	p, err := ensemble.NewProxyTo(func() string { return *at.Load() })
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })

	old := dial(t, p.Addr(), time.Second)
	move(second.ln.Addr().String())
	c := dial(t, p.Addr(), time.Second)
	c.call(proto.OpExists, exists("/"))
	receive(t, second.got)
	old.call(proto.OpExists, exists("/"))
	receive(t, first.got)

	move("") // nowhere
	nc, err := net.Dial("tcp", p.Addr())
	if err == nil { // else the reset came before Dial had looked
		defer nc.Close()
		_, err = io.ReadAll(nc)
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
	old.call(proto.OpExists, exists("/"))
}
