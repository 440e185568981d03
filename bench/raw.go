package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// rawClient is the fastest possible client: a blocking session for one caller. It writes
// requests that were encoded beforehand, and does not decode replies. It has no
// goroutine, except one for heartbeats in workloads with long waits.
type rawClient struct {
	nc  net.Conn
	in  *bufio.Reader
	buf []byte
	// size is the buffer for a reply's length. As a local variable it would be
	// allocated for each reply.
	size [4]byte
	// frames has the encoded requests by operation and path.
	frames map[frameKey][]byte
}

type frameKey struct {
	op   proto.OpCode
	path string
}

func dialRaw(addr string) (client, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	r := &rawClient{nc: nc, in: bufio.NewReaderSize(nc, 64<<10), frames: map[frameKey][]byte{}}
	q := proto.ConnectRequest{TimeoutMillis: int32(timeout.Milliseconds()), Password: make([]byte, 16)}
	if _, err := nc.Write(proto.EndFrame(q.Append(proto.BeginFrame(nil)), 0)); err != nil {
		return nil, err
	}
	_, err = r.reply()
	return r, err
}

// frame returns a request. It is encoded once.
func (r *rawClient) frame(op proto.OpCode, path string, body func([]byte) []byte) []byte {
	k := frameKey{op, path}
	if _, ok := r.frames[k]; !ok {
		r.frames[k] = request(op, path, body)
	}
	return r.frames[k]
}

// request encodes a request about a node.
func request(op proto.OpCode, path string, body func([]byte) []byte) []byte {
	q := proto.RequestHeader{Xid: 1, Op: op}.Append(proto.BeginFrame(nil))
	return proto.EndFrame(body(proto.AppendString(q, path)), 0)
}

// bare encodes a request that has only a header.
func bare(xid int32, op proto.OpCode) []byte {
	return proto.EndFrame(proto.RequestHeader{Xid: xid, Op: op}.Append(proto.BeginFrame(nil)), 0)
}

// reply reads one reply and returns it. The next call overwrites it. Replies to
// heartbeats are skipped.
func (r *rawClient) reply() ([]byte, error) {
	for {
		b, err := r.read()
		if err != nil || int32(binary.BigEndian.Uint32(b)) != proto.XidPing {
			return b, err
		}
	}
}

func (r *rawClient) read() ([]byte, error) {
	if _, err := io.ReadFull(r.in, r.size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(r.size[:]))
	if n > cap(r.buf) {
		r.buf = make([]byte, n)
	}
	r.buf = r.buf[:n]
	_, err := io.ReadFull(r.in, r.buf)
	return r.buf, err
}

func (r *rawClient) call(frame []byte) ([]byte, error) {
	if _, err := r.nc.Write(frame); err != nil {
		return nil, err
	}
	b, err := r.reply()
	if err == nil {
		if c := code(binary.BigEndian.Uint32(b[12:])); c != 0 {
			err = c
		}
	}
	return b, err
}

// code is the error code in a server's reply.
type code proto.ErrCode

func (c code) Error() string { return fmt.Sprintf("bench: raw: code %d", int32(c)) }

func noWatch(b []byte) []byte { return append(b, 0) }

func watched(b []byte) []byte { return append(b, 1) }

func (r *rawClient) get(path string) (int, error) {
	b, err := r.call(r.frame(proto.OpGetData, path, noWatch))
	return len(b) - 16 - 4 - statSize, err
}

const statSize = 68

func (r *rawClient) exists(path string) error {
	_, err := r.call(r.frame(proto.OpExists, path, noWatch))
	return err
}

func (r *rawClient) set(path string, data []byte) error {
	_, err := r.call(r.frame(proto.OpSetData, path, func(b []byte) []byte {
		return proto.AppendInt32(proto.AppendBuffer(b, data), -1)
	}))
	return err
}

// create returns the request for a node that is open to everybody.
func (r *rawClient) create(path string, flags int32) []byte {
	return r.frame(proto.OpCreate, path, func(b []byte) []byte {
		q := proto.MultiOp{Op: proto.OpCreate, ACL: []proto.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}, Flags: flags}
		return q.AppendRest(b)
	})
}

// remove deletes a node. path is in the encoding of the server's reply.
func (r *rawClient) remove(path []byte) error {
	q := proto.RequestHeader{Xid: 1, Op: proto.OpDelete}.Append(proto.BeginFrame(nil))
	_, err := r.call(proto.EndFrame(proto.AppendInt32(append(q, path...), -1), 0))
	return err
}

