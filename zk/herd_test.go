package zk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
)

const (
	herdServers = 5
	herdTimeout = 10 * time.Second
	// herdService is how long a server of the herd takes for a handshake. It takes one
	// after the other.
	herdService = 500 * time.Microsecond
)

// herd is an ensemble that knows handshakes, pings and closeSession, and records when
// clients come. It is much lighter than that of zktest, so that ten thousand clients
// fit into one test.
type herd struct {
	mu       sync.Mutex
	up       [herdServers]bool
	busy     [herdServers]time.Time // when the server has done all handshakes that it has accepted
	conns    [herdServers]map[*herdConn]bool
	seen     map[int64]time.Time // by session, when the ensemble last heard from it
	sessions int64
	dials    []time.Time
	opened   []time.Time // handshakes that were answered
	expired  int         // handshakes of sessions that have expired
}

func newHerd() *herd {
	h := &herd{seen: map[int64]time.Time{}}
	for i := range h.conns {
		h.up[i], h.conns[i] = true, map[*herdConn]bool{}
	}
	return h
}

// DialContext dials a server by its name, "0:2181" to "4:2181".
func (h *herd) DialContext(_ context.Context, _, addr string) (net.Conn, error) {
	server := int(addr[0] - '0')
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dials = append(h.dials, time.Now())
	if !h.up[server] {
		return nil, syscall.ECONNREFUSED
	}
	c := &herdConn{h: h, server: server, in: make(chan []byte, 64), closed: make(chan struct{})}
	h.conns[server][c] = true
	return c, nil
}

// set starts or stops a server. When it stops, its connections end.
func (h *herd) set(server int, up bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.up[server] = up
	if !up {
		for c := range h.conns[server] {
			c.end()
		}
		h.busy[server] = time.Time{}
	}
}

// forget forgets what was recorded.
func (h *herd) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dials, h.opened, h.expired = nil, nil, 0
}

// welcome answers a handshake, when the server has done those before it.
func (h *herd) welcome(c *herdConn, q proto.ConnectRequest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	done := now.Add(herdService)
	if busy := h.busy[c.server]; busy.After(now) {
		done = busy.Add(herdService)
	}
	h.busy[c.server] = done
	time.AfterFunc(done.Sub(now), func() { h.answer(c, q) })
}

func (h *herd) answer(c *herdConn, q proto.ConnectRequest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.conns[c.server][c] {
		return
	}
	now := time.Now()
	id, timeout := q.SessionID, q.TimeoutMillis
	last, known := h.seen[id]
	switch {
	case id == 0:
		h.sessions++
		id = h.sessions
	case !known || now.Sub(last) > time.Duration(timeout)*time.Millisecond:
		delete(h.seen, id)
		h.expired++
		id, timeout = 0, 0
	}
	if id != 0 {
		h.seen[id] = now
		h.opened = append(h.opened, now)
	}
	c.session = id
	b := serverproto.AppendConnectResponse(proto.BeginFrame(nil), proto.ConnectResponse{
		TimeoutMillis: timeout, SessionID: id, Password: make([]byte, 16),
	})
	c.reply(append(proto.EndFrame(b, 0), c.early...))
}

// serve answers a request: the ensemble has heard from its session. A request that came
// with the handshake is answered behind it.
func (h *herd) serve(c *herdConn, reply []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.session == 0 {
		c.early = append(c.early, reply...)
		return
	}
	h.seen[c.session] = time.Now()
	c.reply(reply)
}

// herdConn is a connection to a server of the herd. The server has no goroutine: Write
// answers what it gets.
type herdConn struct {
	net.Conn // nil: a client calls nothing else
	h        *herd
	server   int
	session  int64  // 0 before the handshake is answered; guarded by h.mu
	early    []byte // the replies to what came with the handshake; guarded by h.mu
	greeted  bool
	in       chan []byte
	rest     []byte
	closed   chan struct{}
	once     sync.Once
}

