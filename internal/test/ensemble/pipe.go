package ensemble

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/xsync"
)

// pipe is one direction of a link. One goroutine reads and another writes, so that
// a delay does not limit the rate. Between them is a queue of held chunks. The end
// of the stream is queued too: behind a silent direction the receiver does not
// notice that the sender has closed.
type pipe struct {
	l     *link
	dir   int
	split splitter

	mu    sync.Mutex // leaf lock; guards the fields below
	queue []chunk
	held  int  // bytes in queue
	deaf  bool // the writer has ended: the reader drops what it reads
	fail  bool // the writer has ended because dst failed

	grown  xsync.Wakeup // wakes the writer: queue has grown
	shrunk xsync.Wakeup // wakes the reader: queue has shrunk
}

// chunk is some bytes, or the end of the stream.
type chunk struct {
	data    []byte
	framed  bool // data is one whole frame of the client protocol
	arrived time.Time
	end     ending
}

// ending says how a stream ends.
type ending uint8

const (
	goesOn ending = iota
	closed        // in order: all earlier bytes arrive first
	broken        // by a reset: bytes that have not arrived yet are lost
)

// maxHeld is how many bytes a pipe holds. Then it stops reading, as a full TCP
// window stops the sender.
const maxHeld = 4 << 20

func newPipe(l *link, dir int, split splitter) *pipe {
	return &pipe{l: l, dir: dir, split: split}
}

// read queues what src sends until it ends.
func (p *pipe) read(src *net.TCPConn) {
	buf := make([]byte, 0, 16<<10)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)] // the frame is larger than buf
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		used := 0
		for used < len(buf) {
			c, n := p.split(buf[used:])
			if n == 0 {
				break // the frame continues
			}
			used += n
			p.push(c)
		}
		buf = append(buf[:0], buf[used:]...)
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			if len(buf) > 0 {
				p.push(chunk{data: buf}) // half a frame; buf is not read into again
			}
			p.push(chunk{end: closed})
			return
		default:
			p.breakOff()
			return
		}
	}
}

// push queues a chunk. It waits for room in the queue.
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
			p.grown.Wake()
			return
		}
		select {
		case <-p.shrunk.C():
		case <-p.l.dead:
			return
		}
	}
}

// breakOff replaces the held chunks by a reset. A sender that has ended does not
// repeat them.
func (p *pipe) breakOff() {
	p.mu.Lock()
	p.queue = []chunk{{end: broken, arrived: time.Now()}}
	p.held = 0
	p.mu.Unlock()
	p.grown.Wake()
	p.shrunk.Wake()
}

// failed reports whether dst had failed before the stream ended.
func (p *pipe) failed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fail
}

// ended reports whether the sender has ended.
func (p *pipe) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0 && p.queue[len(p.queue)-1].end != goesOn
}

// next waits until the first chunk may pass, and removes it from the queue.
func (p *pipe) next() (chunk, bool) {
	for {
		p.mu.Lock()
		if len(p.queue) == 0 {
			p.mu.Unlock()
			select {
			case <-p.grown.C():
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
		// breakOff may have put a reset at the front, which has its own time to
		// wait.
		if !c.arrived.Equal(arrived) {
			p.mu.Unlock()
			continue
		}
		p.queue = p.queue[1:]
		p.held -= len(c.data)
		p.mu.Unlock()
		p.shrunk.Wake()
		return c, true
	}
}

// write delivers the queue to dst until the stream ends. back is the other
// direction, which reports a failure of dst to the sender.
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

// send writes data, within the rate limit.
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
				return true // the link has ended: there is nothing to report
			}
		}
		if _, err := dst.Write(data[:n]); err != nil {
			return false
		}
		data = data[n:]
	}
	return true
}

// stopReading makes the reader drop all further bytes.
func (p *pipe) stopReading() {
	p.mu.Lock()
	p.deaf, p.queue, p.held = true, nil, 0
	p.mu.Unlock()
	p.shrunk.Wake()
}
