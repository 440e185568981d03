package link

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/internal/xsync"
)

// Errors that a link ends with. The package zk exports them.
var (
	ErrProtocol  = errors.New("protocol error")
	ErrSilent    = errors.New("server is silent")
	ErrSlowReply = errors.New("reply comes in too slowly")
)

// Handler is the session's side of a link. The link calls it without its lock,
// and never after Join. A Handler may call every method of the link except Join and
// TakeBack.
type Handler interface {
	// Sending is called by the goroutine that writes, just before it writes. The
	// requests of the batch can no longer be withdrawn. The Handler may change the
	// bytes of their frames, but not their sizes. It returns the requests that the
	// link is to write, in their order and in the same slice. The others belong to
	// the Handler again. The time of the write is now or later.
	//
	// A panic in Sending ends the link. TakeBack then returns the requests of the
	// batch. So Sending must not have changed the batch before it panics.
	Sending(now time.Time, batch []*Request) []*Request

	// Receive is called by the reader. It gets all frames of one Read in the order
	// of the wire, each reply with its request. The requests belong to the Handler
	// again: it must complete each of them. heard says that a reply came in, or that
	// a part of one came in fast enough. In the second case there may be no frame. An
	// error ends the link.
	Receive(now time.Time, frames []Frame, heard bool) error
}

// Config has the settings of a link.
type Config struct {
	Now        func() time.Time // the clock
	Log        *slog.Logger     // gets panics
	Xid        int32            // the last xid of the link before it, see LastXid
	ReplyLimit int              // larger replies are skipped, see Frame.TooLarge
	EventLimit int              // the same for events, if it is more than ReplyLimit
	PaceWindow time.Duration    // see SetBounded
	Bounded    bool             // as by SetBounded
}

// Link is one connection. Make it by New, start it by Start, end it by Fail. Then
// call Join and TakeBack.
//
// Exported methods lock the mutex. Unexported methods expect that it is locked.
// There are exceptions, which the two goroutines run and which lock it themselves:
// readSome, cut, match, drain, writeDelivered, writeLeaving and commit.
type Link struct {
	nc  net.Conn
	h   Handler
	cfg Config

	wakeWriter xsync.Wakeup  // the standby writer looks for work
	ended      chan struct{} // closed by Fail

	// users counts the two goroutines and the caller that holds the write token. A
	// caller is added under mu, while the link lives. So none is added after Fail,
	// while Join waits.
	users sync.WaitGroup

	mu         sync.Mutex // leaf lock; guards the fields below
	err        error      // why the link has ended, nil while it lives
	waiting    Queue
	sent       fifo
	auths      fifo // the unanswered credentials, see matchAuth
	writing    bool // a goroutine holds the write token
	delivering bool // the reader delivers the replies of several callers, and will write after that
	bounded    bool
	held       bool // see Hold
	pace       pace
	pingDue    bool
	pings      []*Request // the unanswered pings
	lastWrite  time.Time
	// lastReply is when a whole reply last arrived. A part of the next reply moves it
	// forward, see arrived. Events and answers to pings do not count.
	lastReply time.Time
	lastBytes time.Time // when a part of a reply last arrived

	// Owned by the holder of the write token.
	leaving []*Request
	wbuf    []byte
	xid     int32

	// Owned by the reader.
	in    input
	batch []Frame
}

// New returns a link over a connection whose handshake is done. It empties first,
// and will write those requests before all others. Nothing is written or read before
// Start.
func New(nc net.Conn, h Handler, cfg Config, first *Queue) *Link {
	now := cfg.Now()
	l := &Link{
		nc: nc, h: h, cfg: cfg, xid: cfg.Xid, bounded: cfg.Bounded,
		lastWrite: now, lastReply: now,
		ended: make(chan struct{}),
	}
	l.in.limit = cfg.ReplyLimit
	l.in.events = cfg.EventLimit
	l.waiting.Append(first)
	return l
}

// Start starts the link's goroutines.
func (l *Link) Start() {
	l.users.Go(l.readLoop)
	l.users.Go(l.writeLoop)
	l.wakeWriter.Wake()
}

// Fail ends the link and closes the connection. The first reason stays. Fail does
// not wait, so that the Handler may call it.
func (l *Link) Fail(why error) {
	l.mu.Lock()
	first := l.err == nil
	if first {
		l.err = why
	}
	l.mu.Unlock()
	if first {
		close(l.ended)
		l.nc.Close()
	}
}

// Load returns how many requests wait to be written, and how many are written, or
// being written, and have no answer yet. Pings do not count.
func (l *Link) Load() (waiting, unanswered int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting.len, len(l.leaving) + l.sent.len + l.auths.len
}

// Ended returns a channel that is closed when the link has ended.
func (l *Link) Ended() <-chan struct{} { return l.ended }

// Err returns why the link has ended, nil while it lives.
func (l *Link) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Join waits, after Fail, until no goroutine reads or writes on the link. The wait
// is short, because the connection is closed. Submit may still be called meanwhile.
func (l *Link) Join() { l.users.Wait() }

// TakeBack returns, after Join, the requests that were sent and not answered, the
// credentials last. It puts those that were not sent at the end of unsent. Both keep
// their order otherwise. A request whose frame was about to be written counts as sent:
// its bytes may have left. The link must not be used any more.
func (l *Link) TakeBack(unsent *Queue) (sent []*Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range []*fifo{&l.sent, &l.auths} {
		for q.len > 0 {
			sent = append(sent, q.pop())
		}
	}
	sent = append(sent, l.leaving...)
	l.leaving = nil
	unsent.Append(&l.waiting)
	return sent
}

// LastXid returns, after Join, the xid of the last request that was written.
func (l *Link) LastXid() int32 { return l.xid }

// guarded runs f. A panic in it, which is a bug of this package or of the connection, ends
// the link and nothing else.
func (l *Link) guarded(f func() error) {
	defer func() {
		if p := recover(); p != nil {
			l.afterPanic(p)
		}
	}()
	if err := f(); err != nil {
		l.Fail(err)
	}
}

// afterPanic ends the link because of a panic, and logs the panic. The log comes last,
// because its handler may take long, or may have caused the panic and panic again.
func (l *Link) afterPanic(p any) {
	l.Fail(fmt.Errorf("%w: panic: %v", ErrProtocol, p))
	defer func() { _ = recover() }()
	l.cfg.Log.Error("zk: panic while serving a connection", "panic", oneline.Text(p))
}
