package main

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/xsync"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// roundTrip is the time of a request in curves that include the network.
const roundTrip = 2 * time.Millisecond

// lab is an embedded server with clients.
type lab struct {
	srv     *zktest.Server
	clients []*zk.Client
}

func newLab() (*lab, error) {
	srv, err := zktest.New(zktest.Config{})
	return &lab{srv: srv}, err
}

// connect returns a client. Its session timeout is long enough for a busy machine.
func (l *lab) connect(ctx context.Context) (*zk.Client, error) {
	c, err := zk.Connect(ctx, zk.Config{
		Servers: l.srv.ConnectString(), DialContext: l.srv.DialContext, SessionTimeout: time.Minute,
	})
	if err == nil {
		l.clients = append(l.clients, c)
	}
	return c, err
}

// close ends everything.
func (l *lab) close() {
	l.srv.OnRequest(nil)
	l.srv.Delay(0, 0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, c := range l.clients {
		_ = c.Close(ctx)
	}
	_ = l.srv.Close()
}

// crowd creates n contender nodes in dir that look like the one at path. No client
// waits for them.
func crowd(ctx context.Context, c *zk.Client, dir, path string, n int) error {
	const guid = len("_c_01234567-89ab-cdef-0123-456789abcdef-")
	name := path[strings.LastIndexByte(path, '/')+1:]
	base := name[guid : len(name)-len("0000000000")]
	p := c.Pipeline()
	made := make([]*zk.Future[zk.Created], n)
	for i := range made {
		made[i] = p.Create(ctx, protect.Path(zk.Join(dir, base), protect.NewGUID()), []byte("crowd"), zk.EphemeralSequential)
	}
	for _, f := range made {
		if _, err := f.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// quiet waits until the clients send nothing more: until no request has arrived for a
// time that is long enough for a busy machine.
func (l *lab) quiet(ctx context.Context) error {
	const while, times = 30 * time.Millisecond, 5
	last, same := int64(-1), 0
	for same < times {
		if err := xsync.Pause(ctx, while); err != nil {
			return err
		}
		now := l.srv.Requests()
		if now != last {
			last, same = now, 0
			continue
		}
		same++
	}
	return nil
}

// until waits until a condition holds.
func until(ctx context.Context, so func() bool) error {
	for !so() {
		if err := xsync.Pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// ended returns a context that has ended.
func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	cancel(errors.New("no time"))
	return ctx
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// allocated returns how many bytes and objects this process has allocated so far.
func allocated() (bytes, objects float64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.TotalAlloc), float64(m.Mallocs)
}

// live returns how many bytes are reachable.
func live() float64 {
	runtime.GC()
	runtime.GC() // frees what finalizers and pools still had
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
