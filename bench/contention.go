package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gozk "github.com/go-zookeeper/zk"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// contention has the workloads of locks and elections. Every contender has its own
// session. All contenders are in one process.
var contention = []workload{
	{"lock alone", real, all, contending(1, 0)},
	{"lock, 2 contenders", real, all, contending(2, 0)},
	{"lock, 16 contenders", real, all, contending(16, 0)},
	{"lock, 64 contenders", real, all, contending(64, 0)},
	{"lock, 16 contenders of 5 ms", []serverKind{onServer}, clients2, contending(16, 5*time.Millisecond)},
	{"lock, 1,000 contenders of 5 ms", []serverKind{onServer}, clients2, contending(1000, 5*time.Millisecond)},
	{"election, leader closed", []serverKind{onServer}, all, succeeding(false)},
	{"election, leader killed", []serverKind{onServer}, clients2, succeeding(true)},
}

var (
	real     = []serverKind{onServer, onEnsemble}
	clients2 = []string{ours, theirs}
)

// mutex is a contender's lock. acquire returns a function that releases it.
type mutex interface {
	acquire(ctx context.Context) (func() error, error)
	close() error
}

type zookitMutex struct {
	c *zk.Client
	l *lock.Lock
}

func (m *zookitMutex) acquire(ctx context.Context) (func() error, error) {
	h, err := m.l.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return func() error { return h.Release(background) }, nil
}

func (m *zookitMutex) close() error { return (&zookitClient{m.c}).close() }

type gozkMutex struct {
	c    *gozk.Conn
	path string
}

// acquire uses a new Lock every time, because the documentation of Lock asks for that
// after an error. It does not return when ctx ends.
func (m *gozkMutex) acquire(context.Context) (func() error, error) {
	l := gozk.NewLock(m.c, m.path, gozk.WorldACL(gozk.PermAll))
	return l.Unlock, l.Lock()
}

func (m *gozkMutex) close() error {
	m.c.Close()
	return nil
}

// contender opens the i-th contender's session, at one server of several.
func (e *env) contender(addr, path string, i int) (mutex, error) {
	servers := strings.Split(addr, ",")
	at := servers[i%len(servers)]
	switch e.client {
	case ours:
		c, err := connectZookit(at, timeout, nil)
		if err != nil {
			return nil, err
		}
		return &zookitMutex{c, lock.New(c, path, lock.Config{})}, nil
	case raw:
		return newRawMutex(at, path)
	}
	c, err := connectGozk(at, timeout, nil)
	return &gozkMutex{c, path}, err
}

// contenders opens n sessions, up to 32 at a time.
func (e *env) contenders(addr, path string, n int) ([]mutex, error) {
	list := make([]mutex, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	room := make(chan struct{}, 32)
	for i := range n {
		wg.Go(func() {
			room <- struct{}{}
			list[i], errs[i] = e.contender(addr, path, i)
			<-room
		})
	}
	wg.Wait()
	return list, errors.Join(errs...)
}

// contending measures n contenders, each of which holds the lock for the time hold. A
// hand-over lasts from the start of a release to the return of the next acquire. With
// one contender, the figure is the time of an acquire and a release.
func contending(n int, hold time.Duration) func(*env, string) (figures, error) {
	return func(e *env, addr string) (figures, error) {
		kind := e.lab.kindOf(addr)
		list, err := e.contenders(addr, dir+"/lock-"+strings.ReplaceAll(e.client, " ", "-"), n)
		if err != nil {
			return nil, err
		}
		c := &contest{alone: n == 1, hold: hold}
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i, m := range list {
			wg.Go(func() { errs[i] = c.run(m) })
		}
		// Wait until all contenders are in the queue. The measurement starts after that.
		time.Sleep(e.lasts/4 + time.Duration(n)*3*time.Millisecond)
		before, err := e.lab.received(kind)
		if err != nil {
			return nil, err
		}
		use := used()
		done := c.measure(2 * e.lasts)
		out := use.since(len(done))
		after, err := e.lab.received(kind)
		if err != nil {
			return nil, err
		}
		c.over.Store(true)
		wg.Wait()
		out.latencies(done)
		if e.lab.run[kind] != nil {
			out[packets] = (after - before) / float64(max(1, len(done)))
		}
		for _, m := range list {
			errs = append(errs, m.close())
		}
		return out, errors.Join(errs...)
	}
}

// A contest collects the measurements of the contenders for one lock.
type contest struct {
	alone bool // one contender: no hand-over
	hold  time.Duration

	measuring atomic.Bool
	over      atomic.Bool // the contenders stop

	mu       sync.Mutex
	took     []time.Duration
	released time.Time // start of the last release
}

// run acquires and releases one contender's mutex until the contest is over.
func (c *contest) run(m mutex) error {
	for !c.over.Load() {
		start := time.Now()
		release, err := m.acquire(background)
		if err != nil {
			return err
		}
		c.acquired()
		if c.hold > 0 {
			time.Sleep(c.hold)
		}
		c.releasing()
		if err := release(); err != nil {
			return err
		}
		if c.alone {
			c.add(start)
		}
	}
	return nil
}

// acquired records a hand-over, if there was one.
func (c *contest) acquired() {
	c.mu.Lock()
	released := c.released
	c.mu.Unlock()
	if !c.alone && !released.IsZero() {
		c.add(released)
	}
}

func (c *contest) releasing() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.released = time.Now()
}

