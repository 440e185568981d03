package ensemble

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// pipe is one direction of a link. A goroutine reads and another one writes, so
// that a delay does not become a limit of rate. Between them is a queue of what
// the direction holds back, the end of the stream included: whoever is behind a
// silent direction does not learn that the other side has gone.
type pipe struct {
	l     *link
	dir   int
	split splitter

	mu    sync.Mutex // leaf lock; guards what follows
	queue []chunk
	held  int  // bytes in queue
	deaf  bool // the writer is gone: what comes is thrown away
	fail  bool // because nobody takes it

	wake chan struct{} // cap 1: queue has grown; the writer receives
	room chan struct{} // cap 1: queue has shrunk; the reader receives
}

// chunk is some bytes, or an end of the stream.
type chunk struct {
	data    []byte
	framed  bool // data is one whole frame of the client protocol
	arrived time.Time
	end     ending
}

// ending is how a stream ends.
type ending uint8

const (
	goesOn ending = iota
	closed        // in order: all that came before arrives first
	broken        // by a reset: what had not arrived never will
)

// maxHeld bounds what a pipe holds back. Then it stops reading, as a full TCP
// window would stop the sender.
const maxHeld = 4 << 20

func newPipe(l *link, dir int, split splitter) *pipe {
	return &pipe{l: l, dir: dir, split: split, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// read queues what src sends until it ends.
func (p *pipe) read(src *net.TCPConn) {
	buf := make([]byte, 0, 16<<10)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)] // a frame that is larger
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		used := 0
		for used < len(buf) {
			c, n := p.split(buf[used:])
			if n == 0 {
				break // the frame goes on
			}
			used += n
			p.push(c)
		}
		buf = append(buf[:0], buf[used:]...)
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			if len(buf) > 0 {
				p.push(chunk{data: buf}) // half a frame; nobody reads on into buf
			}
			p.push(chunk{end: closed})
			return
		default:
			p.breakOff()
			return
		}
	}
}

// push queues a chunk, waiting for room.
func (p *pipe) push(c chunk) {
	c.arrived = time.Now()
	if p.dir == toClient && p.l.p.kind == quorumLinks && hasPing(c.data) {
		p.l.p.notePing(c.arrived)
	}
	for {
		p.mu.Lock()
		full := p.held > 0 && p.held+len(c.data) > maxHeld && !p.deaf
		if !full && !p.deaf {
			p.queue = append(p.queue, c)
			p.held += len(c.data)
		}
		p.mu.Unlock()
		if !full {
			signal(p.wake)
			return
		}
		select {
		case <-p.room:
		case <-p.l.dead:
			return
		}
	}
}

// breakOff puts a reset in the place of what is held: a sender that is gone
// repeats nothing.
func (p *pipe) breakOff() {
	p.mu.Lock()
	p.queue = []chunk{{end: broken, arrived: time.Now()}}
	p.held = 0
	p.mu.Unlock()
	signal(p.wake)
	signal(p.room)
}

// failed reports whether dst was gone before the stream ended.
func (p *pipe) failed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fail
}

// ended reports whether the sender has gone.
func (p *pipe) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0 && p.queue[len(p.queue)-1].end != goesOn
}

// next waits until the head of the queue may pass, and takes it.
func (p *pipe) next() (chunk, bool) {
	for {
		p.mu.Lock()
		if len(p.queue) == 0 {
			p.mu.Unlock()
			select {
			case <-p.wake:
				continue
			case <-p.l.dead:
				return chunk{}, false
			}
		}
		arrived := p.queue[0].arrived
		p.mu.Unlock()
		if !p.l.p.pass(p.l, p.dir, func(w impairment) time.Time { return arrived.Add(w.delay) }) {
			return chunk{}, false
		}
		p.mu.Lock()
		c := p.queue[0]
		// breakOff may have put a reset there, which has its own time to wait.
		if !c.arrived.Equal(arrived) {
			p.mu.Unlock()
			continue
		}
		p.queue = p.queue[1:]
		p.held -= len(c.data)
		p.mu.Unlock()
		signal(p.room)
		return c, true
	}
}

// write delivers the queue to dst until the stream ends. back is the other
// direction: it brings the news when dst is gone.
func (p *pipe) write(dst *net.TCPConn, back *pipe) {
	defer p.stopReading()
	for {
		c, ok := p.next()
		if !ok {
			return
		}
		switch c.end {
		case closed:
			_ = dst.CloseWrite()
			return
		case broken:
			p.l.reset()
			return
		}
		after, pass := p.l.inspect(p.dir, c)
		if pass && !p.send(dst, c.data) {
			p.mu.Lock()
			p.fail = true
			p.mu.Unlock()
			back.breakOff()
			return
		}
		if after != nil && after() {
			return
		}
	}
}

// send writes data, no faster than the limit of rate.
func (p *pipe) send(dst *net.TCPConn, data []byte) bool {
	for len(data) > 0 {
		n := len(data)
		if rate := p.l.p.impairment(p.dir).rate; rate > 0 {
			n = min(n, max(1, rate/100))
			sent := time.Now()
			if !p.l.p.pass(p.l, p.dir, func(w impairment) time.Time {
				if w.rate == 0 {
					return sent
				}
				return sent.Add(time.Duration(n) * time.Second / time.Duration(w.rate))
			}) {
				return true // the link is dead: nobody needs to be told
			}
		}
		if _, err := dst.Write(data[:n]); err != nil {
			return false
		}
		data = data[n:]
	}
	return true
}

// stopReading makes the reader throw away what still comes.
func (p *pipe) stopReading() {
	p.mu.Lock()
	p.deaf, p.queue, p.held = true, nil, 0
	p.mu.Unlock()
	signal(p.room)
}
