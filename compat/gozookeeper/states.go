package zk

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// states reports the states of a Conn, and holds back those that go-zookeeper would not
// have seen.
//
// zookit's client leaves a server that has not answered for a quarter of the session
// timeout. go-zookeeper waits for two thirds. Programs take StateDisconnected for the end
// of their locks: by a short silence they would lose one that they would have kept. So
// what follows a silence is held back until go-zookeeper would have noticed it. If the
// session goes on before that, it is not reported at all.
type states struct {
	events *events
	heard  atomic.Int64 // when a server was last heard, in nanoseconds after began

	mu      sync.Mutex // guards the fields below, and the order of what is reported
	shown   State
	last    State // also of what is held back
	timeout time.Duration
	closed  bool // Close was called; nothing is held back any more
	held    []Event
	timer   *time.Timer // runs while states are held back, else nil
	silence int         // how many there were; the timer is that of the last one
}

// began is the beginning of the time in which states are measured.
var began = time.Now()

// hear says that a server was heard.
func (s *states) hear() { s.heard.Store(int64(time.Since(began))) }

// unheard returns for how long no server was heard.
func (s *states) unheard() time.Duration {
	return time.Since(began) - time.Duration(s.heard.Load())
}

// patience is how much longer go-zookeeper waits for a silent server than zookit. A silence
// that was noticed late, as after a stop of the process, has used up some of it. Without a
// stop it is noticed after a third of the timeout at most.
func (s *states) patience() time.Duration {
	t := s.timeout
	return min(t*2/3-t/4, t*3/4-s.unheard())
}

// heardConn is a connection that says when its server is heard.
type heardConn struct {
	net.Conn
	states *states
}

func (c heardConn) Read(b []byte) (n int, err error) {
	n, err = c.Conn.Read(b)
	if n > 0 {
		c.states.hear()
	}
	return n, err
}

// state returns the state that was reported last.
func (s *states) state() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown
}

// enter changes the state, and reports it, or holds it back. A client that is being closed
// only disconnects, and that once. An end is never held back.
func (s *states) enter(to State, server string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed && (to != StateDisconnected || s.shown == StateDisconnected) {
		return
	}
	if s.last == StateHasSession && to == StateConnecting {
		return // a connection beside that of the session, as that which closes an older one
	}
	if to == StateExpired || to == StateAuthFailed {
		s.release()
	}
	s.last = to
	e := Event{Type: EventSession, State: to, Server: server}
	if s.timer != nil {
		s.held = append(s.held, e)
		return
	}
	s.show(e)
}

func (s *states) show(e Event) {
	s.shown = e.State
	s.events.add(e)
}

// silent says that a server was left because it was silent.
func (s *states) silent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := s.patience()
	if s.timer == nil && wait > 0 && !s.closed {
		s.silence++
		this := s.silence
		s.timer = time.AfterFunc(wait, func() { s.lasts(this) })
	}
}

// lasts says that a silence has lasted so long that go-zookeeper would have noticed it.
func (s *states) lasts(silence int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if silence == s.silence {
		s.release()
	}
}

// release reports what is held back. Its caller has locked mu.
func (s *states) release() {
	if s.timer == nil {
		return
	}
	s.timer.Stop()
	s.timer = nil
	for _, e := range s.held {
		s.show(e)
	}
	s.held = nil
}

// close says that Close was called. What is held back is reported before.
func (s *states) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
	s.closed = true
}

// granted says that a server has opened or resumed a session with this timeout. If the
// session goes on, and states are held back, there was nothing to report.
func (s *states) granted(timeout time.Duration, resumed bool, server string) {
	s.hear()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !resumed {
		s.release()
	}
	s.timeout, s.last = timeout, StateHasSession
	if s.timer != nil {
		s.timer.Stop()
		s.timer, s.held = nil, nil
		return
	}
	if s.closed {
		return
	}
	s.show(Event{Type: EventSession, State: StateConnected, Server: server})
	s.show(Event{Type: EventSession, State: StateHasSession, Server: server})
}
