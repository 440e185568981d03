package zk

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// conn is one connection that carries a session. Its write side and its read
// side are tokens: the holder of one works for all. Two goroutines of the
// connection stand by for when no caller holds them. detach waits for these two
// and for every caller that holds a token.
type conn struct {
	c      *Client
	nc     net.Conn
	server string
	sess   *Session

	// callerReads says that a caller may hold the read token. Not over TLS,
	// where a read that is cut short by a deadline is best avoided.
	callerReads bool

	// Guarded by Client.mu.
	sent          callQueue // the FIFO
	pace          pace      // how long the FIFO may get while a guard lives
	writing       bool      // the write token is out
	reading       bool      // the read token is out
	waking        bool      // a batch of replies is being handed over: see writeForAll
	dead          bool
	err           error     // why it is dead
	lastWrite     time.Time // when something was handed to Write
	lastConfirmed time.Time // when a request that can renew the lease was
	// lastReply is when a whole reply last arrived, moved on by what has come of
	// the next one (arrived). Events and the answers to pings do not count.
	lastReply time.Time
	lastBytes time.Time // when bytes of a reply last came that was not whole yet
	pingDue   bool
	pings     []time.Time // when those that are unanswered were sent
	visits    uint64      // how often a caller had the read token

	wbuf []byte // owned by the holder of the write token

	// Owned by the holder of the read token.
	in         input
	batch      []reply
	zxidBefore int64 // the client's zxid before the batch: see unsee

	wakeWriter chan struct{} // cap 1
	wakeReader chan struct{} // cap 1
	ended      chan struct{} // closed when dead

	// users counts the two standby goroutines and the callers that hold a token.
	// A caller is added under c.mu while the connection is alive, so that none
	// comes once detach waits.
	users sync.WaitGroup
}

// newConn starts serving a connection whose handshake is done. The caller
// holds c.mu and attaches it.
func (c *Client) newConn(nc net.Conn, server string, sess *Session) *conn {
	now := clockNow()
	cn := &conn{
		c: c, nc: nc, server: server, sess: sess,
		callerReads: c.cfg.TLS == nil,
		lastWrite:   now, lastConfirmed: now, lastReply: now,
		wakeWriter: make(chan struct{}, 1),
		wakeReader: make(chan struct{}, 1),
		ended:      make(chan struct{}),
	}
	cn.users.Go(cn.writeLoop)
	cn.users.Go(cn.readLoop)
	return cn
}

// fail ends the connection; the first reason stays. The session loop does the
// rest when it sees ended.
func (cn *conn) fail(err error) {
	cn.c.mu.Lock()
	first := !cn.dead
	if first {
		cn.dead, cn.err = true, err
	}
	cn.c.mu.Unlock()
	if first {
		close(cn.ended)
		cn.nc.Close()
	}
}

// ofServer returns err with the name of the server before it.
func (cn *conn) ofServer(err error) error { return fmt.Errorf("%s: %w", cn.server, err) }

// guarded runs f and turns a panic, which would be a bug of ours, into the end
// of the connection: one bad reply must not take the process down, and nobody
// may be left waiting.
func (cn *conn) guarded(f func() error) {
	defer func() {
		if p := recover(); p != nil {
			cn.c.log.Error("zk: panic while serving a connection", "panic", p)
			cn.fail(fmt.Errorf("%w: panic: %v", ErrProtocol, p))
		}
	}()
	if err := f(); err != nil {
		cn.fail(err)
	}
}

// check is the connection's clock work: it ends guards whose lease has lapsed and a
// silent connection, asks for heartbeats, and returns how long until it is to look
// again. No caller has to wake the session loop, because its next look is never
// later than a heartbeat from now.
func (cn *conn) check(now time.Time) (next time.Duration, err error) {
	c := cn.c
	c.mu.Lock()
	defer c.unlock()
	cn.sess.lapseIfDue(now) // the timer stood still while the system was suspended
	t := cn.sess.timing
	next = t.heartbeat
	left, err := cn.patience(now)
	if err != nil {
		return 0, err
	}
	next = min(next, left)

	guarded, due := len(cn.sess.guards) > 0, cn.lastWrite.Add(t.heartbeat)
	if guarded {
		due = cn.lastConfirmed.Add(t.heartbeat)
	}
	switch {
	case now.Before(due):
		next = min(next, due.Sub(now))
	case guarded:
		cn.confirmLease()
	default:
		// Also while another is unanswered: its answer may stand behind replies that
		// take longer than a session timeout to arrive.
		cn.pingDue = true
		wake(cn.wakeWriter)
	}
	return next, nil
}

// confirmLease queues a heartbeat that can renew the lease. It goes before all that
// is queued, so that it need not wait for the answers to that. The caller holds
// c.mu.
func (cn *conn) confirmLease() {
	cl := cn.c.heartbeat().asInternal()
	proto.EndFrame(cl.frame, 0)
	cl.state.Store(callPending)
	cn.c.queue.pushHead(cl)
	cn.arrange(false)
}

// wake leaves a token for whoever receives from ch, which has room for one.
func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