// add records the time since start, if the contest is being measured.
func (c *contest) add(start time.Time) {
	if !c.measuring.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = append(c.took, time.Since(start))
}

// measure returns what the contenders recorded within d.
func (c *contest) measure(d time.Duration) []time.Duration {
	c.measuring.Store(true)
	time.Sleep(d)
	c.measuring.Store(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.took
}

// succeeding measures the time until the waiting candidate becomes leader. It starts
// when the leader closes its client or loses its network for ever.
func succeeding(killed bool) func(*env, string) (figures, error) {
	return func(e *env, addr string) (figures, error) {
		const timeout = 2 * time.Second
		path := fmt.Sprintf("%s/election-%d", dir, time.Now().UnixNano())
		var out []time.Duration
		rounds := 10
		if killed {
			rounds = 1
		}
		for range rounds {
			var cut severed
			var took time.Duration
			var err error
			switch e.client {
			case ours:
				took, err = zookitSucceeds(addr, path, timeout, killed, &cut)
			case raw:
				took, err = rawSucceeds(addr, path)
			default:
				took, err = gozkSucceeds(addr, path, timeout, killed, &cut)
			}
			if err != nil {
				return nil, err
			}
			out = append(out, took)
		}
		f := figures{}
		f.latencies(out)
		f[total] = f[p50] / 1000
		delete(f, p50)
		delete(f, p99)
		return f, nil
	}
}

func zookitSucceeds(addr, path string, timeout time.Duration, killed bool, cut *severed) (time.Duration, error) {
	first, err := connectZookit(addr, timeout, cut.dial)
	if err != nil {
		return 0, err
	}
	second, err := connectZookit(addr, timeout, nil)
	if err != nil {
		return 0, err
	}
	defer second.Close(background)
	l, err := election.New(first, path, election.Config{}).Campaign(background)
	if err != nil {
		return 0, err
	}
	leads := make(chan error, 1)
	var at time.Time
	go func() {
		_, err := election.New(second, path, election.Config{}).Campaign(background)
		at = time.Now()
		leads <- err
	}()
	if err := queued(second, path, 2); err != nil {
		return 0, err
	}
	start := time.Now()
	if killed {
		cut.sever()
	} else if err := first.Close(background); err != nil {
		return 0, err
	}
	err = <-leads
	if killed {
		if l.Context().Err() == nil {
			err = errors.Join(err, errors.New("bench: two leaders"))
		}
		ctx, cancel := context.WithCancel(background)
		cancel() // its servers cannot be reached
		_ = first.Close(ctx)
	}
	return at.Sub(start), err
}

// queued waits until n nodes are in a directory. It then waits a little longer, so
// that the last contender has set its watch.
func queued(c *zk.Client, path string, n int) error {
	for {
		names, _, err := c.Children(background, path)
		if err != nil && !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		if len(names) == n {
			time.Sleep(20 * time.Millisecond)
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

func gozkSucceeds(addr, path string, timeout time.Duration, killed bool, cut *severed) (time.Duration, error) {
	first, err := connectGozk(addr, timeout, cut.dialTimeout)
	if err != nil {
		return 0, err
	}
	defer first.Close()
	second, err := connectGozk(addr, timeout, nil)
	if err != nil {
		return 0, err
	}
	defer second.Close()
	look, err := connectZookit(addr, timeout, nil)
	if err != nil {
		return 0, err
	}
	defer look.Close(background)
	acl := gozk.WorldACL(gozk.PermAll)
	if err := gozk.NewLock(first, path, acl).Lock(); err != nil {
		return 0, err
	}
	leads := make(chan error, 1)
	var at time.Time
	go func() {
		err := gozk.NewLock(second, path, acl).Lock()
		at = time.Now()
		leads <- err
	}()
	if err := queued(look, path, 2); err != nil {
		return 0, err
	}
	start := time.Now()
	if killed {
		cut.sever()
	} else {
		first.Close()
	}
	err = <-leads
	return at.Sub(start), err
}

// severed is a network that can be cut for ever.
type severed struct {
	mu    sync.Mutex // guards the fields below
	gone  bool
	conns []net.Conn
}

func (s *severed) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	return s.take(nc, err)
}

func (s *severed) dialTimeout(network, addr string, timeout time.Duration) (net.Conn, error) {
	nc, err := net.DialTimeout(network, addr, timeout)
	return s.take(nc, err)
}

func (s *severed) take(nc net.Conn, err error) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case s.gone:
		nc.Close()
		return nil, net.ErrClosed
	}
	s.conns = append(s.conns, nc)
	return nc, nil
}

func (s *severed) sever() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	for _, nc := range s.conns {
		nc.Close()
	}
}
