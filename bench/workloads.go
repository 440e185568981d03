package main

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// workload is one measurement of a client with a server.
type workload struct {
	name string
	on   []serverKind
	by   []string // the clients that support it
	run  func(e *env, addr string) (figures, error)
}

// env is one run of a workload with one client.
type env struct {
	client string
	lasts  time.Duration // of a timed workload
	lab    *lab
}

var all = []string{ours, theirs, raw}

var workloads = append([]workload{
	{"connect", both, all, connecting},
	{"get", both, all, alone(getSmall)},
	{"exists", both, all, alone(func(c client) error { return c.exists(small) })},
	{"set", both, all, alone(func(c client) error { return c.set(small, value) })},
	{"create and delete", both, all, alone(func(c client) error { return c.createDelete(scratch + "n-") })},
	{"get 64 KiB", both, all, alone(getBig)},
	{"10,000 children", both, all, alone(listFamily)},
	{"get, 16 callers", both, all, callers(16)},
	{"get, 256 callers", both, all, callers(256)},
	{"get, 1,000 outstanding", both, all, outstanding(1000)},
	{"10,000 watches", both, all, watching},
	{"idle", []serverKind{onStub}, clients2, idling},
}, append(contention, distance...)...)

var value = make([]byte, smallSize)

func getSmall(c client) error {
	n, err := c.get(small)
	return check(n, smallSize, err)
}

func getBig(c client) error {
	n, err := c.get(big)
	return check(n, bigSize, err)
}

func listFamily(c client) error {
	n, err := c.children(family)
	return check(n, members, err)
}

func check(n, want int, err error) error {
	if err == nil && n != want {
		err = fmt.Errorf("bench: got %d, want %d", n, want)
	}
	return err
}

// dial opens a session of the client under test.
func (e *env) dial(addr string) (client, error) {
	switch e.client {
	case ours:
		return dialZookit(addr)
	case theirs:
		return dialGozk(addr)
	}
	return dialRaw(addr)
}

// stopper returns a function that returns true after the workload's time.
func (e *env) stopper() (func() bool, func()) {
	var over atomic.Bool
	t := time.AfterFunc(e.lasts, func() { over.Store(true) })
	return over.Load, func() { t.Stop() }
}

// with calls f with a session that has already done some requests.
func (e *env) with(addr string, f func(c client) (figures, error)) (_ figures, err error) {
	c, err := e.dial(addr)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := c.close(); err == nil {
			err = e
		}
	}()
	for range 50 {
		if _, err := c.get(small); err != nil {
			return nil, err
		}
	}
	runtime.GC()
	return f(c)
}

// alone measures one caller that calls f over and over, and the time of each call.
func alone(f func(c client) error) func(*env, string) (figures, error) {
	return func(e *env, addr string) (figures, error) {
		return e.with(addr, func(c client) (figures, error) {
			for range 20 {
				if err := f(c); err != nil {
					return nil, err
				}
			}
			took := make([]time.Duration, 0, 1<<18)
			stop, done := e.stopper()
			defer done()
			before := used()
			for !stop() && len(took) < cap(took) {
				start := time.Now()
				if err := f(c); err != nil {
					return nil, err
				}
				took = append(took, time.Since(start))
			}
			out := before.since(len(took))
			out.latencies(took)
			return out, nil
		})
	}
}

// callers measures n callers, each of which waits for its reply. The raw socket has one
// caller, so it keeps n requests outstanding instead.
func callers(n int) func(*env, string) (figures, error) {
	return func(e *env, addr string) (figures, error) {
		if e.client == raw {
			return outstanding(n)(e, addr)
		}
		return e.with(addr, func(c client) (figures, error) {
			stop, done := e.stopper()
			defer done()
			before := used()
			ops, err := inParallel(n, stop, func() error { return getSmall(c) })
			return before.since(ops), err
		})
	}
}

func outstanding(n int) func(*env, string) (figures, error) {
	return func(e *env, addr string) (figures, error) {
		return e.with(addr, func(c client) (figures, error) {
			stop, done := e.stopper()
			defer done()
			before := used()
			ops, err := c.pipeline(small, n, stop)
			return before.since(ops), err
		})
	}
}

// connecting measures opening and closing sessions.
func connecting(e *env, addr string) (figures, error) {
	var took []time.Duration
	stop, done := e.stopper()
	defer done()
	before := used()
	for !stop() {
		start := time.Now()
		c, err := e.dial(addr)
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
		if err := c.close(); err != nil {
			return nil, err
		}
	}
	out := before.since(len(took))
	out.latencies(took)
	return out, nil
}

// watching sets a watch on each of 10,000 nodes. It measures the watches' memory, and
// the time from the change of all nodes to the last event.
func watching(e *env, addr string) (figures, error) {
	return e.with(addr, func(c client) (figures, error) {
		paths := make([]string, members)
		for i := range paths {
			paths[i] = watchRoot + "/" + childName(i)
		}
		empty := inUse()
		start := time.Now()
		wait, err := c.watch(paths)
		if err != nil {
			return nil, err
		}
		armed := time.Since(start)
		full := inUse()
		fire, err := firing(addr)
		if err != nil {
			return nil, err
		}
		before := used()
		start = time.Now()
		fired := make(chan error, 1)
		go func() { fired <- fire() }()
		if err := wait(); err != nil {
			return nil, err
		}
		last := time.Since(start)
		out := before.since(members)
		if err := <-fired; err != nil {
			return nil, err
		}
		runtime.KeepAlive(paths)
		out[total] = float64(last.Microseconds()) / 1000
		out[held] = float64(full-empty) / members
		out[rate] = members / armed.Seconds() // at which the watches were set
		return out, nil
	})
}

// idling measures the memory and the goroutines of an idle client, as averages of many
// clients.
func idling(e *env, addr string) (figures, error) {
	const n = 20
	first, err := e.dial(addr) // allocates what only the first client needs
	if err != nil {
		return nil, err
	}
	defer first.close()
	empty, before := inUse(), runtime.NumGoroutine()
	var clients []client
	for range n {
		c, err := e.dial(addr)
		if err != nil {
			return nil, err
		}
		clients = append(clients, c)
	}
	full, now := inUse(), runtime.NumGoroutine()
	for _, c := range clients {
		if err := c.close(); err != nil {
			return nil, err
		}
	}
	return figures{held: float64(full-empty) / n, threads: float64(now-before) / n}, nil
}
