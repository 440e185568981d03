package zktest

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/xsync"
)

// Server is an embedded ZooKeeper ensemble: one tree and one set of sessions, served
// by one or more members. Its methods are safe for concurrent use.
type Server struct {
	cfg   Config
	log   *slog.Logger
	start time.Time

	wg        sync.WaitGroup
	done      chan struct{} // closed by Close
	wakeClock xsync.Wakeup  // wakes runClock

	requests  atomic.Int64
	onRequest atomic.Pointer[func(Request) Verdict]
	onConnect atomic.Pointer[func(Connect) Verdict]

	// mu guards everything below, and the state of members, connections and
	// sessions. It is held while a request is executed, and never while anything
	// blocks. Lock order: mu before outbox.mu and pipe.mu.
	mu          sync.Mutex
	closed      bool
	members     []*member // server n is members[n-1]
	listeners   []net.Listener
	tree        *tree
	config      *quorumConfig // nil: the server runs alone
	sessions    map[int64]*session
	lastSession int64
	dials       int
	required    []string      // see RequireAuth
	isolated    bool          // the first member, the leader, has lost its followers
	clockWakes  time.Duration // when the clock's timer fires
	nextReap    time.Duration
	scratch     []byte // a buffer for event frames
}

// New returns a running server. Clients reach it through DialContext, through
// Listen, or by a connection that is given to ServeConn. Close stops it.
//
// A server that is made inside a testing/synctest bubble belongs to the bubble. It
// has to be closed before the bubble ends.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:      cfg,
		log:      cfg.Logger,
		start:    time.Now(),
		done:     make(chan struct{}),
		sessions: make(map[int64]*session),
	}
	// Real session ids look like this: the server's number in the first byte,
	// and a part of the time behind it. So the ids of two servers differ.
	s.lastSession = 1<<56 | s.start.UnixMilli()<<24>>8&(1<<56-1)
	s.resetTree()
	for i := range cfg.Servers {
		s.members = append(s.members, newMember(s, i+1))
	}
	s.wg.Go(s.runClock)
	return s, nil
}

// Start is New for a test. It fails tb if the Config is invalid, and it closes the
// server when tb ends.
func Start(tb testing.TB, cfg Config) *Server {
	tb.Helper()
	s, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// Close stops the server. It returns when all goroutines of the server have ended,
// and always returns nil. Closing again does nothing.
//
//  1. Listeners are closed, and DialContext fails from now on.
//  2. All connections are closed, which ends their reads, writes and waits.
//  3. The clock is stopped.
//  4. Close waits for the goroutines. Only a hook that is still running can delay
//     it.
func (s *Server) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	listeners := s.listeners
	s.listeners = nil
	conns := s.connsOf(0)
	s.mu.Unlock()

	for _, l := range listeners {
		l.Close()
	}
	for _, c := range conns {
		c.kill(false)
	}
	if first {
		close(s.done)
	}
	s.wg.Wait()
	return nil
}

// ConnectString returns the names of all members, for instance
// "zk1:2181,zk2:2181". Only DialContext knows these names.
func (s *Server) ConnectString() string {
	names := make([]string, len(s.members))
	for i := range names {
		names[i] = memberName(i + 1)
	}
	return strings.Join(names, ",")
}

func memberName(id int) string { return fmt.Sprintf("zk%d:2181", id) }

// connsOf returns the connections of a member; 0 means all members. mu is held.
func (s *Server) connsOf(server int) []*conn {
	var out []*conn
	for _, m := range s.membersOf(server) {
		for c := range m.conns {
			out = append(out, c)
		}
	}
	return out
}

// membersOf returns one member; 0 means all members. It panics for any other
// number, which is a mistake in the test.
func (s *Server) membersOf(server int) []*member {
	if server == 0 {
		return s.members
	}
	if server < 0 || server > len(s.members) {
		panic(fmt.Sprintf("zktest: there is no server %d, only 1 to %d", server, len(s.members)))
	}
	return s.members[server-1 : server]
}
