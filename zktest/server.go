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
)

// Server is an embedded ZooKeeper: one tree and one set of sessions behind one
// or more members. Its methods are safe for concurrent use.
type Server struct {
	cfg   Config
	log   *slog.Logger
	start time.Time

	wg   sync.WaitGroup
	done chan struct{} // closed by Close
	kick chan struct{} // cap 1; makes the clock look again

	requests  atomic.Int64
	onRequest atomic.Pointer[func(Request) Verdict]
	onConnect atomic.Pointer[func(Connect) Verdict]

	// mu guards everything below, and all state of members, connections and
	// sessions. It is held for the execution of one request at a time and
	// never while anything blocks. Order: mu before outbox.mu and pipe.mu.
	mu          sync.Mutex
	closed      bool
	members     []*member // of server n at n-1
	listeners   []net.Listener
	tree        *tree
	sessions    map[int64]*session
	lastSession int64
	dials       int
	readOnly    bool
	isolated    bool          // the first member, the leader, has lost its followers
	clockWakes  time.Duration // when the clock looks again by itself
	nextReap    time.Duration
	scratch     []byte // of event frames
}

// New returns a running server. It listens nowhere: clients reach it through
// DialContext, through Listen, or with connections given to ServeConn.
//
// Called inside a testing/synctest bubble it belongs to the bubble, which then
// has to end with Close.
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
		kick:     make(chan struct{}, 1),
		tree:     newTree(),
		sessions: make(map[int64]*session),
	}
	// The shape of a real id: the server's number in the first byte, and
	// behind it a part of the time, so that ids of two servers differ.
	s.lastSession = 1<<56 | s.start.UnixMilli()<<24>>8&(1<<56-1)
	for i := range cfg.Servers {
		s.members = append(s.members, newMember(s, i+1))
	}
	s.wg.Go(s.runClock)
	return s, nil
}

// Start is New for a test: it fails tb when the Config is wrong, and closes the
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

// Close cuts every connection, stops listening and returns when every goroutine
// of the server has ended. Closing again does nothing.
//
//  1. Nothing new: listeners are closed, dials are refused.
//  2. Connections are killed, which ends their reads, writes and waits.
//  3. The clock is stopped. Last of all come the goroutines: all of them are
//     on their way out by now, unless a hook is still running.
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
// "zk1:2181,zk2:2181". Only DialContext understands them.
func (s *Server) ConnectString() string {
	names := make([]string, len(s.members))
	for i := range names {
		names[i] = memberName(i + 1)
	}
	return strings.Join(names, ",")
}

func memberName(id int) string { return fmt.Sprintf("zk%d:2181", id) }

// connsOf returns the connections of a member, or of all for 0. mu is held.
func (s *Server) connsOf(server int) []*conn {
	var out []*conn
	for _, m := range s.membersOf(server) {
		for c := range m.conns {
			out = append(out, c)
		}
	}
	return out
}

// membersOf returns one member, or all for 0. A number that no member has is a
// mistake of the test that gives it.
func (s *Server) membersOf(server int) []*member {
	if server == 0 {
		return s.members
	}
	if server < 0 || server > len(s.members) {
		panic(fmt.Sprintf("zktest: there is no server %d, only 1 to %d", server, len(s.members)))
	}
	return s.members[server-1 : server]
}