func (r *rawClient) createDelete(prefix string) error {
	b, err := r.call(r.create(prefix, proto.FlagEphemeralSequential))
	if err != nil {
		return err
	}
	return r.remove(b[16:])
}

func (r *rawClient) children(path string) (int, error) {
	b, err := r.call(r.frame(proto.OpGetChildren2, path, noWatch))
	if err != nil {
		return 0, err
	}
	// A caller needs the names, so decoding the list belongs to the request.
	names := proto.NewReader(b[16:]).Strings()
	return len(names), nil
}

// pipeline first writes depth requests. For all replies that arrive in one read, it
// writes as many new requests in one Write.
func (r *rawClient) pipeline(path string, depth int, stop func() bool) (int, error) {
	one := r.frame(proto.OpGetData, path, noWatch)
	window := make([]byte, 0, depth*len(one))
	for range depth {
		window = append(window, one...)
	}
	done, outstanding := 0, 0
	for {
		want := depth - outstanding
		if stop() {
			break
		}
		if _, err := r.nc.Write(window[:want*len(one)]); err != nil {
			return done, err
		}
		outstanding = depth
		// Read the replies that are already buffered, but at least one.
		for first := true; first || r.in.Buffered() >= 4; first = false {
			size, err := r.in.Peek(4)
			if err != nil {
				return done, err
			}
			n := 4 + int(binary.BigEndian.Uint32(size))
			if !first && r.in.Buffered() < n {
				break
			}
			if _, err := r.in.Discard(n); err != nil {
				return done, err
			}
			done++
			outstanding--
		}
	}
	for range outstanding {
		if _, err := r.reply(); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// beat sends heartbeats until end is called. A client that may wait for long needs
// them, and not only to keep its session. Before ZooKeeper 3.6.4, 3.7.2 and 3.8.1 a
// member of an ensemble may overlook a commit until its next request arrives
// (ZOOKEEPER-4537). When all contenders wait, no client would send that request.
func (r *rawClient) beat() (end func()) {
	ping := bare(proto.XidPing, proto.OpPing)
	over := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(timeout / 3)
		defer t.Stop()
		for {
			select {
			case <-over:
				return
			case <-t.C:
				_, _ = r.nc.Write(ping) // if it fails, the next read of a reply fails too
			}
		}
	})
	return func() {
		close(over)
		wg.Wait()
	}
}

// watch sets the watches in batches, and counts the events.
func (r *rawClient) watch(paths []string) (func() error, error) {
	var frames []byte
	for some := range slices.Chunk(paths, 500) {
		frames = frames[:0]
		for _, path := range some {
			frames = append(frames, request(proto.OpExists, path, watched)...)
		}
		if _, err := r.nc.Write(frames); err != nil {
			return nil, err
		}
		for range some {
			if _, err := r.reply(); err != nil {
				return nil, err
			}
		}
	}
	return func() error {
		for range paths {
			if _, err := r.reply(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (r *rawClient) close() error {
	_, err := r.nc.Write(bare(1, proto.OpCloseSession))
	if err == nil {
		_ = r.nc.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = r.reply()
	}
	return errors.Join(err, r.nc.Close())
}

// firing encodes multis that change every node below watchRoot, and opens its own
// connection for them. It returns a function that sends them and waits for all replies.
// The stub fires all watches at the first multi.
func firing(addr string) (func() error, error) {
	c, err := dialRaw(addr)
	if err != nil {
		return nil, err
	}
	r := c.(*rawClient)
	const at = 2500
	var all []byte
	for first := 0; first < members; first += at {
		var ops []proto.MultiOp
		for i := range at {
			ops = append(ops, proto.MultiOp{Op: proto.OpSetData, Path: watchRoot + "/" + childName(first+i), Version: -1})
		}
		start := len(all)
		all = proto.BeginFrame(all)
		all = proto.AppendMultiRequest(proto.RequestHeader{Xid: 1, Op: proto.OpMulti}.Append(all), ops)
		all = proto.EndFrame(all, start)
	}
	return func() error {
		defer c.close()
		if _, err := r.nc.Write(all); err != nil {
			return err
		}
		for range members / at {
			if _, err := r.reply(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