func (c *herdConn) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		select {
		case c.rest = <-c.in:
		case <-c.closed:
			return 0, io.EOF
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write gets whole frames: the client writes no others.
func (c *herdConn) Write(b []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	for at := 0; at < len(b); {
		size := proto.FrameLen(b[at:])
		at += proto.FrameHeader
		r := proto.NewReader(b[at : at+size])
		at += size
		if !c.greeted {
			c.greeted = true
			c.h.welcome(c, serverproto.DecodeConnectRequest(r))
			continue
		}
		q := serverproto.DecodeRequestHeader(r)
		h := serverproto.AppendReplyHeader(proto.BeginFrame(nil), proto.ReplyHeader{Xid: q.Xid, Zxid: 1})
		c.h.serve(c, proto.EndFrame(h, 0))
	}
	return len(b), nil
}

func (c *herdConn) reply(frame []byte) {
	select {
	case c.in <- frame:
	case <-c.closed:
	}
}

func (c *herdConn) end() {
	c.once.Do(func() { close(c.closed) })
	delete(c.h.conns[c.server], c)
}

func (c *herdConn) Close() error {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	c.end()
	return nil
}

// herdSize is how many clients a herd has: a few in the unit test, ten thousand by make
// herd.
func herdSize(t *testing.T) int {
	v := os.Getenv("ZOOKIT_HERD")
	if v == "" {
		return 40
	}
	n, err := strconv.Atoi(v)
	require.NoError(t, err)
	return n
}

// connectHerd connects n clients, not all at once, and lets them rest.
func connectHerd(t *testing.T, h *herd, n int, spread time.Duration) []*zk.Client {
	all := make([]*zk.Client, n)
	for i := range all {
		cfg := zk.Config{
			Servers: "0,1,2,3,4", DialContext: h.DialContext, SessionTimeout: herdTimeout,
			ReconnectSpread: spread, Background: true,
		}
		c, err := zk.Connect(t.Context(), cfg)
		require.NoError(t, err)
		all[i] = c
		if i%10 == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	for _, c := range all {
		require.NoError(t, c.Ready(inTime(t)))
	}
	time.Sleep(time.Minute)
	return all
}

// closeHerd closes the clients.
func closeHerd(t *testing.T, all []*zk.Client) {
	var closing sync.WaitGroup
	for _, c := range all {
		closing.Go(func() {
			if err := c.Close(inTime(t)); err != nil && !errors.Is(err, zk.ErrUnconfirmed) {
				t.Error(err)
			}
		})
	}
	closing.Wait()
}

// herdFigures is what an outage costs the servers.
type herdFigures struct {
	first    int           // dials in the first tenth of a second of the outage
	second   int           // dials in the first second of it
	during   int           // most dials in a second of it after that
	tenth    int           // most dials in a tenth of a second after the outage
	sessions int           // most sessions resumed or opened in a second after the outage
	all      time.Duration // until the last client was connected
	least    int           // clients of the server that has the fewest, of those that were not lost alone
	most     int           // clients of the server that has the most
	resumed  int           // clients whose session has survived
	failed   int           // dials after the outage that failed
}

func (f herdFigures) String() string {
	return fmt.Sprintf("| %d | %d | %d | %d | %d | %v | %d to %d | %d |",
		f.first, f.second, f.during, f.tenth, f.sessions, f.all.Round(10*time.Millisecond), f.least, f.most, f.resumed)
}

// busiest returns the most of the times that fall into one of the windows from start.
func busiest(times []time.Time, start time.Time, window time.Duration) int {
	count := map[time.Duration]int{}
	most := 0
	for _, at := range times {
		if at.Before(start) {
			continue
		}
		w := at.Sub(start) / window
		count[w]++
		most = max(most, count[w])
	}
	return most
}

// outage stops servers for a time, and measures how the clients come back.
func (h *herd) outage(t *testing.T, clients []*zk.Client, servers int, lasts time.Duration) (f herdFigures) {
	before := make([]int64, len(clients))
	for i, c := range clients {
		before[i] = c.Session().ID()
	}
	h.forget()
	start := time.Now()
	for i := range servers {
		h.set(i, false)
	}
	time.Sleep(lasts)
	h.mu.Lock()
	for _, at := range h.dials {
		if at.Sub(start) < time.Second/10 {
			f.first++
		}
		if at.Sub(start) < time.Second {
			f.second++
		}
	}
	f.during = busiest(h.dials, start.Add(time.Second), time.Second)
	h.mu.Unlock()
	if servers == herdServers {
		h.forget()
		start = time.Now()
	}
	for i := range servers {
		h.set(i, true)
	}
	time.Sleep(30 * time.Second)
	h.mu.Lock()
	defer h.mu.Unlock()
	f.tenth = busiest(h.dials, start, time.Second/10)
	f.sessions = busiest(h.opened, start, time.Second)
	f.all = slices.MaxFunc(h.opened, time.Time.Compare).Sub(start)
	f.failed = len(h.dials) - len(h.opened) - h.expired
	f.least = math.MaxInt
	for i, c := range h.conns {
		if servers < herdServers && i < servers {
			continue // the clients that it had do not come back to it
		}
		f.least, f.most = min(f.least, len(c)), max(f.most, len(c))
	}
	for i, c := range clients {
		if c.State() != zk.StateConnected {
			t.Errorf("client %d is %v", i, c.State())
		}
		if c.Session().ID() == before[i] {
			f.resumed++
		}
	}
	return f
}

// herdCases are the outages of which docs/hosts.md has the figures.
var herdCases = []struct {
	name    string
	servers int // that are lost
	lasts   time.Duration
	spread  time.Duration
	within  time.Duration // all clients are back; each handshake takes its time besides
}{
	{name: "five servers for 5 s", servers: 5, lasts: 5 * time.Second, within: herdTimeout / 8},
	{name: "five servers for 60 s", servers: 5, lasts: time.Minute, within: 5 * time.Second},
	{name: "one server", servers: 1, lasts: 5 * time.Second},
	{name: "five servers for 5 s", servers: 5, lasts: 5 * time.Second, spread: time.Second, within: herdTimeout / 8},
	{name: "one server", servers: 1, lasts: 5 * time.Second, spread: time.Second, within: time.Second},
}

// failures: 9: many clients lose an ensemble of five servers, or one server of it, and
// get it back. After the first second of the outage they dial at a bounded rate. They
// come back in bounded time, not all at once, and spread evenly over the servers.
func TestHerd_ComesBackInBoundedTimeAndEvenly(t *testing.T) {
	n := herdSize(t)
	for _, c := range herdCases {
		t.Run(fmt.Sprintf("%s, spread %v", c.name, c.spread), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHerd()
				clients := connectHerd(t, h, n, c.spread)
				f := h.outage(t, clients, c.servers, c.lasts)
				t.Logf("| %s | %v %v", c.name, c.spread, f)
				closeHerd(t, clients)

				// A bound of seven standard deviations: no run of the test exceeds it by chance.
				likely := func(n, share float64) float64 { return n*share + 7*math.Sqrt(n*share*(1-share)) }
				lost := float64(n) // clients that lose their server
				left := float64(herdServers)
				if c.servers == 1 {
					lost, left = likely(float64(n), 1.0/herdServers), herdServers-1
				}
				require.LessOrEqual(t, f.all, c.within+time.Duration(n)*herdService+100*time.Millisecond)
				require.LessOrEqual(t, float64(f.most), likely(float64(n), 1/left))
				require.LessOrEqual(t, f.during, 20*n, "two rounds over the servers a second, and half as many again by chance")
				if c.servers == herdServers {
					require.LessOrEqual(t, float64(f.tenth), likely(lost, 0.2), "half as many again as with pauses of an eighth of the timeout")
				} else if c.spread > 0 {
					require.LessOrEqual(t, float64(f.tenth), likely(lost, 0.1/c.spread.Seconds()))
				}
				if c.lasts < herdTimeout {
					require.Equal(t, n, f.resumed)
					require.Zero(t, f.failed)
				} else {
					require.Zero(t, f.resumed)
				}
			})
		})
	}
}
